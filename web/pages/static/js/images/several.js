// What a job shows: each of its images, and of a file that was asked about whole each page. Which is on top, and what each is
// called and was found to be.

import { apiUrl } from "../core/api.js";
import { number, t, tn } from "../core/words.js";
import { nameBelow } from "../upload/groups.js";
import { wholeNotes } from "./notes.js";

/** Job ids by the sheet that one has turned to, counted from 0; of all others the first is on top. */
const turnedTo = new Map();

/** How many pages of the image at a place were read. */
const pagesAt = ({ images, readPages }, place) => (images.length > 1 ? images[place].pages : readPages) ?? 1;

/** How many sheets there are to turn: all images, and of each those of its pages that were read. */
export function sheetsOf(record) {
  let count = 0;
  for (let place = 0; place < Math.max(1, record.images.length); place += 1) count += pagesAt(record, place);
  return count;
}

/** {place, page} of a sheet: the image's, counted from 0, and that in its file, from 1; null for the job's own page. */
function sheetAt(record, sheet) {
  let place = 0;
  let page = sheet + 1;
  while (page > pagesAt(record, place) && place < record.images.length - 1) {
    page -= pagesAt(record, place);
    place += 1;
  }
  return { place, page: pagesAt(record, place) > 1 ? page : null };
}

/** Of a job that runs anew there may be fewer than one had turned through. */
const sheetOf = (record) => Math.min(turnedTo.get(record.id) ?? 0, sheetsOf(record) - 1);

/** The {place, page} that is on top. */
export const topOf = (record) => sheetAt(record, sheetOf(record));

/** True for a job about several images. */
export const isAboutSeveral = ({ images }) => images.length > 1;

/** True for a job that has more than one sheet. */
export const canTurn = (record) => sheetsOf(record) > 1;

/** Put another sheet on top: `by` further on, behind the last comes the first; or the first of the image at a place. */
export function turn(record, { by = 0, place = null }) {
  const count = sheetsOf(record);
  turnedTo.set(record.id, place === null ? (sheetOf(record) + by + count) % count : firstOf(record, place));
}

/** The first sheet of the image at a place. */
function firstOf(record, place) {
  let sheet = 0;
  for (let before = 0; before < place; before += 1) sheet += pagesAt(record, before);
  return sheet;
}

/** The addresses of a sheet: its image as it was sent, and small. */
export function addressesOf({ id }, { place, page }) {
  const which = place ? [`number=${place + 1}`] : [];
  const query = (parts) => (parts.length ? `?${parts.join("&")}` : "");
  const small = page > 1 ? [...which, `page=${page}`] : which;
  return { image: apiUrl(`/jobs/${id}/image${query(which)}`), thumbnail: apiUrl(`/jobs/${id}/thumbnail${query(small)}`) };
}

/** True for what an <img> may show as it was sent: no page of a file but its first, and nothing of a PDF. */
export const isShownWhole = (record, { place, page }) =>
  (page ?? record.page ?? 1) === 1 && (record.images[place]?.media_type ?? record.mediaType) !== "application/pdf";

/** The pixels of an image; 0 where they are not known. */
export function pixelsOf(record, place) {
  const { width, height } = isAboutSeveral(record) ? record.images[place] : record;
  return (width ?? 0) * (height ?? 0);
}

/** `2 / 4`. */
export const placeWords = (record) => `${number(sheetOf(record) + 1)} / ${number(sheetsOf(record))}`;

/** `Image 2 of 4: front.jpg`, `Page 2 of 4`, for whoever listens. */
export function spokenPlace(record) {
  const { place, page } = topOf(record);
  const onPage = page && t("Page {page} of {total}", { page: number(page), total: number(pagesAt(record, place)) });
  if (!isAboutSeveral(record)) return onPage ?? "";
  const image = t("Image {place} of {total}: {file}", { place: number(place + 1), total: number(record.images.length), file: nameOf(record, place) });
  return onPage ? `${image}, ${onPage}` : image;
}

/** `4 images`, `12 pages`; empty for a job about one. */
export function countWords(record) {
  if (isAboutSeveral(record)) return tn("{count} image", "{count} images", record.images.length);
  return record.page === null && record.pages > 1 ? tn("{count} page", "{count} pages", record.pages) : "";
}

/** What an image is called, without the folder that is the job's name. */
export function nameOf({ file, images }, place) {
  return nameBelow(images[place]?.file ?? file, file);
}

/** What was found of an image: its size, its pages, its notes; empty while nobody has looked at it. */
export function foundOf({ images }, place) {
  const { width, height, pages, notes } = images[place];
  const facts = [];
  if (width && height) facts.push(t("{w} × {h} pixels", { w: number(width), h: number(height) }));
  if (pages > 1) facts.push(tn("{count} page", "{count} pages", pages));
  return [...facts, wholeNotes({ notes: notes ?? [] })].filter(Boolean).join(" · ");
}
