// Results as rows: file, state, how sure, the answer or a cell for each of its fields, how long it took.

import { isRange, pageColumns, shownValue, valueOf } from "../columns/columns.js";
import { columnOrder, orderBy } from "../columns/order.js";
import { drawSure, leastSure, sureBar } from "../columns/sure.js";
import { byId, icon, make, say, sayOrHide, show } from "../core/dom.js";
import { shortNotes } from "../images/notes.js";
import { countWords } from "../images/several.js";
import { showPicture } from "../images/thumbnails.js";
import { drawState } from "./cut_short.js";
import { shownWords } from "./gallery.js";
import { ranMs } from "./jobs_feed.js";
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

const columns = pageColumns();
/** How wide a column is at least, and at most, by its type. */
const WIDTHS_REM = { text: [9, 20], number: [7, 9], integer: [6, 8], boolean: [5, 7], date: [8, 9], list: [10, 20], json: [10, 20] };
/** Of the other columns, and what is between all. */
const OTHERS_REM = 36;
const GAP_REM = 1;

/** Head the fields' columns; `onOrder(name)` hears by which the rows are to be ordered, null for none. */
export function makeHead(onOrder) {
  const head = byId("table-head");
  show(head.querySelector(".head-answer"), !columns.length);
  if (!columns.length) return;
  const { dataset, style } = byId("table");
  const widths = columns.map(({ type }) => WIDTHS_REM[type]);
  dataset.fields = "";
  style.setProperty("--fields", widths.map(([least, most]) => `minmax(${least}rem, ${most}fr)`).join(" "));
  style.setProperty("--row-width", `${widths.reduce((sum, [least]) => sum + least + GAP_REM, OTHERS_REM)}rem`);
  head.lastElementChild.before(...columns.map((column, place) => headCell(column, place, onOrder)));
}

function headCell(column, place, onOrder) {
  const turn = (event) => onOrder(nextOrder(place, event.currentTarget.parentElement.getAttribute("aria-sort")));
  const button = make("button", { type: "button", class: "head-button", title: column.description || null, on: { click: turn } },
    make("span", { class: "text clip", dir: "auto", text: column.title }), icon("right"));
  return make("div", { role: "columnheader", class: `head-field${isRange(column) ? " row-field--size" : ""}`, "aria-sort": "none", data: { place } }, button);
}

const nextOrder = (place, sort) => (sort === "descending" ? null : orderBy(place, sort === "ascending"));

/** Say at the head by which column the rows are ordered. */
export function showOrder(order) {
  const by = columnOrder(order);
  for (const cell of byId("table-head").querySelectorAll("[data-place]")) {
    const isIt = by !== null && by.place === Number(cell.dataset.place);
    cell.setAttribute("aria-sort", !isIt ? "none" : by.isDown ? "descending" : "ascending");
  }
}

function makeRow() {
  const picture = make("span", { class: "row-picture" }, make("img", { alt: "", decoding: "async" }));
  const link = make("a", { class: "row-link text", dir: "auto" });
  const answer = make("div", { role: "cell", class: "row-answer text", dir: "auto" });
  if (columns.length) {
    answer.style.gridColumnEnd = `span ${columns.length}`;
    answer.setAttribute("aria-colspan", columns.length);
  }
  return make(
    "div",
    { class: "result-row", role: "row" },
    make("div", { role: "cell", class: "row-file" }, picture, make("div", { class: "row-names" }, link, make("span", { class: "row-note" }))),
    make("div", { role: "cell", class: "row-state" }, make("span", { class: "chip" }), make("span", { class: "row-note" })),
    make("div", { role: "cell", class: "row-sure" }, sureBar(), unsureChip()),
    answer,
    ...columns.map((column) => make("div", { role: "cell", class: `row-field text${isRange(column) ? " row-field--size" : ""}`, dir: "auto" })),
    make("div", { role: "cell", class: "row-time" }),
  );
}

function drawRow(row, record, index) {
  const [file, state, sure, answer, ...others] = row.children;
  const time = others.pop();
  const [link, images] = file.lastChild.children;
  // The first row holds the headings.
  row.setAttribute("aria-rowindex", index + 2);
  row.dataset.state = record.state;
  link.setAttribute("href", `#job=${record.id}`);
  link.dataset.index = index;
  say(link, record.file);
  sayOrHide(images, countWords(record));
  drawState(state.firstChild, record);
  sayOrHide(state.lastChild, shortNotes(record));
  drawSure(sure.firstChild, record.confidence, leastSure(record));
  drawUnsure(sure.lastChild, record);
  // Where it has cells, only a telephone shows it.
  say(answer, shownWords(record, columns));
  drawCells(row, others, record);
  say(time, took(ranMs(record)));
  showPicture(file.firstChild, record);
}

/** Of an answer that has fields each its cell; what has none says in one cell why. */
function drawCells(row, cells, record) {
  const isShown = cells.length > 0 && record.state === "succeeded" && record.data !== null;
  row.toggleAttribute("data-cells", isShown);
  for (const [place, cell] of cells.entries()) {
    const value = isShown ? valueOf(record, columns[place]) : null;
    say(cell, value === null && isShown ? "–" : shownValue(value, columns[place]));
  }
}
