// The columns that answers with fields make, and what stands in them. The server reads them from the batch's schema
// (jobs/shape/columns.py): {field, title, type, of, choices, description} each. Needs no DOM but to read them.

import { dateOnly, exact, t } from "../core/words.js";

/** The columns of the page's batch; none for plain text. */
export const pageColumns = () => JSON.parse(document.getElementById("batch")?.dataset.columns ?? "[]");

const OF_TYPE = {
  text: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  date: (value) => typeof value === "string" && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value),
  list: Array.isArray,
  json: () => true,
};

/** What a record's answer has in a column; null where it has nothing, or nothing of the column's type. */
export function valueOf({ data }, { field, type }) {
  if (data === null || typeof data !== "object" || !Object.hasOwn(data, field)) return null;
  const value = data[field];
  return value !== null && OF_TYPE[type](value) ? value : null;
}

/** As what one value of a list is shown. */
const itemOf = (one, { of }) => ({ type: typeof one === "object" ? "json" : of });

/** A value as people read it; "" for null. */
export function shownValue(value, column) {
  if (value === null) return "";
  const { type } = column;
  if (type === "list") return value.map((one) => shownValue(one, itemOf(one, column))).join(", ");
  if (type === "json") return typeof value === "string" ? value : JSON.stringify(value);
  if (typeof value === "number") return exact(value);
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  return type === "date" ? dateOnly(value) : String(value);
}

/** True for columns whose values have a size. */
export const isRange = ({ type }) => ["number", "integer", "date"].includes(type);

const DAY_MS = 86_400_000;

/** A value of such a column as a number: of a date, the days since 1970. */
export const sizeOf = (value, { type }) => (type === "date" ? Math.round(Date.parse(value) / DAY_MS) : value);

/** The same back, in words; as precise as an end of a bin is. */
export const shownSize = (size, { type }) => (type === "date" ? dateOnly(isoOf(size)) : exact(Number(size.toPrecision(9))));

/** Days since 1970 as `2026-11-26`. */
export const isoOf = (days) => new Date(days * DAY_MS).toISOString().slice(0, 10);

/** What a value is counted under in other columns: each of a list's values, else the value. */
export function keysOf(value, column) {
  if (value === null) return [""];
  const keys = column.type === "list" ? value.map((one) => shownValue(one, itemOf(one, column))) : [shownValue(value, column)];
  return keys.length ? [...new Set(keys)] : [""];
}

/** `total: 12.50` for each column in which something stands. */
export function* linesOf(record, columns) {
  for (const column of columns) {
    const shown = shownValue(valueOf(record, column), column);
    if (shown) yield `${column.title}: ${shown}`;
  }
}

/** As much of an answer as a line is given, in characters. */
const SHORT_CHARS = 180;

/** `total: 12.50 · kind: receipt`: an answer in a line. */
export function inShort(record, columns) {
  let line = "";
  for (const one of linesOf(record, columns)) {
    line += `${line && " · "}${one}`;
    if (line.length > SHORT_CHARS) break;
  }
  return line;
}
