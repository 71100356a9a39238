// The fields of the answers, a row each: made, changed and removed by mouse or keyboard.

import { icon, make, sayOrHide, show } from "../core/dom.js";
import { number, t } from "../core/words.js";
import { emptyField, faultOf, isChoice, isEmpty, kinds } from "./field.js";

const NAME_CHARS = 64;
const HINT_CHARS = 500;
let made = 0;

export class FieldRows {
  #list;
  #onChange;

  /** @param list Holds the rows. `onChange` hears each change. */
  constructor(list, onChange) {
    this.#list = list;
    this.#onChange = onChange;
    list.addEventListener("input", (event) => this.#changed(event.target.closest("li")));
    list.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** The fields, in their order; a row in which nothing stands is none. */
  get fields() {
    return this.#rows.map(readRow).filter((field) => !isEmpty(field));
  }

  set fields(fields) {
    this.#list.replaceChildren(...(fields.length ? fields : [emptyField()]).map((field) => this.#makeRow(field)));
    this.#changed();
  }

  /** {words, focus} of the first field that is not whole; null when all are. */
  get fault() {
    const found = this.#looked.find(({ fault }) => fault);
    return found ? { words: found.fault.words, focus: partOf(found.row, found.fault.part).id } : null;
  }

  /** Add a row below another, or at the end, and go there. */
  add(after = this.#list.lastElementChild) {
    const row = this.#makeRow(emptyField());
    if (after) after.after(row);
    else this.#list.append(row);
    this.#changed();
    partOf(row, "name").focus();
  }

  /** Say what the server refused at the row of its number among the fields. */
  refuse(place, words) {
    const row = this.#rows.filter((one) => !isEmpty(readRow(one)))[place];
    if (!row) return;
    tell(row, "name", words);
    partOf(row, "name").focus();
  }

  /** Say what is wrong where it is. */
  showFaults() {
    for (const { row, fault } of this.#looked) tell(row, fault?.part ?? null, fault?.words ?? "");
  }

  /** {row, fault} of each row; a fault is null where there is none. */
  get #looked() {
    const names = this.fields.map(({ name }) => name);
    return this.#rows.map((row) => {
      const field = readRow(row);
      return { row, fault: isEmpty(field) ? null : faultOf(field, names) };
    });
  }

  get #rows() {
    return [...this.#list.children];
  }

  #changed(row = null) {
    // What was wrong is said again only when one asks.
    if (row) tell(row, null, "");
    for (const [index, one] of this.#rows.entries()) numberRow(one, index + 1);
    this.#onChange();
  }

  #onKey(event) {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input:not([type=checkbox])")) return;
    event.preventDefault();
    this.add(event.target.closest("li"));
  }

  #remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (next) {
      this.#changed();
      partOf(next, "name").focus();
    } else {
      this.add(null);
    }
  }

  #makeRow(field) {
    made += 1;
    const id = (part) => `field-${made}-${part}`;
    const describedBy = id("problem");
    const text = (part, most, value) =>
      make("input", { id: id(part), class: `input field-${part}`, maxlength: most, value, autocomplete: "off", dir: "auto", "aria-describedby": describedBy, data: { part } });
    const values = text("choices", null, field.choices);
    values.classList.add("field-values");
    values.placeholder = t("receipt | invoice | other");
    const row = make(
      "li",
      { class: "field-row" },
      text("name", NAME_CHARS, field.name),
      kindSelect(id("kind"), field.kind),
      text("hint", HINT_CHARS, field.hint),
      make("label", { class: "choice" }, make("input", { type: "checkbox", checked: field.isRequired, data: { part: "required" } }), t("always there")),
      make("button", { type: "button", class: "button button--quiet button--icon button--small field-remove", on: { click: () => this.#remove(row) } }, icon("close")),
      values,
      make("p", { id: describedBy, class: "field-row-problem", role: "alert", hidden: true }),
    );
    return row;
  }
}

function kindSelect(id, kind) {
  const { single, lists } = kinds();
  const options = (some) => some.map(([value, text]) => make("option", { value, text, selected: value === kind }));
  return make("select", { id, class: "input", data: { part: "kind" } }, ...options(single), make("optgroup", { label: t("Lists") }, ...options(lists)));
}

const partOf = (row, part) => row.querySelector(`[data-part="${part}"]`);

function readRow(row) {
  const value = (part) => partOf(row, part).value;
  return { name: value("name"), kind: value("kind"), choices: isChoice(value("kind")) ? value("choices") : "", hint: value("hint"), isRequired: partOf(row, "required").checked };
}

/** Labels say of which row a box is; values are asked for where a kind has some. */
function numberRow(row, place) {
  const n = number(place);
  partOf(row, "name").setAttribute("aria-label", t("Name of field {n}", { n }));
  partOf(row, "kind").setAttribute("aria-label", t("Type of field {n}", { n }));
  partOf(row, "hint").setAttribute("aria-label", t("Hint for field {n}", { n }));
  partOf(row, "hint").placeholder = t("what it is, in a few words");
  partOf(row, "choices").setAttribute("aria-label", t("Values of field {n}, set apart by |", { n }));
  partOf(row, "required").setAttribute("aria-label", t("Field {n} is always there", { n }));
  row.querySelector(".field-remove").setAttribute("aria-label", t("Remove field {n}", { n }));
  show(partOf(row, "choices"), isChoice(partOf(row, "kind").value));
}

function tell(row, part, words) {
  for (const one of ["name", "choices"]) {
    if (one === part) partOf(row, one).setAttribute("aria-invalid", "true");
    else partOf(row, one).removeAttribute("aria-invalid");
  }
  sayOrHide(row.querySelector(".field-row-problem"), words);
}
