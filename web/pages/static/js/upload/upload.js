// Sending chosen files to a batch: hash first, send only what the server lacks, in parallel chunks.
//
//   parcels ──hash──► known? ──no──► channel ──chunks──► lanes ──► settled
//                       └──yes─────────────────────────────────► settled
//
// A parcel is a file, or the files of one job, which stay together. Nothing here touches the page. What is sent twice makes
// no second job, so whatever is in doubt is sent again.

import { Channel } from "./channel.js";
import { Hasher, Unreadable } from "./hashing.js";
import { isPacked, mostBytes } from "./parcels.js";
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
   * Files: all, known to the server, sent, refused by it, no longer readable, not sent because another of their job is
   * not, of a path that another file has, and hidden ones in zips.
   */
  files = { total: 0, known: 0, sent: 0, refused: 0, unreadable: 0, leftOut: 0, renamed: 0, passedOver: 0 };
  bytes = { total: 0, known: 0, sent: 0 };

  #pending;
  #underway = new Map();
  #resume = null;
  #gate = Promise.resolve();
  #abort = new AbortController();
  #canAsk = true;
  #hashed = new Set();

  /**
   * `parcels` are those of js/upload/parcels.js, whose files are grouped in this `way`. `onChange` is called after each step,
   * `onEnd` when a run is over. `limits` are the server's.
   */
  constructor(batchId, parcels, { way, limits, onChange, onEnd }) {
    this.batchId = batchId;
    this.way = way;
    this.onChange = onChange;
    this.onEnd = onEnd;
    this.#pending = new Set(parcels);
    this.limits = limits;
    /** Jobs that they will be; a zip counts as one. */
    this.jobs = parcels.length;
    const entries = parcels.flatMap((parcel) => parcel.entries);
    this.files.total = entries.length;
    this.files.renamed = entries.filter(({ isRenamed }) => isRenamed).length;
    this.bytes.total = entries.reduce((sum, { size }) => sum + size, 0);
  }

  /** Files that are settled: known, sent, refused, unreadable or left out. */
  get settled() {
    return [...this.#pending].reduce((left, { entries }) => left - entries.length, this.files.total);
  }

  /** Bytes that were sent, or need not be. */
  get bytesThrough() {
    return [...this.#underway.values()].reduce((sum, part) => sum + part, this.bytes.known + this.bytes.sent);
  }

  /** Send everything, then close the batch. Resolves when it is done, stopped or cancelled. */
  async run() {
    const hasher = new Hasher();
    const channel = new Channel({
      files: Math.min(CHUNK_FILES, this.limits.max_files_per_request),
      bytes: Math.min(CHUNK_BYTES, mostBytes(this.limits)),
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

  /** Put what must be sent into the channel: zips, and parcels that the server does not know. */
  async #sort(hasher, channel) {
    const images = [];
    for (const parcel of this.#pending) {
      if (isPacked(parcel) || !this.#canAsk || parcel.entries.length > this.limits.max_known_files) channel.push(parcel);
      else images.push(parcel);
    }
    // A file that was chosen twice is known by the first, which may be one of several in a parcel.
    for (const isTwin of [false, true]) {
      await this.#sortThese(images.filter((parcel) => parcel.isTwin === isTwin), hasher, channel);
    }
  }

  async #sortThese(parcels, hasher, channel) {
    const source = parcels.values();
    let most = FIRST_KNOWN;
    let hashed = [];
    let count = 0;
    const ask = async () => {
      const group = hashed;
      hashed = [];
      count = 0;
      most = Math.min(most * 2, MOST_KNOWN, this.limits.max_known_files);
      if (group.length) await this.#ask(group, channel);
    };
    const lane = async () => {
      for (const parcel of source) {
        await this.#passGate();
        const hashes = this.#canAsk ? await this.#hash(hasher, parcel) : null;
        if (!hashes) {
          if (this.#pending.has(parcel)) channel.push(parcel);
        } else if (this.#isTwin(parcel, hashes)) {
          this.#settle(parcel, "known");
        } else {
          if (count && count + hashes.length > this.limits.max_known_files) await ask();
          hashed.push({ parcel, hashes });
          count += hashes.length;
          if (count >= most) await ask();
        }
      }
    };
    await Promise.all(Array.from({ length: Hasher.lanes + 1 }, lane));
    await ask();
  }

  /** The digests of a parcel's files; null where it has been given up, or nothing can be hashed. */
  async #hash(hasher, parcel) {
    const results = await Promise.allSettled(parcel.entries.map(({ file }) => hasher.hash(file)));
    const failed = results.filter(({ status }) => status === "rejected");
    if (!failed.length) return results.map(({ value }) => value);
    if (failed.some(({ reason }) => !(reason instanceof Unreadable))) this.#canAsk = false;
    else this.#giveUp(parcel, results.map(({ status }) => status === "fulfilled"));
    return null;
  }

  /** True for a file that was chosen twice; of all others the digests are noted. */
  #isTwin({ entries, isTwin }, hashes) {
    const what = entries.map(({ path }, place) => `${hashes[place]} ${path}`);
    if (isTwin) return this.#hashed.has(what[0]);
    what.forEach((one) => this.#hashed.add(one));
    return false;
  }

  async #ask(group, channel) {
    const outcomes = await this.#patiently(() => askKnown(this.batchId, group, this.#abort.signal));
    if (!outcomes) this.#canAsk = false;
    group.forEach(({ parcel }, place) => {
      const state = outcomes?.[place].state ?? "unknown";
      if (state === "unknown") channel.push(parcel);
      else this.#settle(parcel, "known", state);
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

  async #send(parcels) {
    let chunk = parcels;
    const all = chunk.reduce((sum, { size }) => sum + size, 0);
    const onSent = (bytes) => {
      this.#underway.set(parcels, Math.min(bytes, all));
      this.onChange();
    };
    try {
      const { files: outcomes, passed_over: passedOver } = await this.#patiently(async () => {
        chunk = await this.#stillReadable(chunk);
        if (!chunk.length) return { files: [] };
        return sendFiles(this.batchId, chunk, { way: this.way, onSent, signal: this.#abort.signal });
      });
      this.#underway.delete(parcels);
      chunk.forEach((parcel) => this.#settle(parcel, "sent"));
      this.files.refused += outcomes.filter(({ state }) => state === "rejected").length;
      this.files.passedOver += passedOver?.count ?? 0;
      this.#noteNames(outcomes);
    } finally {
      this.#underway.delete(parcels);
      this.onChange();
    }
  }

  /**
   * Those whose files can all be read; the others are given up. A file that is gone fails a request just as a lost connection
   * does: so one looks first.
   */
  async #stillReadable(parcels) {
    const readable = await Promise.all(parcels.map(({ entries }) => Promise.all(entries.map(({ file }) => isReadable(file)))));
    const isWhole = (place) => readable[place].every(Boolean);
    parcels.forEach((parcel, place) => isWhole(place) || this.#giveUp(parcel, readable[place]));
    return parcels.filter((_, place) => isWhole(place));
  }

  #noteNames(outcomes) {
    this.files.renamed += outcomes.filter((outcome) => outcome.sent_as && isFirstPage(outcome)).length;
  }

  #settle(parcel, how, state = "accepted") {
    if (!this.#pending.delete(parcel)) return;
    this.files[how] += parcel.entries.length;
    this.bytes[how] += parcel.size;
    if (state === "rejected") this.files.refused += 1;
  }

  /** A job is not asked about fewer images than were chosen: what is left of it is not sent either. */
  #giveUp(parcel, readable) {
    if (!this.#pending.delete(parcel)) return;
    const leftOut = readable.filter(Boolean).length;
    this.files.leftOut += leftOut;
    this.files.unreadable += readable.length - leftOut;
    this.bytes.total -= parcel.size;
  }

  async #passGate() {
    await this.#gate;
    this.#abort.signal.throwIfAborted();
  }
}
