// Which records are shown, and in what order. Works in slices of a few milliseconds, so that ten thousand long
// answers can be searched while the page scrolls. Needs no DOM.

import { isLessSure, isWithin } from "../columns/filter.js";
import { columnOrder, sortByColumn } from "../columns/order.js";
import { fileKey } from "../columns/natural.js";
import { isIn } from "./cut_short.js";
import { ranMs } from "./jobs_feed.js";

const SLICE_MS = 8;
const CHECK_EVERY = 64;
const NO_FILTERS = new Map();

/** Let the page draw and answer the keyboard, then go on. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
/** In the order in which jobs came: their ids begin with the time. */
export const byCame = (a, b) => byText(a.id, b.id);
const keyOf = (record) => (record.fileKey ??= fileKey(record.file));

/** The orders there are besides those of columns; where nothing is known to order by, a record comes last. */
export const ORDERS = {
  came: byCame,
  file: (a, b) => byText(keyOf(a), keyOf(b)) || byCame(a, b),
  finished: (a, b) => (b.finishedMs ?? -1) - (a.finishedMs ?? -1) || byCame(a, b),
  slowest: (a, b) => (ranMs(b) ?? -1) - (ranMs(a) ?? -1) || byCame(a, b),
  unsure: (a, b) => (a.confidence ?? 2) - (b.confidence ?? 2) || byCame(a, b),
};

/** True when a record's file names, answer or error hold all words of `needle`, in upper or lower case. */
export function holds(record, needle) {
  const { file, images, answer, errorMessage, errorCode } = record;
  const text = [file, ...images.map((image) => image.file), answer, errorMessage, errorCode].join("\n").toLowerCase();
  return needle
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/**
 * The records that are wanted, in order; null when `isStale` came true meanwhile.
 * @param wanted {state: a state, CUT or "", code: an error's code or "", needle, below: a confidence or null,
 *   columns, filters: as in columns/filter.js, order: a name in ORDERS, or of an order by a column}
 */
export async function arrange(records, wanted, isStale = () => false) {
  const { state = "", code = "", needle = "", order = "came", below = null, columns = [], filters = NO_FILTERS } = wanted;
  const found = [];
  const words = needle.trim();
  let seen = 0;
  let sliceEnd = performance.now() + SLICE_MS;
  for (const record of records) {
    seen += 1;
    if (seen % CHECK_EVERY === 0 && performance.now() > sliceEnd) {
      await breathe();
      if (isStale()) return null;
      sliceEnd = performance.now() + SLICE_MS;
    }
    if (!isIn(record, state)) continue;
    if (code && record.errorCode !== code) continue;
    if (!isLessSure(record, below) || !isWithin(record, columns, filters)) continue;
    if (words && !isHit(record, words)) continue;
    if (order === "file") keyOf(record);
    found.push(record);
  }
  const column = columnOrder(order);
  return column ? sortByColumn(found, columns[column.place], column.isDown, byCame) : found.sort(ORDERS[order]);
}

/** `holds`, remembered until the record changes: a batch that runs is arranged again every second. */
function isHit(record, needle) {
  if (record.soughtNeedle !== needle || record.soughtVersion !== record.version) {
    record.isHit = holds(record, needle);
    record.soughtNeedle = needle;
    record.soughtVersion = record.version;
  }
  return record.isHit;
}
