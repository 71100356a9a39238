// Results as rows: file, state, answer, how long it took.

import { make, say, sayOrHide } from "../core/dom.js";
import { drawState } from "./cut_short.js";
import { shownWords } from "./gallery.js";
import { ranMs } from "./jobs_feed.js";
import { shortNotes } from "./notes.js";
import { showPicture } from "./thumbnails.js";
import { took } from "./times.js";
import { drawUnsure, unsureChip } from "./unsure.js";

const ROW_PX = 64;
const PHONE_ROW_PX = 108;
const PHONE_PX = 560;

/** The look of a VirtualList: rows whose file is a link to `#job=<id>`. */
export const table = {
  role: "rowgroup",
  measure: (width) => ({ itemHeight: width < PHONE_PX ? PHONE_ROW_PX : ROW_PX }),
  make: makeRow,
  draw: drawRow,
  focusable: (row) => row.querySelector("a"),
};

function makeRow() {
  const picture = make("span", { class: "row-picture" }, make("img", { alt: "", decoding: "async" }));
  const link = make("a", { class: "row-link text", dir: "auto" });
  return make(
    "div",
    { class: "result-row", role: "row" },
    make("div", { role: "cell", class: "row-file" }, picture, link),
    make("div", { role: "cell", class: "row-state" }, make("span", { class: "chip" }), unsureChip(), make("span", { class: "row-note" })),
    make("div", { role: "cell", class: "row-answer text", dir: "auto" }),
    make("div", { role: "cell", class: "row-time" }),
  );
}

function drawRow(row, record, index) {
  const [file, state, answer, time] = row.children;
  const link = file.lastChild;
  // The first row holds the headings.
  row.setAttribute("aria-rowindex", index + 2);
  row.dataset.state = record.state;
  link.setAttribute("href", `#job=${record.id}`);
  link.dataset.index = index;
  say(link, record.file);
  drawState(state.firstChild, record);
  drawUnsure(state.children[1], record);
  sayOrHide(state.lastChild, shortNotes(record));
  say(answer, shownWords(record));
  say(time, took(ranMs(record)));
  showPicture(file.firstChild, record);
}
