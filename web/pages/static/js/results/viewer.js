// One result, large: the image with zoom, the answer, how it came about, and further questions.

import { pageColumns } from "../columns/columns.js";
import { drawFields } from "../columns/list.js";
import { drawSure, shownSure, sureBar } from "../columns/sure.js";
import { api } from "../core/api.js";
import { copyText } from "../core/copying.js";
import { byId, make, say, sayOrHide, show } from "../core/dom.js";
import { keysAct } from "../core/keys.js";
import { reasonOf } from "../core/reasons.js";
import { dateTime, number, percent, t } from "../core/words.js";
import { ImageList } from "../images/image_list.js";
import { wholeNotes } from "../images/notes.js";
import { drawPager, makePager, stepOf } from "../images/pager.js";
import { addressesOf, canTurn, isAboutSeveral, isShownWhole, topOf } from "../images/several.js";
import { Zoom } from "../images/zoom.js";
import { drawState } from "./cut_short.js";
import { FollowUp } from "./follow_up.js";
import { PdfText } from "./pdf_text.js";
import { took } from "./times.js";
import { drawUnsure } from "./unsure.js";

export class Viewer {
  /** The record that is shown, or null. */
  record = null;
  /** All that the server knows of its job; null until that has come. */
  #job = null;

  #dialog = byId("viewer");
  #results;
  #onRetry;
  #batch;
  #zoom;
  #followUp;
  #pager = makePager();
  #pdfText = new PdfText();
  #images;
  #shownVersion = null;
  #columns = pageColumns();
  #sure = sureBar();
  /** Addresses of pictures that have not been tried. */
  #pictures = [];

