// Watching a batch: its counters as often as the server asks for, and what else has changed only when they have.

import { api, apiFresh } from "../core/api.js";
import { Poll } from "../core/poll.js";
import { JobsFeed } from "../results/jobs_feed.js";

/** A done batch may still be retried from elsewhere. */
const DONE_S = 15;
const MOVING_S = 2;
const TIMELINE_EVERY_MS = 2000;
/** Of those that run, so many are shown as running. */
const SHOWN_RUNNING = 200;

export class BatchWatch {
  /** The batch as it was last seen. */
  batch;
  feed;

  #path;
  #etag = null;
  #timelineEtag = null;
  #timelineAt = -Infinity;
  #hear;
  #poll;

  /**
   * @param path Where the API's calls about the batch are.
   * @param batch The batch as the page was drawn with it.
   * @param hear {onBatch(batch), onJobs(records), onTimeline(timeline), onTrouble(problem or null, seconds until the next try)}
   */
  constructor(path, batch, hear) {
    this.batch = batch;
    this.#path = path;
    this.#hear = hear;
    this.feed = new JobsFeed((...page) => this.#fetchPage(...page), hear.onJobs);
    this.#poll = new Poll(() => this.#look(), { onTrouble: hear.onTrouble });
  }

  start() {
    this.#poll.start();
  }

  stop() {
    this.#poll.stop();
  }

  /** Look now: something was done to the batch. */
  wake() {
    this.#poll.wake();
  }

  async #look() {
    const { body, etag, retryAfterS } = await apiFresh(this.#path, { etag: this.#etag });
    if (body) {
      this.batch = body;
      this.#hear.onBatch(body);
      await Promise.all([this.feed.pull(), this.#lookAtRunning(), this.#lookAtTimeline()]);
      // Only now: when one of the requests above fails, all are made again.
      this.#etag = etag;
    }
    return this.batch.is_done ? DONE_S : (retryAfterS ?? MOVING_S);
  }

  #fetchPage(cursor, limit, etag) {
    return apiFresh(`${this.#path}/results?order=changed&cursor=${cursor}&limit=${limit}`, { etag });
  }

  async #lookAtRunning() {
    if (!this.batch.counts.running) return this.feed.markRunning([]);
    const { jobs } = await api(`${this.#path}/results?state=running&limit=${SHOWN_RUNNING}`);
    this.feed.markRunning(jobs.map(({ id }) => id));
  }

  async #lookAtTimeline() {
    const isSoon = performance.now() - this.#timelineAt < TIMELINE_EVERY_MS;
    if (isSoon && !this.batch.is_done) return;
    const { body, etag } = await apiFresh(`${this.#path}/timeline`, { etag: this.#timelineEtag });
    this.#timelineAt = performance.now();
    this.#timelineEtag = etag;
    if (body) this.#hear.onTimeline(body);
  }
}
