// A queue between hashing, which adds files, and sending, which takes them in chunks.

import { isZip } from "./limits.js";

export class Channel {
  #entries = [];
  #next = 0;
  #waiting = [];
  #isClosed = false;

  /** A chunk has at most so many files and bytes; a zip is a chunk of its own, and so is a larger file. */
  constructor({ files, bytes }) {
    this.mostFiles = files;
    this.mostBytes = bytes;
  }

  push(...entries) {
    this.#entries.push(...entries);
    this.#wake();
  }

  /** Nothing more comes. */
  close() {
    this.#isClosed = true;
    this.#wake();
  }

  /** The next chunk; waits until there is a file; null when the channel is closed and empty. */
  async take() {
    while (this.#next === this.#entries.length) {
      if (this.#isClosed) return null;
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
    const chunk = [this.#entries[this.#next++]];
    let bytes = chunk[0].size;
    if (isZip(chunk[0].path)) return chunk;
    while (this.#next < this.#entries.length && chunk.length < this.mostFiles) {
      const entry = this.#entries[this.#next];
      bytes += entry.size;
      if (bytes > this.mostBytes || isZip(entry.path)) break;
      chunk.push(entry);
      this.#next += 1;
    }
    return chunk;
  }

  #wake() {
    this.#waiting.splice(0).forEach((resolve) => resolve());
  }
}
