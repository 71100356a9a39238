// A worker that hashes files, one at a time, away from the thread that draws the page.

import { sha256 } from "./sha256.js";

self.addEventListener("message", async ({ data: file }) => {
  try {
    self.postMessage({ sha256: await sha256(await file.arrayBuffer()) });
  } catch (error) {
    // The file was moved, changed or locked since it was chosen.
    self.postMessage({ error: String(error) });
  }
});
