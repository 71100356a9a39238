// An answer with fields in the little room of a tile: a line each, as many as fit.

import { make, say, show } from "../core/dom.js";
import { linesOf } from "./columns.js";

const SHOWN = 4;

/** An element for `drawTileFields`. */
export const tileFields = () =>
  make("span", { class: "tile-fields", hidden: true }, ...Array.from({ length: SHOWN }, () => make("span", { class: "tile-field text", dir: "auto", hidden: true })));

/** Draw the first fields of a record in which something stands; false when it has none. */
export function drawTileFields(element, record, columns) {
  const lines = record.state === "succeeded" && record.data !== null ? firstOf(linesOf(record, columns)) : [];
  show(element, lines.length > 0);
  for (const [place, line] of [...element.children].entries()) {
    show(line, place < lines.length);
    say(line, lines[place] ?? "");
  }
  return lines.length > 0;
}

/** As many of the lines as are shown; the others are not made. */
function firstOf(all) {
  const lines = [];
  for (const line of all) {
    lines.push(line);
    if (lines.length === SHOWN) break;
  }
  return lines;
}
