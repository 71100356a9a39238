// The slider that shows only answers that are less sure than it says.

import { byId, say, show } from "../core/dom.js";
import { percent, t } from "../core/words.js";

const TYPING_MS = 120;

export class Doubt {
  #slider = byId("doubt");
  #timer = null;

  /** @param onBelow Hears the confidence below which answers are wanted, or null for all. */
  constructor(onBelow) {
    this.#slider.addEventListener("input", () => {
      this.#draw();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => onBelow(this.below), TYPING_MS);
    });
    this.#draw();
  }

  /** Null at the slider's end, which is beyond 100 %. */
  get below() {
    const value = Number(this.#slider.value);
    return value < Number(this.#slider.max) ? value / 100 : null;
  }

  /** Offer it once some answer says how sure it is. */
  offer(records) {
    const part = byId("doubt-part");
    if (part.hidden && [...records].some(({ confidence }) => confidence !== null)) show(part, true);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#slider.value = this.#slider.max;
    this.#draw();
  }

  #draw() {
    const words = this.below === null ? t("any") : percent(this.below);
    say(byId("doubt-said"), words);
    this.#slider.setAttribute("aria-valuetext", words);
  }
}
