// What goes to the server together: the files of one job. Each parcel is {name, entries, isTwin, size}; `name` is null for a
// file that is a job by itself, and for a zip, whose files the server groups.

import { grouped } from "./groups.js";
import { isZip } from "./limits.js";

/**
 * All chosen files as parcels; what seems to have been chosen twice comes last, each file by itself.
 * @param entries Measured ones that have names; `isTwin` tells those that have been chosen before.
 * @param way One of the WAYS of js/upload/groups.js.
 */
export function parcelsOf(entries, way) {
  const own = entries.filter(({ isTwin }) => !isTwin);
  const images = own.filter(({ path }) => !isZip(path));
  const groups = grouped(images.map(({ path }) => path), way);
  const jobs = groups.map(({ name, places }) => parcel(name, places.map((place) => images[place])));
  const others = [...own.filter(({ path }) => isZip(path)), ...entries.filter(({ isTwin }) => isTwin)];
  return [...jobs, ...others.map((entry) => parcel(null, [entry]))];
}

function parcel(name, entries) {
  return { name, entries, size: entries.reduce((sum, { size }) => sum + size, 0), isTwin: Boolean(entries[0].isTwin) };
}

/** True for a zip. */
export const isPacked = ({ entries: [{ path }] }) => isZip(path);

/** How many images a job may have: they are sent in one request. */
export const mostImages = (limits) => Math.min(limits.max_images_per_job, limits.max_files_per_request);

/** What a job has too much of to be sent: `images` or `bytes`; null when it can be. */
export function excessOf({ name, entries, size }, limits) {
  if (name === null) return null;
  if (entries.length > mostImages(limits)) return "images";
  return size > mostBytes(limits) ? "bytes" : null;
}

/** How large a request's files may be: names and boundaries come on top. */
export const mostBytes = (limits) => limits.max_request_bytes * 0.9;
