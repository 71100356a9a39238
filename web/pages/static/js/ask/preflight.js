// What is said before anything is sent: how many, how large, which are refused and why, how long it will take.

import { byId, icon, make, say, sayOrHide, show } from "../core/dom.js";
import { bytes, duration, money, number, t, tn } from "../core/words.js";
import { isPdf } from "../upload/limits.js";
import { estimate } from "./estimate.js";
import { counted } from "./selection.js";

const SAMPLES = 10;
/** Bytes above which a preview would cost more than it shows. */
const SAMPLE_BYTES = 8e6;
const NAMED_REFUSALS = 300;

let urls = [];
let shown = "";

/** The numbers of the selection: after each change of it. */
export function showSelection(selection) {
  document.body.classList.toggle("is-loaded", selection.count > 0);
  show(byId("chosen"), selection.count > 0 || selection.refused.length > 0);
  say(byId("count"), number(selection.count));
  say(byId("count-label"), selection.pdfs ? t("Files") : t("Images"));
  say(byId("size"), selection.count ? bytes(selection.bytes) : "–");
  say(byId("chosen-said"), selection.count ? `${counted(selection)}, ${bytes(selection.bytes)}` : "");
  showPreviews(selection);
  showRefusals(selection.refused);
}

/** The estimate, the checks and the button: after any change. */
export function showReadiness({ selection, grouping, questions, models, answer, resolution, isReading }) {
  const { seconds, note } = estimate(grouping.jobs, models.status);
  say(byId("estimate"), seconds === null ? "–" : `≈ ${duration(seconds)}`);
  const more = [
    seconds !== null && resolution.check ? t("At the resolution that is chosen it may take another time.") : "",
    selection.zips && selection.count ? t("What is in the zips comes on top.") : "",
  ];
  sayOrHide(byId("estimate-note"), [note, priceNote(selection, models.chosen), ...more].filter(Boolean).join(" "));
  const checks = checksOf({ selection, grouping, questions, models, answer, resolution, isReading });
  byId("checks").replaceChildren(...checks.map(({ kind, words }) =>
    make("li", { class: `check check--${kind}` }, icon(kind === "warn" ? "warn" : "check"), make("span", { text: words }))));
  const isReady = !checks.some(({ kind }) => kind === "open");
  byId("send").setAttribute("aria-disabled", String(!isReady));
  const asked = grouping.way ? grouping.counted : counted(selection);
  say(byId("send"), selection.count ? t("Ask {images}", { images: asked }) : t("Ask"));
  return checks.find(({ kind }) => kind === "open") ?? null;
}

/** What the model's images cost; how many are in a PDF or a zip is known once it was sent. */
function priceNote({ count, pdfs, zips }, model) {
  if (!count || !model?.price) return "";
  const price = money({ ...model.price, amount: (model.price.amount * count) / 1000 });
  return pdfs || zips ? t("They cost {price}, and more where files have several images or pages.", { price }) : t("They cost {price}.", { price });
}

function checksOf({ selection, grouping, questions, models, answer, resolution, isReading }) {
  const model = models.chosen;
  const checks = [];
  if (isReading) checks.push({ kind: "open", words: t("Reading the files …") });
  else checks.push(selection.count
    ? { kind: "good", words: t("{images} loaded", { images: counted(selection) }) }
    : { kind: "open", words: t("Load images"), focus: "files" });
  const groups = grouping.check;
  if (groups) checks.push(groups);
  checks.push(questionCheck(questions, model));
  const answers = answer.check;
  if (answers) checks.push(answers);
  checks.push(model
    ? { kind: "good", words: t("{model} answers", { model: model.name }) }
    : { kind: "open", words: t("Wait for a model"), focus: "models" });
  if (resolution.check) checks.push(resolution.check);
  return checks;
}

function questionCheck(questions, model) {
  if (model && !model.uses_question) return { kind: "good", words: t("{model} needs no question", { model: model.name }) };
  if (questions.hasGap) return { kind: "open", words: t("Fill in the gap in the question"), focus: "question" };
  if (questions.text) return { kind: "good", words: t("A question is asked") };
  if (model?.default_question) return { kind: "good", words: t("The model's own question is asked") };
  return { kind: "open", words: t("Type a question"), focus: "question" };
}

function showPreviews(selection) {
  const samples = selection.samples(SAMPLES, SAMPLE_BYTES);
  const rest = selection.count - samples.length;
  sayOrHide(byId("preview-more"), rest > 0 ? `+${number(rest)}` : "");
  const key = samples.map(({ path }) => path).join("\n");
  if (key === shown) return;
  shown = key;
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [];
  byId("preview").replaceChildren(...samples.map(preview));
}

/** What the browser cannot show has a sheet of paper in its place. */
function preview({ path, file }) {
  const sheet = () => make("span", { class: "preview-sheet" }, icon("sheet"));
  if (isPdf(path)) return sheet();
  const src = URL.createObjectURL(file);
  urls.push(src);
  return make("img", { src, alt: "", decoding: "async", on: { error: (event) => event.target.replaceWith(sheet()) } });
}

function showRefusals(refused) {
  say(byId("refused"), number(refused.length));
  byId("refused-readout").classList.toggle("readout--warn", refused.length > 0);
  show(byId("refusals"), refused.length > 0);
  say(byId("refusals-title"), tn("{count} file will not be sent", "{count} files will not be sent", refused.length));
  const lines = refused.slice(0, NAMED_REFUSALS).map(({ path, reason }) =>
    make("li", {}, make("span", { text: path }), make("span", { text: reason })));
  const rest = refused.length - lines.length;
  if (rest > 0) lines.push(make("li", { text: t("and {n} more", { n: number(rest) }) }));
  byId("refusals-list").replaceChildren(...lines);
}
