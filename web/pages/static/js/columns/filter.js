// Which records are wanted by what stands in their columns, and by how sure they are. Needs no DOM.
//
// A filter of a column is {from, to} of its sizes, or {keys}: a Set of what values are counted under. Filters are in a Map
// by the column's place.

import { t } from "../core/words.js";
import { keysOf, shownSize, sizeOf, valueOf } from "./columns.js";

/** True when a record passes the filters of all columns. */
export function isWithin(record, columns, filters) {
  for (const [place, filter] of filters) {
    const column = columns[place];
    if (record.state !== "succeeded" || !passes(valueOf(record, column), column, filter)) return false;
  }
  return true;
}

function passes(value, column, { from = null, to = null, keys = null }) {
  if (keys) return keysOf(value, column).some((key) => keys.has(key));
  if (value === null) return false;
  const size = sizeOf(value, column);
  return (from === null || size >= from) && (to === null || size <= to);
}

/** True for an answer that is less sure than `below`, and for one of which nobody noted how sure it is. */
export const isLessSure = ({ state, confidence }, below) =>
  below === null || (state === "succeeded" && (confidence === null || confidence < below));

/** A filter in words: `total 10 – 20`, `kind: receipt, invoice`. */
export function filterWords(column, { from = null, to = null, keys = null }) {
  if (keys) return `${column.title}: ${[...keys].map((key) => key || t("nothing")).join(", ")}`;
  const size = (end) => (end === null ? "…" : shownSize(end, column));
  return `${column.title}: ${size(from)} – ${size(to)}`;
}

/** A text of a box as a filter's end; null for none. */
export function endFrom(text, column) {
  if (!text) return null;
  const size = column.type === "date" ? sizeOf(text, column) : Number(text);
  return Number.isFinite(size) ? size : null;
}
