// The small pictures: asked for only when a tile stays in sight, and only once a worker has made them.

import { apiUrl } from "../core/api.js";

/** A tile that is scrolled past within this time asks for nothing. */
const SETTLE_MS = 90;
/** Without a thumbnail, images up to this size are shown as they are. */
const SMALL_PIXELS = 2_100_000;

/** A picture of about the frame's shape (4 : 3) fills it; others are shown whole. */
const FILLS = [1.1, 1.75];

const due = new Map();
/** Job ids by what is known of their pictures: the address that worked, or "" when there is none. */
const known = new Map();
let timer = null;

/** Make `frame` (an element with one <img>) show a record's picture, now or when it is there. */
export function showPicture(frame, record) {
  const image = frame.querySelector("img");
  if (frame.dataset.job !== record.id) clear(frame, image, record.id);
  const address = known.get(record.id);
  if (address) return load(frame, image, address);
  const isReady = record.state === "succeeded" || record.state === "failed";
  frame.dataset.picture = record.hasImage && isReady && address !== "" ? "coming" : "none";
  if (frame.dataset.picture === "none") return due.delete(frame);
  due.set(frame, record);
  clearTimeout(timer);
  timer = setTimeout(askForDue, SETTLE_MS);
}

function clear(frame, image, id) {
  frame.dataset.job = id;
  image.removeAttribute("src");
  image.onload = image.onerror = null;
}

function askForDue() {
  for (const [frame, record] of due) {
    if (frame.isConnected && frame.dataset.job === record.id) ask(frame, record);
  }
  due.clear();
}

function ask(frame, record) {
  const addresses = [apiUrl(`/jobs/${record.id}/thumbnail`)];
  // Thumbnails may be switched off.
  if (record.pixels && record.pixels <= SMALL_PIXELS) addresses.push(apiUrl(`/jobs/${record.id}/image`));
  tryNext(frame, record, addresses);
}

function tryNext(frame, record, addresses) {
  const [address, ...others] = addresses;
  if (!address) {
    known.set(record.id, "");
    frame.dataset.picture = "none";
    return;
  }
  const image = frame.querySelector("img");
  image.onerror = () => {
    if (frame.dataset.job === record.id) tryNext(frame, record, others);
  };
  image.onload = () => {
    known.set(record.id, address);
    if (frame.dataset.job === record.id) reveal(frame, image);
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
