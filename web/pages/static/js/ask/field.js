// A field of the answers, as its row has it: {name, kind, choices, hint, isRequired}. A kind is a type, with `[]` behind it
// for a list. Nothing here touches the page.

import { t } from "../core/words.js";

const CHOICE = "choice";
const NAMED = new Set(["text", "number", "integer", "boolean", "date"]);
/** What sets values apart, where none of the short form's `|` is among them. */
const COMMAS = /[,，、;；\n]/;

export const emptyField = () => ({ name: "", kind: "text", choices: "", hint: "", isRequired: false });

export const isEmpty = ({ name, choices, hint }) => !`${name}${choices}${hint}`.trim();

export const isChoice = (kind) => kind.startsWith(CHOICE);

/** The kinds there are, in words: [kind, words] each; those of lists apart. */
export const kinds = () => ({
  single: [
    ["text", t("Text")],
    ["number", t("Number")],
    ["integer", t("Whole number")],
    ["boolean", t("Yes or no")],
    ["date", t("Date")],
    [CHOICE, t("One of …")],
  ],
  lists: [
    ["text[]", t("List of texts")],
    ["number[]", t("List of numbers")],
    ["integer[]", t("List of whole numbers")],
    ["date[]", t("List of dates")],
    [`${CHOICE}[]`, t("Some of …")],
  ],
});

/** A field in its short form, `total:number!:what was paid`, as jobs/contract/asking/fields.py reads it. */
export function fieldFrom(short) {
  const [name, type = "", ...rest] = short.split(":");
  const isRequired = type.endsWith("!");
  const kind = isRequired ? type.slice(0, -1) : type;
  const bare = kind.replace(/\[\]$/, "");
  const isOneOf = bare.includes("|");
  const named = NAMED.has(bare) ? bare : "text";
  return {
    name,
    kind: (isOneOf ? CHOICE : named) + (kind.endsWith("[]") ? "[]" : ""),
    choices: isOneOf ? bare.split("|").join(" | ") : "",
    hint: rest.join(":"),
    isRequired,
  };
}

/** The values that a text names. */
function choicesIn(text) {
  return text
    .split(text.includes("|") ? "|" : COMMAS)
    .map((value) => value.trim())
    .filter(Boolean);
}

/** A field as the API takes it. */
export function sentField({ name, kind, choices, hint, isRequired }) {
  const own = isChoice(kind) ? { choices: choicesIn(choices) } : {};
  const type = kind.replace("[]", "");
  return { name: name.trim(), type, ...own, is_list: kind.endsWith("[]"), is_required: isRequired, hint: hint.trim() };
}

/** {words, part} of what is wrong with a field, where `names` are those of all; null when it is whole. */
export function faultOf({ name, kind, choices }, names) {
  const own = name.trim();
  if (!own) return { part: "name", words: t("Give this field a name.") };
  if (names.filter((other) => other.trim() === own).length > 1) {
    return { part: "name", words: t("Another field has this name.") };
  }
  if (!isChoice(kind)) return null;
  const values = choicesIn(choices);
  if (values.length < 2) return { part: "choices", words: t("Name its values, set apart by |.") };
  return new Set(values).size < values.length ? { part: "choices", words: t("A value is there twice.") } : null;
}
