// Ready questions, one for each thing that models can do, and the ones asked lately.

import { byId, make, show } from "../core/dom.js";
import { inWords, t } from "../core/words.js";
import { recentQuestions } from "./recent.js";

/** Marks what the reader is to fill in. */
const GAP = "…";

const presets = () => [
  { task: "describe", label: t("Describe"), question: t("Describe this image.") },
  { task: "read text", label: t("Read text"), question: t("What text is in this image? Give it word for word, line by line.") },
  { task: "chart to table", label: t("Chart to table"), question: t("Turn this chart into a table: one row for each data point, with the column names in the first row.") },
  { task: "list objects", label: t("List objects"), question: t("List the objects in this image, separated by commas.") },
  { task: "check", label: t("Yes or no"), question: t("Is there … in this image? Answer yes or no.") },
  { task: "own", label: t("My own"), question: "" },
];

/** Whether a model is made for a task; any that listens takes one's own question. */
export function canDo(model, task) {
  return task === "own" ? model.uses_question : !model.tasks?.length || model.tasks.includes(task);
}

export class Questions {
  #buttons = new Map();
  /** Those that the chosen model brings along, as #buttons has its own: [task, {button, question}]. */
  #offered = [];
  #offeredBy = "";

  /** `onChange` is called when another question is in the box, `onTask` when a ready one is picked. */
  constructor({ onChange, onTask }) {
    this.onChange = onChange;
    this.onTask = onTask;
    for (const preset of presets()) this.#addPreset(preset);
    byId("question").addEventListener("input", () => this.#changed());
    this.#showRecent();
    this.#light();
  }

  get text() {
    return byId("question").value.trim();
  }

  /** True while a gap of a ready question is not filled in. */
  get hasGap() {
    return this.text === presets().find(({ task }) => task === "check").question;
  }

  /** Put another question into the box, which stays where it is; gives the one before. */
  replace(question) {
    const before = this.text;
    byId("question").value = question;
    this.#changed();
    return before;
  }

  /** Offer what `model` brings along, and dim what it is not made for; null lights all. */
  suit(model) {
    this.#offer(model);
    for (const [task, { button }] of this.#buttons) {
      const isFit = !model || canDo(model, task);
      button.classList.toggle("is-unfit", !isFit);
      button.title = isFit ? "" : t("{model} is not made for this.", { model: model.name });
    }
  }

  #offer(model) {
    const by = JSON.stringify(model?.presets ?? []);
    if (by === this.#offeredBy) return;
    this.#offeredBy = by;
    for (const [, { button }] of this.#offered) button.remove();
    this.#offered = (model?.presets ?? []).map(({ label, question }) => {
      const asked = inWords(question);
      return ["offered", { button: presetButton("offered", inWords(label), () => this.#put(asked)), question: asked }];
    });
    byId("presets").prepend(...this.#offered.map(([, { button }]) => button));
    this.#light();
  }

  #addPreset({ task, label, question }) {
    const button = presetButton(task, label, () => this.#pick(task, question));
    this.#buttons.set(task, { button, question });
    byId("presets").append(button);
  }

  #pick(task, question) {
    this.onTask(task);
    this.#put(question);
  }

  #put(question) {
    const box = byId("question");
    box.disabled = false;
    box.value = question;
    box.focus();
    const gap = question.indexOf(GAP);
    if (gap >= 0) box.setSelectionRange(gap, gap + GAP.length);
    this.#changed();
  }

  #changed() {
    this.#light();
    this.onChange();
  }

  #light() {
    const all = [...this.#offered, ...this.#buttons];
    const [, known] = all.find(([, { question }]) => question && question === this.text) ?? [];
    for (const [task, { button, question }] of all) {
      const isLit = known ? known.question === question : task === "own" && this.text !== "";
      button.setAttribute("aria-pressed", String(isLit));
    }
  }

  #showRecent() {
    const questions = recentQuestions();
    show(byId("recent-questions"), questions.length > 0);
    byId("recent-list").replaceChildren(...questions.map((question) => make("li", {}, make("button", {
      type: "button", class: "button button--small", title: question, on: { click: () => this.#pick("own", question) },
    }, make("span", { class: "clip", text: question })))));
  }
}

function presetButton(task, label, onClick) {
  return make("button", {
    type: "button", class: "button button--small", text: label, "aria-pressed": "false", data: { task }, on: { click: onClick },
  });
}
