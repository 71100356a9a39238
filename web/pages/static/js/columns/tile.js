// An answer with fields in the little room of a tile: a line each, as many as fit.

import { make, say, show } from "../core/dom.js";
import { shownValue, valueOf } from "./columns.js";

const SHOWN = 4;

/** An element for `drawTileFields`. */
export const tileFields = () =>
  make("span", { class: "tile-fields", hidden: true }, ...Array.from({ length: SHOWN }, () =>
    make("span", { class: "tile-field text", dir: "auto", hidden: true }, make("span", { class: "tile-field-name" }), " ", make("b"))));

/** Draw the first fields of a record in which something stands; false when it has none. */
export function drawTileFields(element, record, columns) {
  const found = [];
  for (const column of record.state === "succeeded" ? columns : []) {
    const shown = shownValue(valueOf(record, column), column);
    if (shown) found.push([column.title, shown]);
    if (found.length === SHOWN) break;
  }
  show(element, found.length > 0);
  for (const [place, line] of [...element.children].entries()) {
    show(line, place < found.length);
    if (place >= found.length) continue;
    say(line.firstChild, found[place][0]);
    say(line.lastChild, found[place][1]);
  }
  return found.length > 0;
}
