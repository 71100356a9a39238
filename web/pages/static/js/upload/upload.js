// Sending chosen files to a batch: hash first, send only what the server lacks, in parallel chunks.
//
//   entries ──hash──► known? ──no──► channel ──chunks──► lanes ──► settled
//                       └──yes─────────────────────────────────► settled
//
// Nothing here touches the page. A file sent twice makes no second job, so whatever is in doubt is sent again.

import { Channel } from "./channel.js";
import { Hasher, Unreadable } from "./hashing.js";
import { isZip } from "./limits.js";
import { patiently } from "./patience.js";
import { askKnown, closeBatch, isFirstPage, isReadable, sendFiles } from "./sending.js";

const LANES = 3;
const CHUNK_FILES = 32;
const CHUNK_BYTES = 16e6;
/** How many hashes are asked about at once; the first few sooner, so that sending begins. */
const FIRST_KNOWN = 16;
const MOST_KNOWN = 256;

export class Upload {
  /** `sending`, `paused`, `stopped` (by `problem`), `done` or `cancelled`. */
  state = "sending";
  /** Why it waits or has stopped: a Problem, or null. */
  problem = null;
  /**
   * Files: all, known to the server, sent, refused by it, no longer readable, of a path that another file has, and
   * hidden ones in zips.
   */
  files = { total: 0, known: 0, sent: 0, refused: 0, unreadable: 0, renamed: 0, passedOver: 0 };
  bytes = { total: 0, known: 0, sent: 0 };

  #pending;
  #underway = new Map();
  #resume = null;
  #gate = Promise.resolve();
  #abort = new AbortController();
  #canAsk = true;
  #hashed = new Set();

  /** `entries` are measured and have names. `onChange` is called after each step, `onEnd` when a run is over. `limits` are the server's. */
  constructor(batchId, entries, { limits, onChange, onEnd }) {
    this.batchId = batchId;
    this.onChange = onChange;
    this.onEnd = onEnd;
    this.#pending = new Set(entries);
    this.limits = limits;
    this.files.total = entries.length;
    this.files.renamed = entries.filter(({ isRenamed }) => isRenamed).length;
    this.bytes.total = entries.reduce((sum, { size }) => sum + size, 0);
  }

  /** Files that are settled: known, sent, refused or unreadable. */
  get settled() {
    return this.files.total - this.#pending.size;
  }

