// SHA-256 of files in a few workers.

/** More would only wait for the disk. */
const MOST_WORKERS = 3;

/** Raised when a file cannot be read any more. */
export class Unreadable extends Error {}

export class Hasher {
  #idle = [];
  #all = [];
  #waiting = [];

  /** How many files are hashed at the same time. */
  static get lanes() {
    return Math.max(1, Math.min(MOST_WORKERS, (navigator.hardwareConcurrency ?? 2) - 1));
  }

  /** The digest in hexadecimal digits. Rejects with Unreadable, or with the worker's failure to start. */
  async hash(file) {
    const worker = await this.#take();
    try {
      return await ask(worker, file);
    } finally {
      this.#giveBack(worker);
    }
  }

  close() {
    this.#all.forEach((worker) => worker.terminate());
  }

  #take() {
    if (this.#idle.length) return this.#idle.pop();
    if (this.#all.length < Hasher.lanes) {
      const worker = new Worker(new URL("./hash_worker.js", import.meta.url), { type: "module" });
      this.#all.push(worker);
      return worker;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #giveBack(worker) {
    const next = this.#waiting.shift();
    if (next) next(worker);
    else this.#idle.push(worker);
  }
}

function ask(worker, file) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.sha256 ? resolve(data.sha256) : reject(new Unreadable(data.error)));
    worker.onerror = (event) => reject(new Error(event.message || "The worker did not start."));
    worker.postMessage(file);
  });
}
