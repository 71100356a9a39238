// The small pictures: asked for only when a tile stays in sight, and only once a worker has made them.

import { addressesOf, isShownWhole, pixelsOf, topOf } from "./several.js";

/** A tile that is scrolled past within this time asks for nothing. */
const SETTLE_MS = 90;
/** Without a thumbnail, images up to this size are shown as they are. */
const SMALL_PIXELS = 2_100_000;

/** A picture of about the frame's shape (4 : 3) fills it; others are shown whole. */
const FILLS = [1.1, 1.75];

const due = new Map();
/** What is known of a picture, by its thumbnail's address: the address that worked, or "" when there is none. */
const known = new Map();
let timer = null;

/** Make `frame` (an element with one <img>) show a record's picture, of several that `sheet`, now or when it is there. */
export function showPicture(frame, record, sheet = topOf(record)) {
  const image = frame.querySelector("img");
  const which = addressesOf(record, sheet).thumbnail;
  if (frame.dataset.which !== which) clear(frame, image, which);
  const address = known.get(which);
  if (address) return load(frame, image, address);
  const isReady = record.state === "succeeded" || record.state === "failed";
  frame.dataset.picture = record.hasImage && isReady && address !== "" ? "coming" : "none";
  if (frame.dataset.picture === "none") return due.delete(frame);
  due.set(frame, { record, sheet, which });
  clearTimeout(timer);
  timer = setTimeout(askForDue, SETTLE_MS);
}

function clear(frame, image, which) {
  frame.dataset.which = which;
  image.removeAttribute("src");
  image.onload = image.onerror = null;
}

function askForDue() {
  for (const [frame, asked] of due) {
    if (frame.isConnected && frame.dataset.which === asked.which) ask(frame, asked);
  }
  due.clear();
}

function ask(frame, { record, sheet, which }) {
  const { thumbnail, image } = addressesOf(record, sheet);
  const pixels = pixelsOf(record, sheet.place);
  // Thumbnails may be switched off.
  const isSmall = pixels && pixels <= SMALL_PIXELS && isShownWhole(record, sheet);
  tryNext(frame, which, isSmall ? [thumbnail, image] : [thumbnail]);
}

function tryNext(frame, which, addresses) {
  const [address, ...others] = addresses;
  if (!address) {
    known.set(which, "");
    frame.dataset.picture = "none";
    return;
  }
  const image = frame.querySelector("img");
  image.onerror = () => {
    if (frame.dataset.which === which) tryNext(frame, which, others);
  };
  image.onload = () => {
    known.set(which, address);
    if (frame.dataset.which === which) reveal(frame, image);
  };
  image.src = address;
}

function load(frame, image, address) {
  if (image.getAttribute("src") === address) return;
  image.onerror = null;
  image.onload = () => reveal(frame, image);
  image.src = address;
}

function reveal(frame, image) {
  const shape = image.naturalWidth / image.naturalHeight;
  frame.dataset.picture = shape >= FILLS[0] && shape <= FILLS[1] ? "filling" : "whole";
}
