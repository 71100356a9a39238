// Sending the chosen files: small requests, a few at a time, each repeated when the way is blocked.

import { sendFiles } from "./api.js";
import { patiently } from "./patience.js";
import { isZip } from "./selection.js";

const CHUNK_FILES = 64;
const CHUNK_BYTES = 32e6;
const PARALLEL = 3;

/** Lists of entries, none with too many files or bytes; a zip travels alone. */
export function* chunksOf(entries) {
  let chunk = [];
  let bytes = 0;
  for (const entry of entries) {
    if (isZip(entry)) {
      yield [entry];
      continue;
    }
    if (chunk.length === CHUNK_FILES || (chunk.length && bytes + entry.file.size > CHUNK_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(entry);
    bytes += entry.file.size;
  }
  if (chunk.length) yield chunk;
}

/**
 * Send every entry to a batch. `onProgress` hears {files, bytes} sent so far.
 * Rejects with the first error that waiting does not mend.
 */
export async function upload(batchId, entries, { onProgress, signal }) {
  const chunks = chunksOf(entries);
  const sent = { files: 0, bytes: 0 };
  const underway = new Map();
  const report = () => {
    const bytes = [...underway.values()].reduce((sum, part) => sum + part, sent.bytes);
    onProgress({ files: sent.files, bytes });
  };
  // All lanes draw from the same generator, so a slow chunk holds up no other.
  const lane = async () => {
    for (const chunk of chunks) {
      const onSent = (bytes) => {
        underway.set(chunk, bytes);
        report();
      };
      // A chunk sent twice makes no second job: the batch knows each file by its path.
      await patiently(() => sendFiles(batchId, chunk, { onSent, signal }), signal);
      underway.delete(chunk);
      sent.files += chunk.length;
      sent.bytes += chunk.reduce((sum, { file }) => sum + file.size, 0);
      report();
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
}
