// Further questions about one image, with their answers below. They are single jobs of their own.

import { api } from "../core/api.js";
import { byId, make, say, show } from "../core/dom.js";
import { problemText } from "../core/problem_text.js";
import { reasonOf } from "../core/reasons.js";
import { number, t } from "../core/words.js";
import { wholeNotes } from "../images/notes.js";
import { canTurn, isAboutSeveral } from "../images/several.js";
import { readLimits } from "../upload/limits.js";
import { askedWith } from "./asked.js";
import { CUT, cutOf, moreTokens, wordOf } from "./cut_short.js";

const LOOK_AGAIN_MS = 1000;
const PATIENT_LOOK_MS = 4000;
const PATIENT_AFTER = 20;
/** Whoever types a question here wants to read the answer, also of a model that has fields by itself. */
const TEXT = { response_format: { type: "text" } };

export class FollowUp {
  #record = null;
  #batch = null;
  #models = [];
  /** Questions and answers by job id, as long as the page is open. */
  #threads = new Map();
  /** What is being asked for again with more. */
  #underWay = new Set();

  constructor() {
    byId("follow-up-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    byId("follow-up-question").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      byId("follow-up-form").requestSubmit();
    });
  }

  /** Turn to another image. */
  open(record, batch) {
    this.#record = record;
    this.#batch = batch;
    show(byId("follow-up"), record.hasImage);
    this.#label(labelOf(record));
    say(byId("follow-up-note"), "");
    byId("follow-up-question").value = "";
    this.#draw();
    if (!this.#models.length) this.#offerModels(batch.model);
  }

  #label(words) {
    byId("follow-up-question").setAttribute("aria-label", words);
    byId("follow-up-question").placeholder = words;
  }

  /** Only those that use a question can be asked one. */
  async #offerModels(preferred) {
    const { models } = await api("/models").catch(() => ({ models: [] }));
    this.#models = models.filter(({ uses_question: usesQuestion }) => usesQuestion);
    const select = byId("follow-up-model");
    select.replaceChildren(...this.#models.map(({ name }) => make("option", { value: name, text: name })));
    if (this.#models.some(({ name }) => name === preferred)) select.value = preferred;
    const isNone = models.length > 0 && !this.#models.length;
    for (const field of byId("follow-up-form").elements) field.disabled = isNone;
    if (isNone) say(byId("follow-up-note"), t("No model here answers questions."));
  }

  #ask() {
    const box = byId("follow-up-question");
    const question = box.value.trim();
    if (!question) return;
    box.value = "";
    const model = byId("follow-up-model").value || undefined;
    this.#send({ question, model, ...TEXT, ...this.#sharpness(model) });
  }

  /** Ask a record's own question again, and allow a longer answer. */
  askForMore({ cut }) {
    return this.#askForMore({ question: cut.question, model: this.#batch.model, ...askedWith(this.#batch) }, cut);
  }

  /** Pages are drawn as before, and the batch's model sees as many pixels; what others take is their own. */
  #sharpness(model) {
    const { model: own, max_pixels: pixels, dpi, pages } = this.#batch;
    const seen = pixels && (model ?? own) === own ? { max_pixels: pixels } : {};
    return { ...seen, ...(dpi && { dpi }), ...(pages === "together" && { pages }) };
  }

  /** Whoever clicks twice asks once. */
  async #askForMore(asked, { tokens }) {
    const what = JSON.stringify([this.#record.id, asked, tokens]);
    if (this.#underWay.has(what)) return;
    this.#underWay.add(what);
    try {
      const longest = moreTokens(tokens, await readLimits());
      if (longest !== null) await this.#send({ ...asked, max_new_tokens: longest });
      else say(byId("follow-up-note"), t("It is as long as this server allows (EVA01_MAX_ANSWER_TOKENS)."));
    } finally {
      this.#underWay.delete(what);
    }
  }

  /** Ask about this image, and show what comes of it; `asked` is the body of POST /api/jobs/<id>/ask. */
  async #send(asked) {
    const entry = { asked, answer: "", error: "", cut: null, isOpen: true };
    const { id } = this.#record;
    const thread = this.#threads.get(id) ?? [];
    this.#threads.set(id, [...thread, entry]);
    this.#draw();
    byId("follow-up-thread").lastChild.scrollIntoView({ block: "nearest" });
    try {
      const job = await answered(await api(`/jobs/${id}/ask`, { json: asked }));
      entry.answer = job.answer ?? "";
      entry.notes = wholeNotes(job);
      entry.cut = cutOf(job);
      if (job.state === "failed") entry.error = reasonOf(job.error?.code, job.error?.message).what;
      if (job.state === "cancelled") entry.error = t("It was cancelled.");
    } catch (problem) {
      entry.error = problemText(problem);
    }
    entry.isOpen = false;
    this.#draw();
  }

  #draw() {
    const thread = this.#threads.get(this.#record.id) ?? [];
    byId("follow-up-thread").replaceChildren(...thread.map((entry) => this.#drawEntry(entry)));
  }

  #drawEntry({ asked, answer, notes, error, cut, isOpen }) {
    const { question, max_new_tokens: longest } = asked;
    const reply = isOpen
      ? make("p", { class: "lamp lamp--busy note", text: t("Being answered …") })
      : make("p", { class: error ? "follow-up-error" : "text", dir: "auto", text: error || answer });
    return make(
      "li",
      { class: "follow-up-entry" },
      make("p", { class: "follow-up-question text", dir: "auto", text: question }),
      longest ? make("p", { class: "note", text: t("With up to {n} tokens", { n: number(longest) }) }) : null,
      reply,
      notes ? make("p", { class: "note", text: notes }) : null,
      cut ? this.#drawCut(asked, cut) : null,
    );
  }

  #drawCut(asked, cut) {
    const more = { type: "button", class: "button button--small", text: t("Ask again with more"), on: { click: () => this.#askForMore(asked, cut) } };
    return make("p", { class: "row" }, make("span", { class: `chip chip--${CUT}`, text: wordOf(CUT) }), make("button", more));
  }
}

/** The job once it has come to an end; a fleet at zero takes its time. */
async function answered(job) {
  let looks = 0;
  while (job.state === "queued" || job.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, looks < PATIENT_AFTER ? LOOK_AGAIN_MS : PATIENT_LOOK_MS));
    looks += 1;
    job = await api(`/jobs/${job.id}`).catch((problem) => {
      if (problem.isTemporary) return job;
      throw problem;
    });
  }
  return job;
}

function labelOf(record) {
  if (isAboutSeveral(record)) return t("A further question about these images");
  return canTurn(record) ? t("A further question about this file") : t("A further question about this image");
}
