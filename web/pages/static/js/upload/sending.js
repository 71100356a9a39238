// The calls of an upload: which files the server knows already, and a chunk of them on its way.

import { api, apiUrl, MADE_FOR, problemFrom, unreachable } from "../core/api.js";
import { isPacked } from "./parcels.js";

const path = (batchId, tail) => `/batches/${encodeURIComponent(batchId)}${tail}`;

/** A file's further pages have outcomes of their own, behind that of the first. */
export const isFirstPage = ({ page }) => !(page > 1);

/** A file's name as the server reads it in a form, in which browsers write some characters otherwise (HTML standard). */
const asRead = (name) => name.replaceAll("%22", '"').replaceAll("%0D", "\r").replaceAll("%0A", "\n");

const isJob = ({ name }) => name !== null;

/**
 * What became of parcels that the server may have already, one each, in their order; `unknown` ones must be sent.
 * `hashed` are {parcel, hashes}. Null when this server cannot be asked.
 */
export async function askKnown(batchId, hashed, signal) {
  const [files, jobs] = [false, true].map((are) => hashed.filter(({ parcel }) => isJob(parcel) === are));
  const named = ({ parcel, hashes }) => parcel.entries.map((entry, place) => ({ file: entry.path, sha256: hashes[place] }));
  const json = { files: files.flatMap(named) };
  if (jobs.length) json.jobs = jobs.map((one) => ({ file: one.parcel.name, files: named(one) }));
  try {
    const answer = await api(path(batchId, "/known"), { json, signal });
    const outcomes = answer.files.filter(isFirstPage);
    if (outcomes.length !== hashed.length) return null;
    // Those of jobs come behind those of files.
    const told = new Map([...files, ...jobs].map((one, place) => [one, outcomes[place]]));
    return hashed.map((one) => told.get(one));
  } catch (error) {
    if (error.status === 404 && error.code === "no_such_page") return null;
    if (error.status === 405) return null;
    throw error;
  }
}

/**
 * Send parcels to a batch; gives what became of them: {files, passed_over}. `way` says which files of a zip are one job.
 * `onSent` hears how many bytes have left.
 */
export function sendFiles(batchId, parcels, { way, onSent, signal }) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    const jobs = parcels.filter(isJob).map(({ name: file, entries }) => ({ file, files: entries.map((entry) => asRead(entry.path)) }));
    if (jobs.length) form.append("jobs", JSON.stringify(jobs));
    if (way && isPacked(parcels[0])) form.append("group_by", way);
    for (const { file, path: name } of parcels.flatMap(({ entries }) => entries)) form.append("files", file, name);
    // fetch does not tell how much has been sent.
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open("POST", apiUrl(path(batchId, "/files")));
    for (const [name, value] of Object.entries(MADE_FOR)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded }) => onSent(loaded));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(problemFrom(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    });
    request.addEventListener("error", () => reject(unreachable()));
    request.addEventListener("abort", () => reject(signal.reason ?? new DOMException("Aborted", "AbortError")));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    signal.addEventListener("abort", abort);
    request.send(form);
  });
}

export const closeBatch = (batchId, signal) => api(path(batchId, "/close"), { method: "POST", signal });
export const cancelBatch = (batchId) => api(path(batchId, "/cancel"), { method: "POST" });

/** True when the file can still be read where it was chosen. */
export async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