  /** Bytes that were sent, or need not be. */
  get bytesThrough() {
    return [...this.#underway.values()].reduce((sum, part) => sum + part, this.bytes.known + this.bytes.sent);
  }

  /** Send everything, then close the batch. Resolves when it is done, stopped or cancelled. */
  async run() {
    this.#hashed.clear();
    const hasher = new Hasher();
    const channel = new Channel({
      files: Math.min(CHUNK_FILES, this.limits.max_files_per_request),
      bytes: Math.min(CHUNK_BYTES, this.limits.max_request_bytes * 0.9),
    });
    const sorting = this.#sort(hasher, channel).finally(() => channel.close());
    const work = [sorting, ...Array.from({ length: LANES }, () => this.#lane(channel))];
    try {
      await Promise.all(work);
      await this.#patiently(() => closeBatch(this.batchId, this.#abort.signal));
      this.#become("done");
    } catch (error) {
      this.#abort.abort();
      // A new run may only begin when no request of this one is still under way.
      await Promise.allSettled(work);
      if (this.state !== "cancelled") this.#stop(error);
    } finally {
      hasher.close();
      this.onEnd();
    }
  }

  /** Begin no further chunk; those under way arrive. */
  pause() {
    if (this.state !== "sending") return;
    this.#gate = new Promise((resolve) => (this.#resume = resolve));
    this.#become("paused");
  }

  /** Go on, also after it has stopped. */
  resume() {
    if (this.state === "paused") {
      this.#become("sending");
      this.#resume();
    } else if (this.state === "stopped") {
      this.#abort = new AbortController();
      this.problem = null;
      this.#become("sending");
      this.run();
    }
  }

  cancel() {
    this.#become("cancelled");
    this.#abort.abort();
    this.#resume?.();
  }

  #become(state) {
    this.state = state;
    this.onChange();
  }

  #stop(problem) {
    this.problem = problem;
    this.#become("stopped");
  }

  #patiently(work) {
    const onWait = (problem) => {
      this.problem = problem;
      this.onChange();
    };
    return patiently(work, { signal: this.#abort.signal, onWait });
  }

  /** Put what must be sent into the channel: zips, and files that the server does not know. */
  async #sort(hasher, channel) {
    const images = [];
    for (const entry of this.#pending) {
      if (isZip(entry.path) || !this.#canAsk) channel.push(entry);
      else images.push(entry);
    }
    const source = images.values();
    let most = FIRST_KNOWN;
    let hashed = [];
    const lane = async () => {
      for (const entry of source) {
        await this.#passGate();
        const sha256 = this.#canAsk ? await this.#hash(hasher, entry) : null;
        if (sha256 && this.#isTwin(entry, sha256)) this.#settle(entry, "known");
        else if (sha256) hashed.push({ entry, sha256 });
        else if (this.#pending.has(entry)) channel.push(entry);
        if (hashed.length < most) continue;
        const group = hashed;
        hashed = [];
        most = Math.min(most * 2, MOST_KNOWN, this.limits.max_known_files);
        await this.#ask(group, channel);
      }
    };
    await Promise.all(Array.from({ length: Hasher.lanes + 1 }, lane));
    if (hashed.length) await this.#ask(hashed, channel);
  }

  async #hash(hasher, entry) {
    try {
      return await hasher.hash(entry.file);
    } catch (error) {
      if (error instanceof Unreadable) this.#giveUp(entry);
      else this.#canAsk = false;
      return null;
    }
  }

  /** True for a file that was chosen twice. */
  #isTwin({ path }, sha256) {
    const what = `${sha256} ${path}`;
    const isTwin = this.#hashed.has(what);
    this.#hashed.add(what);
    return isTwin;
  }

  async #ask(group, channel) {
    const files = group.map(({ entry, sha256 }) => ({ file: entry.path, sha256 }));
    const outcomes = await this.#patiently(() => askKnown(this.batchId, files, this.#abort.signal));
    if (!outcomes) this.#canAsk = false;
    group.forEach(({ entry }, place) => {
      const state = outcomes?.[place].state ?? "unknown";
      if (state === "unknown") channel.push(entry);
      else this.#settle(entry, "known", state);
    });
    this.#noteNames(outcomes ?? []);
    this.onChange();
  }

  async #lane(channel) {
    for (;;) {
      await this.#passGate();
      const chunk = await channel.take();
      if (!chunk) return;
      await this.#passGate();
      await this.#send(chunk);
    }
  }

  async #send(entries) {
    let chunk = entries;
    const all = chunk.reduce((sum, { size }) => sum + size, 0);
    const onSent = (bytes) => {
      this.#underway.set(entries, Math.min(bytes, all));
      this.onChange();
    };
    try {
      const { files: outcomes, passed_over: passedOver } = await this.#patiently(async () => {
        chunk = await this.#stillReadable(chunk);
        return chunk.length ? sendFiles(this.batchId, chunk, { onSent, signal: this.#abort.signal }) : { files: [] };
      });
      this.#underway.delete(entries);
      chunk.forEach((entry) => this.#settle(entry, "sent"));
      this.files.refused += outcomes.filter(({ state }) => state === "rejected").length;
      this.files.passedOver += passedOver?.count ?? 0;
      this.#noteNames(outcomes);
    } finally {
      this.#underway.delete(entries);
      this.onChange();
    }
  }

  /** A file that is gone fails a request just as a lost connection does: look first. */
  async #stillReadable(chunk) {
    const readable = await Promise.all(chunk.map(({ file }) => isReadable(file)));
    chunk.filter((_, place) => !readable[place]).forEach((entry) => this.#giveUp(entry));
    return chunk.filter((_, place) => readable[place]);
  }

  #noteNames(outcomes) {
    this.files.renamed += outcomes.filter((outcome) => outcome.sent_as && isFirstPage(outcome)).length;
  }

  #settle(entry, how, state = "accepted") {
    if (!this.#pending.delete(entry)) return;
    this.files[how] += 1;
    this.bytes[how] += entry.size;
    if (state === "rejected") this.files.refused += 1;
  }

  #giveUp(entry) {
    if (!this.#pending.delete(entry)) return;
    this.files.unreadable += 1;
    this.bytes.total -= entry.size;
  }

  async #passGate() {
    await this.#gate;
    this.#abort.signal.throwIfAborted();
  }
}
