// The answers of a batch, a page at a time: fetched when scrolled to, and again while they are unfinished.

import { exportUrl, readResults } from "./api.js";
import { card, row } from "./cards.js";
import { byId, make } from "./dom.js";
import { STATES, number, stateWord } from "./words.js";

const PAGE = 60;
/** Pages fetched again at one change: those after them are still further back in the queue. */
const REFRESHED_PAGES = 3;
const UNFINISHED = new Set(["queued", "running"]);

export class Results {
  #batch = null;
  #state = "";
  #isTable = false;
  /** Each page: the cursor it begins after, the next one, its jobs by id, and their elements. */
  #pages = [];
  #turn = Promise.resolve();
  #isLoading = false;
  #generation = 0;
  #sight = null;

  constructor(onTrouble) {
    this.onTrouble = onTrouble;
    byId("as-gallery").addEventListener("click", () => this.#view(false));
    byId("as-table").addEventListener("click", () => this.#view(true));
    byId("more-button").addEventListener("click", () => this.#scrollOn());
    const onSight = (seen) => seen.at(-1).isIntersecting && this.#scrollOn();
    this.#sight = new IntersectionObserver(onSight, { rootMargin: "800px" });
  }

  /** Forget what is shown; the next `update` begins anew. */
  reset() {
    this.#generation += 1;
    this.#pages = [];
    byId("gallery").replaceChildren();
    byId("rows").replaceChildren();
    byId("more-button").hidden = true;
  }

  /** Take in how the batch stands now. Rejects when the answers cannot be read. */
  async update(batch) {
    if (this.#batch?.id !== batch.id) {
      this.#state = "";
      this.reset();
    }
    this.#batch = batch;
    byId("results").hidden = batch.total === 0;
    byId("csv").href = exportUrl(batch.id, "csv");
    byId("jsonl").href = exportUrl(batch.id, "jsonl");
    this.#showStates();
    await this.#refresh();
  }

  get #target() {
    return byId(this.#isTable ? "rows" : "gallery");
  }

  #expected() {
    return this.#state ? this.#batch.counts[this.#state] : this.#batch.total;
  }

  #isStale(page) {
    const isUnfinished = [...page.jobs.values()].some((job) => UNFINISHED.has(job.state));
    const loaded = this.#pages.reduce((sum, { jobs }) => sum + jobs.size, 0);
    return isUnfinished || (page.next === null && loaded !== this.#expected());
  }

  async #refresh() {
    const stale = this.#pages.filter((page) => this.#isStale(page)).slice(0, REFRESHED_PAGES);
    for (const page of stale) await this.#inTurn(() => this.#fetchInto(page));
    if (!this.#pages.length) await this.#loadMore();
    this.#showEnd();
  }

  #beginAnew() {
    this.reset();
    this.#loadMore().catch(this.onTrouble);
  }

  async #scrollOn() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      await this.#loadMore();
    } catch (error) {
      this.onTrouble(error);
    } finally {
      this.#isLoading = false;
    }
  }

  async #loadMore() {
    await this.#inTurn(async () => {
      const last = this.#pages.at(-1);
      if (!this.#batch || (last && last.next === null)) return;
      const page = { after: last?.next ?? null, next: null, jobs: new Map(), elements: new Map() };
      await this.#fetchInto(page);
      this.#pages.push(page);
    });
    this.#showEnd();
  }

  /** One request at a time: two that overlap would draw the same jobs twice. */
  #inTurn(work) {
    const done = this.#turn.then(work).catch((error) => {
      if (error !== STALE) throw error;
    });
    this.#turn = done.catch(() => {});
    return done;
  }

  async #fetchInto(page) {
    const generation = this.#generation;
    const answer = await readResults(this.#batch.id, { cursor: page.after, limit: PAGE, state: this.#state });
    if (generation !== this.#generation) throw STALE;
    page.next = answer.next_cursor ?? null;
    const ids = new Set(answer.jobs.map(({ id }) => id));
    for (const [id, element] of page.elements) if (!ids.has(id)) this.#drop(page, id, element);
    for (const job of answer.jobs) this.#draw(page, job);
  }

  #drop(page, id, element) {
    element.remove();
    page.elements.delete(id);
    page.jobs.delete(id);
  }

  #draw(page, job) {
    const known = page.jobs.get(job.id);
    if (known && known.state === job.state) return;
    const element = this.#isTable ? row(job) : card(job);
    const old = page.elements.get(job.id);
    // A job that moved up from a later page leaves that one.
    for (const other of this.#pages) {
      if (other !== page && other.jobs.has(job.id)) this.#drop(other, job.id, other.elements.get(job.id));
    }
    if (old) old.replaceWith(element);
    else this.#place(page, element);
    page.jobs.set(job.id, job);
    page.elements.set(job.id, element);
  }

  #place(page, element) {
    const next = this.#pages.slice(this.#pages.indexOf(page) + 1).find(({ elements }) => elements.size);
    const isLast = !this.#pages.includes(page) || !next;
    this.#target.insertBefore(element, isLast ? null : next.elements.values().next().value);
  }

  #showEnd() {
    const last = this.#pages.at(-1);
    const hasMore = Boolean(last) && last.next !== null;
    byId("more-button").hidden = !hasMore;
    // An observer speaks only of changes: observing anew makes it say again that the end is in sight.
    this.#sight.disconnect();
    if (hasMore) this.#sight.observe(byId("more"));
    byId("nothing").hidden = !last || this.#pages.some(({ jobs }) => jobs.size);
  }

  #view(isTable) {
    this.#isTable = isTable;
    byId("as-table").setAttribute("aria-pressed", isTable);
    byId("as-gallery").setAttribute("aria-pressed", !isTable);
    byId("table").hidden = !isTable;
    byId("gallery").hidden = isTable;
    this.#beginAnew();
  }

  #showStates() {
    const { counts, total } = this.#batch;
    const choices = [["", "All", total], ...STATES.map((state) => [state, stateWord(state), counts[state]])];
    const shown = choices.filter(([state, , count]) => count || !state || state === this.#state);
    const focused = document.activeElement?.dataset?.state;
    const buttons = shown.map(([state, word, count]) => this.#stateButton(state, word, count));
    byId("states").replaceChildren(...buttons);
    // The buttons are drawn anew at every change; the keyboard must not lose its place.
    if (focused !== undefined) buttons.find((button) => button.dataset.state === focused)?.focus();
  }

  #stateButton(state, word, count) {
    const attrs = { type: "button", "data-state": state, "aria-pressed": state === this.#state };
    const onClick = () => {
      this.#state = state;
      this.#showStates();
      this.#beginAnew();
    };
    return make("button", { attrs, onClick }, `${word} `, make("span", { className: "count", text: number(count) }));
  }
}

/** An answer to a question that is no longer asked. */
const STALE = Symbol("stale");