  /**
   * @param results The Results through whose order one goes.
   * @param onRetry Hears the record that is to be retried.
   */
  constructor(batch, results, onRetry) {
    this.#batch = batch;
    this.#results = results;
    this.#onRetry = onRetry;
    this.#zoom = new Zoom(byId("stage-frame"), byId("viewer-image"), (scale) => say(byId("zoom-level"), percent(Math.round(100 * scale) / 100)));
    this.#followUp = byId("follow-up") ? new FollowUp() : null;
    this.#images = new ImageList(byId("viewer-images"), (place) => this.#turn({ place }));
    byId("viewer-pager").append(this.#pager);
    byId("viewer-state").after(this.#sure);
    this.#listen();
  }

  get isOpen() {
    return this.#dialog.open;
  }

  open(record) {
    const isNew = this.record !== record;
    this.record = record;
    history.replaceState(history.state, "", `#job=${record.id}`);
    if (!this.isOpen) this.#dialog.showModal();
    if (isNew) {
      this.#job = null;
      this.#showImage();
      this.#followUp?.open(record, this.#batch);
    }
    this.#shownVersion = null;
    this.update();
  }

  /** Draw again what has changed of the record. */
  update() {
    if (!this.isOpen || !this.record) return;
    this.#showPlace();
    if (this.#shownVersion === this.record.version) return;
    this.#shownVersion = this.record.version;
    this.#showWords();
    this.#showFacts();
  }

  #listen() {
    const on = (id, act) => byId(id)?.addEventListener("click", act);
    on("viewer-close", () => this.#dialog.close());
    on("viewer-previous", () => this.#go(-1));
    on("viewer-next", () => this.#go(1));
    on("zoom-in", () => this.#zoom.step(1));
    on("zoom-out", () => this.#zoom.step(-1));
    on("zoom-fit", () => this.#zoom.fit());
    on("viewer-copy", () => copyText(this.record.answer));
    on("viewer-more", () => this.#followUp.askForMore(this.record));
    on("viewer-retry", () => this.#onRetry(this.record));
    this.#pager.addEventListener("click", (event) => stepOf(event) && this.#turn({ by: stepOf(event) }));
    byId("viewer-image").addEventListener("error", () => this.#showNext());
    this.#dialog.addEventListener("keydown", (event) => this.#onKey(event));
    this.#dialog.addEventListener("close", () => this.#onClose());
  }

  #onClose() {
    history.replaceState(history.state, "", location.pathname + location.search);
    const { record } = this;
    this.record = null;
    this.#pictures = [];
    // A picture of many megabytes is not kept for a dialog that is closed.
    byId("viewer-image").removeAttribute("src");
    this.#results.focus(record);
  }

  #onKey(event) {
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = event.shiftKey ? this.#shiftedKeys()[event.key] : this.#keys()[event.key];
    if (!act || (event.key.length === 1 && !keysAct())) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #keys() {
    return {
      ArrowLeft: () => this.#go(-1),
      ArrowRight: () => this.#go(1),
      "+": () => this.#zoom.step(1),
      "=": () => this.#zoom.step(1),
      "-": () => this.#zoom.step(-1),
      0: () => this.#zoom.fit(),
      ",": () => this.#turn({ by: -1 }),
      ".": () => this.#turn({ by: 1 }),
      r: () => this.#onRetry(this.record),
    };
  }

  #shiftedKeys() {
    return {
      ArrowLeft: () => this.#zoom.pan(-1, 0),
      ArrowRight: () => this.#zoom.pan(1, 0),
      ArrowUp: () => this.#zoom.pan(0, -1),
      ArrowDown: () => this.#zoom.pan(0, 1),
      "+": () => this.#zoom.step(1),
    };
  }

  #go(by) {
    const target = this.#results.items[this.#results.items.indexOf(this.record) + by];
    if (target) this.open(target);
  }

  /** Show another image or page of the same job. */
  #turn(where) {
    if (!canTurn(this.record)) return;
    this.#results.turn(this.record, where);
    this.#showImage();
    this.#images.draw(this.record);
    if (this.#job) this.#pdfText.draw(this.record, this.#job);
  }

  #showPlace() {
    const { items } = this.#results;
    const index = items.indexOf(this.record);
    const place = t("{place} of {total}", { place: number(index + 1), total: number(items.length) });
    say(byId("viewer-place"), index < 0 ? "" : place);
    // Not `disabled`: the keyboard would fall off the button at either end.
    byId("viewer-previous").setAttribute("aria-disabled", String(index <= 0));
    byId("viewer-next").setAttribute("aria-disabled", String(index < 0 || index === items.length - 1));
  }

  #showImage() {
    const { file, images, hasImage } = this.record;
    const image = byId("viewer-image");
    const top = topOf(this.record);
    show(image, hasImage);
    show(byId("viewer-nopicture"), !hasImage);
    show(byId("viewer-original"), hasImage);
    byId("viewer-original").href = addressesOf(this.record, top).image;
    image.alt = images[top.place]?.file ?? file;
    this.#pictures = hasImage ? picturesOf(this.record, top) : [];
    if (hasImage) this.#showNext();
    else image.removeAttribute("src");
    say(byId("viewer-file"), file);
    drawPager(this.#pager, this.record);
  }

  /** The next of what there is to show, or that there is nothing. */
  #showNext() {
    const image = byId("viewer-image");
    const address = this.#pictures.shift();
    show(byId("viewer-small"), Boolean(address?.includes("/thumbnail")));
    if (address) {
      image.src = address;
      return;
    }
    show(image, false);
    show(byId("viewer-nopicture"), true);
  }

  #showWords() {
    const { state, answer, errorCode, errorMessage, hasImage, cut } = this.record;
    drawState(byId("viewer-state"), this.record);
    this.#showCut();
    drawUnsure(byId("viewer-unsure"), this.record);
    drawSure(this.#sure, this.record.confidence);
    const hasFields = this.#columns.length > 0 && state === "succeeded" && this.record.data !== null;
    show(byId("viewer-fields"), hasFields);
    drawFields(byId("viewer-fields"), this.record, hasFields ? this.#columns : []);
    show(byId("viewer-answer"), Boolean(answer) && !hasFields);
    say(byId("viewer-answer"), answer);
    this.#images.draw(this.record);
    // Of several images each has its own, in the list of them.
    sayOrHide(byId("viewer-notes"), isAboutSeveral(this.record) ? "" : wholeNotes(this.record));
    show(byId("viewer-copy"), Boolean(answer));
    show(byId("viewer-reason"), state === "failed");
    if (byId("viewer-retry")) show(byId("viewer-retry"), state === "failed" && hasImage && cut === null);
    if (state !== "failed") return;
    const { what, remedy } = reasonOf(errorCode, errorMessage);
    const reason = byId("viewer-reason");
    say(reason.querySelector(".notice-title"), what);
    sayOrHide(reason.querySelector(".viewer-remedy"), remedy);
    sayOrHide(reason.querySelector(".viewer-message"), errorMessage === what ? "" : `${errorMessage} [${errorCode}]`);
  }

  #showCut() {
    const { cut } = this.record;
    show(byId("viewer-cut"), cut !== null);
    if (cut === null) return;
    say(byId("viewer-cut").querySelector(".viewer-cut-words"), t("It ends after {n} tokens, the most that it might have.", { n: number(cut.tokens) }));
  }

  /** What the record knows at once, and the rest when the job has been read. */
  async #showFacts() {
    const { record } = this;
    const version = this.#shownVersion;
    drawFacts(record, null);
    closeReasoning(record);
    const job = await api(`/jobs/${record.id}`).catch(() => null);
    if (!job || this.record !== record || this.#shownVersion !== version) return;
    this.#job = job;
    drawFacts(record, job);
    drawReasoning(job);
    this.#pdfText.draw(record, job);
    const isOther = job.question && job.question !== this.#batch.question;
    sayOrHide(byId("viewer-question"), isOther ? job.question : "");
  }
}

/** Not every browser reads TIFF, and of a file of pages it would show the first: what a worker made stands in. */
function picturesOf(record, sheet) {
  const { image, thumbnail } = addressesOf(record, sheet);
  return isShownWhole(record, sheet) ? [image, thumbnail] : [thumbnail];
}

/** What was thought before another record's answer is closed; that of the same stays as it is. */
function closeReasoning({ id }) {
  const root = byId("viewer-reasoning");
  if (root.dataset.job === id) return;
  root.dataset.job = id;
  root.open = false;
  show(root, false);
}

function drawReasoning({ reasoning }) {
  show(byId("viewer-reasoning"), Boolean(reasoning));
  say(byId("viewer-reasoning-text"), reasoning ?? "");
}

function drawFacts({ cameMs, startedMs, finishedMs }, job) {
  const facts = [
    [t("Waited"), took(startedMs === null ? null : Math.max(0, startedMs - cameMs))],
    [t("Ran"), took(startedMs === null || finishedMs === null ? null : Math.max(0, finishedMs - startedMs))],
    [t("Finished"), finishedMs === null ? "–" : dateTime(finishedMs)],
  ];
  if (job) facts.push(...factsOf(job));
  const rows = facts.map(([name, value]) => make("div", {}, make("dt", { text: name }), make("dd", { text: value })));
  byId("viewer-facts").replaceChildren(...rows);
}

function factsOf({ width, height, images, model, page, usage, attempts, cached, confidence }) {
  const facts = [[t("Model"), model]];
  if (page) facts.push([t("Page"), number(page)]);
  if (usage?.pages) facts.push([t("Pages read"), number(usage.pages)]);
  if (width && height && !images) facts.push([t("Size"), t("{w} × {h} pixels", { w: number(width), h: number(height) })]);
  if (usage?.read_pixels) facts.push([t("Seen at"), t("{n} pixels", { n: number(usage.read_pixels) })]);
  if (usage?.visual_tokens) facts.push([t("Image tokens"), number(usage.visual_tokens)]);
  if (usage?.output_tokens) facts.push([t("Answer tokens"), number(usage.output_tokens)]);
  if (usage?.lines) facts.push([t("Lines of text"), number(usage.lines)]);
  const sure = confidence ?? usage?.confidence ?? null;
  if (sure !== null) facts.push([t("Confidence"), shownSure(sure)]);
  if (attempts > 1) facts.push([t("Attempts"), number(attempts)]);
  if (cached) facts.push([t("Answer"), t("known from before")]);
  return facts;
}
