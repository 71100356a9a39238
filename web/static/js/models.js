// Which model answers: what each can do, and whether it listens to the question.

import { listModels } from "./api.js";
import { byId, make, say } from "./dom.js";
import { plural } from "./words.js";

const LOOK_AGAIN_MS = 5000;

const SHAPE_QUESTIONS = [
  "Describe this image.",
  "How many shapes are there?",
  "What color is the background?",
  "描述这张图片的内容和颜色",
];
const QUESTIONS = [
  "Describe this image.",
  "What text is in this image? Give it word for word.",
  "Write an alt text of one sentence.",
  "List the objects in this image, separated by commas.",
  "描述这张图片的内容和颜色",
];

export class ModelPicker {
  #models = [];
  #typed = "";

  constructor(onChange) {
    this.onChange = onChange;
    byId("model").addEventListener("change", () => this.#describe());
  }

  /** The chosen model's description, or undefined before any is known. */
  get model() {
    return this.#models.find(({ name }) => name === byId("model").value);
  }

  get question() {
    return this.model?.uses_question === false ? "" : byId("question").value.trim();
  }

  /** Why nothing can be asked yet, or null. */
  get hindrance() {
    if (!this.model) return "No model is offered yet.";
    const isMissing = this.model.uses_question && !this.question && !this.model.default_question;
    return isMissing ? "Type a question first." : null;
  }

  /** Ask which models there are, now and from then on: workers come and go. */
  async watch() {
    try {
      const models = await listModels();
      if (JSON.stringify(models) !== JSON.stringify(this.#models)) this.#fill(models);
    } catch (error) {
      byId("model-note").textContent = `${error.message} Trying again …`;
    }
    setTimeout(() => this.watch(), LOOK_AGAIN_MS);
  }

  #fill(models) {
    const select = byId("model");
    const preferred = this.model ?? models.find(({ is_default }) => is_default) ?? models[0];
    this.#models = models;
    select.replaceChildren(...models.map(({ name }) => make("option", { text: name, attrs: { value: name } })));
    if (preferred) select.value = preferred.name;
    this.#describe();
  }

  #describe() {
    byId("model-note").textContent = this.#note();
    const box = byId("question");
    const isUsed = this.model?.uses_question !== false;
    if (isUsed && box.disabled) box.value = this.#typed;
    if (!isUsed && !box.disabled) {
      this.#typed = box.value;
      box.value = "";
    }
    box.disabled = !isUsed;
    say(byId("question-note"), isUsed ? "" : `${this.model.name} needs no question: it always does the same.`);
    this.#offerQuestions(isUsed);
    this.onChange(this);
  }

  #note() {
    if (!this.model) return "No worker has come up yet. The list fills by itself when one does.";
    const { description, workers } = this.model;
    const fleet = workers
      ? `${plural(workers, "worker")} ready.`
      : "No worker is up: images wait until one is.";
    return `${description} ${fleet}`;
  }

  #offerQuestions(isUsed) {
    const questions = !isUsed ? [] : this.model?.name === "nano" ? SHAPE_QUESTIONS : QUESTIONS;
    const buttons = questions.map((text) => {
      const onClick = () => {
        byId("question").value = text;
        byId("question").focus();
        this.onChange(this);
      };
      return make("button", { text, attrs: { type: "button" }, onClick });
    });
    byId("presets").replaceChildren(...buttons);
  }
}
