// Asking a batch how far it is: as often as the server suggests, and seldom while nobody looks.

import { readBatch } from "./api.js";

const USUAL_WAIT_S = 1;
const HIDDEN_WAIT_S = 20;
const LONGEST_WAIT_S = 30;

export class Watch {
  #etag = null;
  #failures = 0;
  #timer = 0;
  #isStopped = false;
  #isAsking = false;

  /** `onBatch` hears each change, `onTrouble` an error, and null when it is over. */
  constructor(batchId, { onBatch, onTrouble }) {
    this.batchId = batchId;
    this.onBatch = onBatch;
    this.onTrouble = onTrouble;
    document.addEventListener("visibilitychange", this.#wake);
    this.ask();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#wake);
  }

  /** Ask now, not when the time has come. */
  async ask() {
    if (this.#isStopped || this.#isAsking) return;
    this.#isAsking = true;
    clearTimeout(this.#timer);
    const waitS = await this.#askOnce();
    this.#isAsking = false;
    if (!this.#isStopped && waitS !== null) this.#timer = setTimeout(() => this.ask(), waitS * 1000);
  }

  /** Seconds until the next question, or null when there is nothing left to ask. */
  async #askOnce() {
    try {
      const { batch, etag, retryAfterS } = await readBatch(this.batchId, this.#etag);
      if (this.#isStopped) return null;
      this.#etag = etag;
      if (this.#failures) this.onTrouble(null);
      this.#failures = 0;
      if (batch) await this.onBatch(batch);
      if (batch?.is_done) return null;
      return document.hidden ? HIDDEN_WAIT_S : (retryAfterS ?? USUAL_WAIT_S);
    } catch (error) {
      if (this.#isStopped) return null;
      this.onTrouble(error);
      if (!error.isTemporary) return null;
      this.#failures += 1;
      // Its answer is lost with the error: the next one must be a whole one.
      this.#etag = null;
      return error.retryAfterS ?? Math.min(2 ** this.#failures, LONGEST_WAIT_S);
    }
  }

  #wake = () => {
    if (!document.hidden) this.ask();
  };
}
