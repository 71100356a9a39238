// All jobs of a batch as small records, kept up to date: pages in the order of their last change, then only
// what has changed since. Needs no DOM.

import { cutOf } from "./cut_short.js";

const PAGE_JOBS = 1000;

const milliseconds = (time) => (time ? Date.parse(time) : null);

/**
 * What the page needs of a job without asking again; times in milliseconds since 1970.
 * `version` grows with each change, so that an element knows whether it has to be drawn again.
 */
export function recordOf(job) {
  return {
    id: job.id,
    file: job.file,
    // What the name is sorted by, made when it is needed: a job may get another name.
    fileKey: null,
    page: job.page ?? null,
    // Of its file, and those that were read for the answer.
    pages: job.pages ?? null,
    readPages: job.usage?.pages ?? null,
    // The feed does not report that a job has started; `markRunning` sets that.
    base: job.state === "running" ? "queued" : job.state,
    state: job.state,
    answer: job.answer ?? "",
    errorCode: job.error?.code ?? null,
    errorMessage: job.error?.message ?? null,
    // Its hash is not shown below a link.
    hasImage: Boolean(job.media_type),
    mediaType: job.media_type,
    // Of a job about several each: its name, and what it was found to be.
    images: job.images ?? [],
    notes: job.notes ?? [],
    cut: cutOf(job),
    data: job.data ?? null,
    // Answers of earlier versions say it in `usage`, or nowhere.
    confidence: job.confidence ?? job.usage?.confidence ?? null,
    readConfidence: job.usage?.confidence ?? null,
    fieldConfidence: job.field_confidence ?? null,
    width: job.width,
    height: job.height,
    cameMs: milliseconds(job.created_at),
    startedMs: milliseconds(job.started_at),
    finishedMs: milliseconds(job.finished_at),
  };
}

/** How long a record's job ran, in milliseconds; null before it has come to an end. */
export const ranMs = ({ startedMs, finishedMs }) =>
  startedMs !== null && finishedMs !== null ? Math.max(0, finishedMs - startedMs) : null;

const imagesOf = ({ images }) => images.length || 1;

export class JobsFeed {
  /** Records by job id. A record stays the same object while its job changes. */
  records = new Map();
  /** How many records are in each state. */
  counts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
  /** How many images they are about; one where that is not said. */
  imageCount = 0;

  #fetchPage;
  #onChange;
  #cursor = 0;
  #etag = null;
  #running = new Set();

  /**
   * @param fetchPage (cursor, limit, etag) → {body: {jobs, next_cursor} or null when unchanged, etag, retryAfterS}
   * @param onChange Hears the records that are new or have changed, page by page.
   */
  constructor(fetchPage, onChange) {
    this.#fetchPage = fetchPage;
    this.#onChange = onChange;
  }

  /** Read all that has changed since the last time; when it throws, the next one goes on from there. */
  async pull() {
    for (;;) {
      const { body, etag, retryAfterS } = await this.#fetchPage(this.#cursor, PAGE_JOBS, this.#etag);
      // Another cursor is another address, whose ETag is not known yet.
      this.#etag = body && body.next_cursor !== this.#cursor ? null : etag;
      if (!body) return;
      this.#cursor = body.next_cursor;
      if (body.jobs.length) this.take(body.jobs);
      // A page may be short and have more behind it; then the server wants to be asked at once.
      if (retryAfterS !== 0) return;
    }
  }

  /** Note jobs as they are now. */
  take(jobs) {
    this.#onChange(jobs.map((job) => this.#note(job)));
  }

  /** Say which jobs run now: `ids` of all of them, or of the first few when there are too many to ask for. */
  markRunning(ids) {
    const before = this.#running;
    this.#running = new Set(ids);
    const changed = [];
    for (const id of new Set([...before, ...this.#running])) {
      const record = this.records.get(id);
      if (record && this.#settle(record)) changed.push(record);
    }
    if (changed.length) this.#onChange(changed);
  }

  #note(job) {
    const fresh = recordOf(job);
    if (job.state === "running") this.#running.add(job.id);
    const earlier = this.records.get(job.id);
    if (earlier) this.counts[earlier.state] -= 1;
    this.imageCount += imagesOf(fresh) - (earlier ? imagesOf(earlier) : 0);
    const record = Object.assign(earlier ?? {}, fresh, { version: (earlier?.version ?? -1) + 1 });
    this.records.set(job.id, record);
    this.counts[record.state] += 1;
    this.#settle(record);
    return record;
  }

  #settle(record) {
    const state = record.base === "queued" && this.#running.has(record.id) ? "running" : record.base;
    if (state === record.state) return false;
    this.counts[record.state] -= 1;
    this.counts[state] += 1;
    record.state = state;
    record.version += 1;
    return true;
  }
}
