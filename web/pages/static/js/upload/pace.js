// The upload's speed over the last seconds.

const SPAN_MS = 8000;

export class Pace {
  #notes = [];

  /** Note how much is through at this moment. */
  note(bytes) {
    const now = performance.now();
    this.#notes.push({ now, bytes });
    while (this.#notes[0].now < now - SPAN_MS) this.#notes.shift();
  }

  /** Bytes a second of late; null when nothing moved or too little is known. */
  get bytesPerS() {
    const first = this.#notes[0];
    const last = this.#notes.at(-1);
    if (!first || last.now - first.now < 700 || last.bytes <= first.bytes) return null;
    return ((last.bytes - first.bytes) * 1000) / (last.now - first.now);
  }
}
