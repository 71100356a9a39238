// Polling: as often as the server asks for, slower while the tab is hidden, and at once when the connection comes
// back. Needs no DOM; where there is one, it listens to the tab's visibility and the network.

const HIDDEN_S = 20;
const FIRST_PAUSE_S = 1;
const LONGEST_PAUSE_S = 30;

/** Seconds to wait after `failures` failed looks in a row: 1, 2, 4 … 30. */
export const pauseAfter = (failures) => Math.min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (failures - 1));

export class Poll {
  #look;
  #onTrouble;
  #timer = null;
  #isLooking = false;
  #isDue = false;
  #isStopped = true;
  #failures = 0;
  #page;

  /**
   * @param look An async function that gives the seconds until the next look, or null when there is none.
   * @param onTrouble Hears each Problem with the seconds until the next try (null: there is none), and null once a
   *   look has succeeded again.
   */
  constructor(look, { onTrouble = () => {}, page = globalThis.document } = {}) {
    this.#look = look;
    this.#onTrouble = onTrouble;
    this.#page = page;
  }

  /** True before it has started, and once its page is left. */
  get isStopped() {
    return this.#isStopped;
  }

  start() {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#page?.addEventListener("visibilitychange", this.#onSight);
    this.#page?.addEventListener("page:leave", this.#onLeave);
    this.#page?.addEventListener("session:back", this.wake);
    globalThis.addEventListener?.("online", this.wake);
    globalThis.addEventListener?.("offline", this.wake);
    this.wake();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#page?.removeEventListener("visibilitychange", this.#onSight);
    this.#page?.removeEventListener("page:leave", this.#onLeave);
    this.#page?.removeEventListener("session:back", this.wake);
    globalThis.removeEventListener?.("online", this.wake);
    globalThis.removeEventListener?.("offline", this.wake);
  }

  /** Look now; when a look is under way, once more after it. */
  wake = () => {
    if (this.#isStopped) return;
    if (this.#isLooking) {
      this.#isDue = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#run();
  };

  #onSight = () => {
    if (!this.#page.hidden) this.wake();
  };

  /** The page is being left for another one in the same document. */
  #onLeave = () => this.stop();

  async #run() {
    this.#isLooking = true;
    this.#isDue = false;
    const waitS = await this.#lookOnce();
    this.#isLooking = false;
    if (this.#isStopped) return;
    if (this.#isDue) this.#run();
    else if (waitS !== null) this.#timer = setTimeout(this.wake, 1000 * waitS);
  }

  async #lookOnce() {
    try {
      const waitS = await this.#look();
      if (this.#failures && !this.#isStopped) this.#onTrouble(null, null);
      this.#failures = 0;
      return waitS === null ? null : this.#page?.hidden ? Math.max(waitS, HIDDEN_S) : waitS;
    } catch (problem) {
      if (this.#isStopped) return null;
      this.#failures += 1;
      const waitS = problem.isTemporary ? (problem.retryAfterS ?? pauseAfter(this.#failures)) : null;
      this.#onTrouble(problem, waitS);
      if (!("isTemporary" in problem)) throw problem;
      return waitS;
    }
  }
}
