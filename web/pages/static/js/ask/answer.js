// What an answer is to be: text, fields, or JSON by a schema.

import { byId, make, sayOrHide, show } from "../core/dom.js";
import { problemText } from "../core/problem_text.js";
import { LOCALE, t, tn } from "../core/words.js";
import { fieldFrom, sentField } from "./field.js";
import { fieldPresets } from "./field_presets.js";
import { FieldRows } from "./field_rows.js";

/** What the server refuses of a schema. */
const OF_SCHEMA = new Set(["bad_schema", "unsupported_schema", "schema_too_large", "no_fields"]);

export class Answer {
  #root = byId("answer");
  #rows;
  #onChange;
  #onQuestion;
  /** What a preset has taken the place of: {fields, question}. */
  #before = null;
  #isPreset = false;
  /** The fields that the chosen model answers with by itself, in short: they are put until somebody chooses otherwise. */
  #own = [];
  #isTouched = false;

  /** `onChange` is called when something else is wanted; `onQuestion(question)` puts a preset's, and gives the one before. */
  constructor({ onChange, onQuestion }) {
    this.#onChange = onChange;
    this.#onQuestion = onQuestion;
    this.#rows = new FieldRows(byId("field-rows"), () => {
      this.#isPreset = false;
      this.#changed();
    });
    this.#root.addEventListener("input", () => this.#touched());
    this.#root.addEventListener("click", ({ target }) => target.closest("button") && this.#touched());
    for (const radio of this.#radios) radio.addEventListener("change", () => this.#turn());
    byId("field-add").addEventListener("click", () => this.#rows.add());
    byId("field-back").addEventListener("click", () => this.#putBack());
    byId("schema").addEventListener("input", () => this.#changed());
    byId("field-presets").append(...fieldPresets().map((preset) => this.#presetButton(preset)));
    this.#rows.fields = [];
    this.#turn();
  }

  /** Hide what a model cannot do, and put the fields that it answers with by itself. */
  suit(model) {
    show(this.#root, model?.has_fields !== false);
    const own = model?.fields ?? [];
    if (own.join("\n") === this.#own.join("\n")) return;
    this.#own = own;
    if (this.#isTouched) return;
    this.#rows.fields = own.map(fieldFrom);
    this.#choose(own.length ? "fields" : "text");
  }

  /** What the API is told of it: of text only where the model would answer with fields. */
  get wish() {
    if (this.#kind === "fields") return { fields: this.#rows.fields.map(sentField) };
    if (this.#kind !== "schema") return this.#own.length ? { response_format: { type: "text" } } : {};
    return { response_format: { type: "json_schema", json_schema: { schema: JSON.parse(byId("schema").value) } } };
  }

  /** How it stands, for the check before the launch; null for text. */
  get check() {
    if (this.#kind === "fields") return this.#checkFields();
    return this.#kind === "schema" ? this.#checkSchema() : null;
  }

  /** Say what hinders it where it is. */
  showFaults() {
    if (this.#kind === "fields") this.#rows.showFaults();
    if (this.#kind === "schema") this.#tellSchema(this.#schemaFault ?? "");
  }

  /** Say where it is what the server refused, when that is about the answer. */
  refuse(problem) {
    const words = problemText(problem);
    const [, place] = /^`fields\.([0-9]+)/.exec(problem.message) ?? [];
    if (this.#kind === "fields" && place !== undefined) {
      this.#rows.refuse(Number(place), words);
      return;
    }
    const isIts = OF_SCHEMA.has(problem.code) || /^(`(fields|response_format)|There are two fields)/.test(problem.message);
    if (!isIts || this.#kind === "text") return;
    if (this.#kind === "fields") sayOrHide(byId("fields-problem"), words);
    else this.#tellSchema(words, LOCALE.startsWith("en") ? "" : problem.message);
  }

  get #radios() {
    return this.#root.querySelectorAll('input[name="answer"]');
  }

  get #kind() {
    return this.#root.hidden ? "text" : this.#root.dataset.kind;
  }

  #touched() {
    this.#isTouched = true;
  }

  #choose(kind) {
    for (const radio of this.#radios) radio.checked = radio.value === kind;
    this.#turn();
  }

  #turn() {
    this.#root.dataset.kind = [...this.#radios].find(({ checked }) => checked)?.value ?? "text";
    this.#changed();
  }

  #changed() {
    sayOrHide(byId("fields-problem"), "");
    this.#tellSchema("");
    this.#onChange();
  }

  #checkFields() {
    const { fault, fields } = this.#rows;
    if (fault) return { kind: "open", ...fault };
    if (!fields.length) return { kind: "open", words: t("Name a field"), focus: byId("field-rows").querySelector("input")?.id };
    return { kind: "good", words: tn("Each answer has {count} field", "Each answer has {count} fields", fields.length) };
  }

  #checkSchema() {
    const fault = this.#schemaFault;
    return fault ? { kind: "open", words: fault, focus: "schema" } : { kind: "good", words: t("Answers follow a schema") };
  }

  get #schemaFault() {
    const text = byId("schema").value.trim();
    if (!text) return t("Paste a JSON Schema");
    try {
      const schema = JSON.parse(text);
      return schema && typeof schema === "object" && !Array.isArray(schema) ? null : t("A schema is a JSON object: { … }");
    } catch (error) {
      return t("The schema is no JSON: {reason}", { reason: error.message });
    }
  }

  #tellSchema(words, original = "") {
    const box = byId("schema-problem");
    box.replaceChildren(...(words ? [make("p", { class: "notice notice--bad", text: words })] : []));
    if (original) box.firstChild.append(make("span", { class: "note", lang: "en", text: original }));
    if (words) byId("schema").setAttribute("aria-invalid", "true");
    else byId("schema").removeAttribute("aria-invalid");
  }

  #presetButton({ label, question, fields }) {
    return make("button", {
      type: "button", class: "button button--small", text: label,
      on: { click: () => this.#put(fields.map(fieldFrom), question) },
    });
  }

  #put(fields, question) {
    const own = this.#rows.fields;
    const isOwn = own.length > 0 && !this.#isPreset;
    const asked = this.#onQuestion(question);
    if (isOwn) this.#before = { fields: own, question: asked };
    this.#rows.fields = fields;
    this.#isPreset = true;
    show(byId("field-back"), this.#before !== null);
  }

  /** What somebody typed is not lost to a button. */
  #putBack() {
    const { fields, question } = this.#before;
    this.#before = null;
    this.#onQuestion(question);
    this.#rows.fields = fields;
    show(byId("field-back"), false);
    byId("field-add").focus();
  }
}
