// What stands in a column, counted: bins of a range, or how often each value is there. Needs no DOM.

import { isRange, keysOf, sizeOf, valueOf } from "./columns.js";

const BINS = 16;

/**
 * Of all answers: {filled, missing, least, most, bins} of a range, where a bin is {from, to, count}; else
 * {filled, missing, values}, [key, count] each, the most frequent first.
 */
export function summarize(records, column) {
  return isRange(column) ? summarizeRange(records, column) : summarizeValues(records, column);
}

function summarizeRange(records, column) {
  const sizes = [];
  let missing = 0;
  for (const record of records) {
    const value = valueOf(record, column);
    if (value === null) missing += 1;
    else sizes.push(sizeOf(value, column));
  }
  if (!sizes.length) return { filled: 0, missing, least: null, most: null, bins: [] };
  const least = sizes.reduce((a, b) => Math.min(a, b));
  const most = sizes.reduce((a, b) => Math.max(a, b));
  return { filled: sizes.length, missing, least, most, bins: binned(sizes, least, most, column) };
}

/** Equal steps from the least to the most; of whole numbers and days, each has as many of them. */
function binned(sizes, least, most, { type }) {
  const isWhole = type !== "number";
  const span = most - least + (isWhole ? 1 : 0);
  const width = (isWhole ? Math.ceil(span / BINS) : span / BINS) || 1;
  const count = Math.max(1, Math.min(BINS, Math.ceil(span / width)));
  const bins = Array.from({ length: count }, (_, n) => ({ from: least + n * width, to: least + (n + 1) * width - (isWhole ? 1 : 0), count: 0 }));
  for (const size of sizes) bins[Math.max(0, Math.min(count - 1, Math.floor((size - least) / width)))].count += 1;
  return bins;
}

function summarizeValues(records, column) {
  const counts = new Map();
  let missing = 0;
  let filled = 0;
  for (const record of records) {
    const keys = keysOf(valueOf(record, column), column);
    if (keys[0] === "" && keys.length === 1) missing += 1;
    else filled += 1;
    for (const key of keys) if (key) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return { filled, missing, values: [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)) };
}
