// A queue between hashing, which adds parcels, and sending, which takes them in chunks.

import { isPacked } from "./parcels.js";

export class Channel {
  #parcels = [];
  #next = 0;
  #waiting = [];
  #isClosed = false;

  /** A chunk has at most so many files and bytes; a zip is a chunk of its own, and so is a larger parcel. */
  constructor({ files, bytes }) {
    this.mostFiles = files;
    this.mostBytes = bytes;
  }

  push(...parcels) {
    this.#parcels.push(...parcels);
    this.#wake();
  }

  /** Nothing more comes. */
  close() {
    this.#isClosed = true;
    this.#wake();
  }

  /** The next chunk, of parcels; waits until there is one; null when the channel is closed and empty. */
  async take() {
    while (this.#next === this.#parcels.length) {
      if (this.#isClosed) return null;
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
    const chunk = [this.#parcels[this.#next++]];
    let bytes = chunk[0].size;
    let files = chunk[0].entries.length;
    if (isPacked(chunk[0])) return chunk;
    while (this.#next < this.#parcels.length) {
      const parcel = this.#parcels[this.#next];
      bytes += parcel.size;
      files += parcel.entries.length;
      if (bytes > this.mostBytes || files > this.mostFiles || isPacked(parcel)) break;
      chunk.push(parcel);
      this.#next += 1;
    }
    return chunk;
  }

  #wake() {
    this.#waiting.splice(0).forEach((resolve) => resolve());
  }
}
