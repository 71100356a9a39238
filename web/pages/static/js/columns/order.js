// Records in the order of a column. Needs no DOM.

import { fileKey } from "./natural.js";
import { isRange, shownValue, sizeOf, valueOf } from "./columns.js";

const FORM = /^column:([0-9]+):(up|down)$/;

/** The name of an order by a column's place: `column:0:up`. */
export const orderBy = (place, isDown) => `column:${place}:${isDown ? "down" : "up"}`;

/** {place, isDown} of such a name; null for any other. */
export function columnOrder(order) {
  const [, place, direction] = FORM.exec(order) ?? [];
  return place === undefined ? null : { place: Number(place), isDown: direction === "down" };
}

/** Sort records by a column; where nothing stands in it they come last, either way. */
export function sortByColumn(records, column, isDown, orElse) {
  const keyed = records.map((record) => ({ record, key: keyOf(valueOf(record, column), column) }));
  const sign = isDown ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || orElse(a.record, b.record);
    return (a.key < b.key ? -sign : a.key > b.key ? sign : 0) || orElse(a.record, b.record);
  });
  return keyed.map(({ record }) => record);
}

function keyOf(value, column) {
  if (value === null) return null;
  if (isRange(column)) return sizeOf(value, column);
  return typeof value === "boolean" ? Number(value) : fileKey(shownValue(value, column));
}
