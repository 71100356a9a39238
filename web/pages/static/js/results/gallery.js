// Results as tiles: picture, file, answer.

import { inShort, pageColumns } from "../columns/columns.js";
import { drawSure, leastSure, sureBar } from "../columns/sure.js";
import { drawTileFields, tileFields } from "../columns/tile.js";
import { make, say, sayOrHide, show } from "../core/dom.js";
import { reasonOf } from "../core/reasons.js";
import { number, t } from "../core/words.js";
import { shortNotes } from "../images/notes.js";
import { drawPager, makePager } from "../images/pager.js";
import { canTurn, countWords } from "../images/several.js";
import { showPicture } from "../images/thumbnails.js";
import { drawState } from "./cut_short.js";
import { drawUnsure, unsureChip } from "./unsure.js";

const MIN_TILE_PX = 216;
const TILE_PX = 288;
const PHONE_TILE_PX = 252;
const PHONE_MIN_TILE_PX = 150;
const PHONE_PX = 560;
const GAP_PX = 12;
/** As much of an answer as a tile can hold. */
const SHOWN_CHARS = 180;

/** The look of a VirtualList: tiles that are links to `#job=<id>`. */
export const gallery = {
  role: "list",
  measure: (width) =>
    width < PHONE_PX
      ? { minItemWidth: PHONE_MIN_TILE_PX, itemHeight: PHONE_TILE_PX, gap: 8 }
      : { minItemWidth: MIN_TILE_PX, itemHeight: TILE_PX, gap: GAP_PX },
  make: makeTile,
  draw: drawTile,
  focusable: (tile) => tile.firstChild,
  alongside: (tile) => tile.lastChild.querySelectorAll("button"),
};

const columns = pageColumns();

function makeTile() {
  const picture = make(
    "span",
    { class: "tile-picture" },
    make("img", { alt: "", decoding: "async", width: 320, height: 240 }),
    make("span", { class: "tile-note" }),
    make("span", { class: "tile-serial", "aria-hidden": "true" }),
  );
  const words = make(
    "span",
    { class: "tile-words" },
    make("span", { class: "tile-file text", dir: "auto" }),
    make("span", { class: "visually-hidden" }),
    make("span", { class: "chip tile-state" }),
    make("span", { class: "tile-sure" }, sureBar(), unsureChip()),
    make("span", { class: "tile-answer text", dir: "auto" }),
    tileFields(),
  );
  return make("div", { class: "tile", role: "listitem" }, make("a", { class: "tile-link" }, picture, words), makePager());
}

function drawTile(tile, record, index, count) {
  const link = tile.firstChild;
  tile.setAttribute("aria-posinset", index + 1);
  tile.setAttribute("aria-setsize", count);
  tile.dataset.state = record.state;
  link.setAttribute("href", `#job=${record.id}`);
  link.dataset.index = index;
  const [file, images, state, sure, answer, fields] = link.lastChild.children;
  say(file, record.file);
  sayOrHide(images, countWords(record));
  state.hidden = drawState(state, record, "tile-state") === "succeeded";
  show(answer, !drawTileFields(fields, record, columns));
  say(answer, shownWords(record));
  // Where one can turn, it is said between the arrows how many there are.
  const pages = canTurn(record) ? "" : countWords(record);
  sayOrHide(link.querySelector(".tile-note"), [pages, shortNotes(record)].filter(Boolean).join(" · "));
  drawSure(sure.firstChild, record.confidence, leastSure(record));
  drawUnsure(sure.lastChild, record);
  show(sure, record.confidence !== null);
  say(link.firstChild.lastChild, number(index + 1));
  showPicture(link.firstChild, record);
  drawPager(tile.lastChild, record);
}

/** What a record has to say, in short: the answer, its fields where it has some, or why there is none. */
export function shownWords(record, columnsOfIt = []) {
  if (record.state === "succeeded") return shorten((record.data !== null && inShort(record, columnsOfIt)) || record.answer);
  if (record.state === "failed") return reasonOf(record.errorCode, record.errorMessage).what;
  return record.state === "running" ? t("Being answered …") : "";
}

const shorten = (text) => (text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text);
