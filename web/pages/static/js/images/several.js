// The images of a job about several: how many, which is on top, what each is called and was found to be.

import { apiUrl } from "../core/api.js";
import { number, t, tn } from "../core/words.js";
import { nameBelow } from "../upload/groups.js";
import { wholeNotes } from "./notes.js";

/** Job ids by the place of the image that one has turned to; of all others the first is on top. */
const turnedTo = new Map();

/** The place of the image that is on top, counted from 0. */
export const placeOf = ({ id }) => turnedTo.get(id) ?? 0;

/** True for a job about several. */
export const isAboutSeveral = ({ images }) => images.length > 1;

/** Put the image at another place on top. */
export const turnTo = ({ id }, place) => turnedTo.set(id, place);

/** The place `by` further on; behind the last comes the first. */
export const placeFurther = (record, by) => (placeOf(record) + by + record.images.length) % record.images.length;

/** The addresses of an image: as it was sent, and small. */
export function addressesOf({ id }, place = 0) {
  const which = place ? `?number=${place + 1}` : "";
  return { image: apiUrl(`/jobs/${id}/image${which}`), thumbnail: apiUrl(`/jobs/${id}/thumbnail${which}`) };
}

/** The pixels of an image; 0 where they are not known. */
export function pixelsOf(record, place) {
  const { width, height } = isAboutSeveral(record) ? record.images[place] : record;
  return (width ?? 0) * (height ?? 0);
}

/** `2 / 4`. */
export const pageOf = (record) => `${number(placeOf(record) + 1)} / ${number(record.images.length)}`;

/** `Image 2 of 4: front.jpg`, for whoever listens. */
export function spokenPage(record) {
  const place = placeOf(record);
  return t("Image {place} of {total}: {file}", { place: number(place + 1), total: number(record.images.length), file: nameOf(record, place) });
}

/** `4 images`; empty for a job about one. */
export const countWords = (record) => (isAboutSeveral(record) ? tn("{count} image", "{count} images", record.images.length) : "");

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
