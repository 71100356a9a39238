// Uploads that are not through: kept in this browser, so that a reload can go on where it stopped.
//
// Local storage has what is said about each; the handles of dropped folders, where the browser gives them, are in
// IndexedDB, so that they need not be chosen again.

import { keptAs } from "../core/place.js";

const KEY = keptAs("uploads");
/** Milliseconds after which an upload that no tab has renewed counts as interrupted. */
const SILENT_MS = 8000;
const KEPT_MS = 14 * 24 * 3600 * 1000;

/** Note that an upload is under way: {batchId, name, way, files, done}. */
export function remember(upload) {
  const others = read().filter(({ batchId }) => batchId !== upload.batchId);
  write([{ ...upload, beat: Date.now() }, ...others]);
}

export function forget(batchId) {
  write(read().filter((upload) => upload.batchId !== batchId));
  withHandles("readwrite", (store) => store.delete(batchId)).catch(() => {});
}

export function forgetAll() {
  for (const { batchId } of read()) forget(batchId);
}

/** The latest upload that nobody is sending, or undefined. */
export function interrupted() {
  const now = Date.now();
  return read().find(({ beat }) => now - beat > SILENT_MS && now - beat < KEPT_MS);
}

/** Mark the upload as sent by nobody: its page is being left. */
export function leave(batchId) {
  write(read().map((upload) => (upload.batchId === batchId ? { ...upload, beat: upload.beat - SILENT_MS } : upload)));
}

export function keepHandles(batchId, handles) {
  if (handles.length) withHandles("readwrite", (store) => store.put(handles, batchId)).catch(() => {});
}

/** The handles that were kept, or an empty list. */
export async function keptHandles(batchId) {
  try {
    return (await withHandles("readonly", (store) => store.get(batchId))) ?? [];
  } catch {
    return [];
  }
}

function read() {
  try {
    const uploads = JSON.parse(localStorage.getItem(KEY)) ?? [];
    return uploads.filter(({ batchId, beat }) => typeof batchId === "string" && typeof beat === "number");
  } catch {
    return [];
  }
}

function write(uploads) {
  try {
    localStorage.setItem(KEY, JSON.stringify(uploads));
  } catch {
    // A private window may keep nothing; then a reload begins anew.
  }
}

async function withHandles(mode, act) {
  const database = await settled(indexedDB.open("eva01", 1), (request) => {
    request.onupgradeneeded = () => request.result.createObjectStore("handles");
  });
  try {
    return await settled(act(database.transaction("handles", mode).objectStore("handles")));
  } finally {
    database.close();
  }
}

function settled(request, prepare = () => {}) {
  return new Promise((resolve, reject) => {
    prepare(request);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
