// At how many pixels images are seen, where the model lets one choose, and what that costs.

import { byId, say, show } from "../core/dom.js";
import { decimal, number, percent, t } from "../core/words.js";

/** Steps this close to an end, as a ratio, are left out. */
const APART = 1.5;

export class Resolution {
  #slider = byId("resolution-slider");
  #onChange;
  /** What the chosen model offers: {least, default, most}; null where nothing can be chosen. */
  #offered = null;
  #steps = [];

  /** `onChange` is called when another resolution is chosen. */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#slider.addEventListener("input", () => this.#changed());
    byId("resolution-usual").addEventListener("click", () => {
      this.#choose(this.#offered.default);
      this.#slider.focus();
      this.#changed();
    });
  }

  /** Offer what a model takes; what was chosen stays where that is offered still. */
  suit(model) {
    const offered = model?.max_pixels ?? null;
    if (JSON.stringify(offered) === JSON.stringify(this.#offered)) return;
    const wished = this.wish.max_pixels;
    this.#offered = offered;
    this.#steps = offered ? stepsOf(offered) : [];
    show(byId("resolution"), this.#steps.length > 1);
    this.#slider.max = Math.max(0, this.#steps.length - 1);
    if (offered) this.#choose(this.#steps.includes(wished) ? wished : offered.default);
  }

  /** What the API is told of it: nothing for as many as usual. */
  get wish() {
    return this.#isUsual ? {} : { max_pixels: this.#pixels };
  }

  /** How it stands, for the check before the launch; null for as many as usual. */
  get check() {
    if (this.#isUsual) return null;
    return { kind: "good", words: t("Images are seen at up to {pixels}", { pixels: pixelWords(this.#pixels) }) };
  }

  get #pixels() {
    return this.#steps[Number(this.#slider.value)];
  }

  get #isUsual() {
    return this.#steps.length < 2 || this.#pixels === this.#offered.default;
  }

  #choose(pixels) {
    this.#slider.value = this.#steps.indexOf(pixels);
    this.#draw();
  }

  #changed() {
    this.#draw();
    this.#onChange();
  }

  #draw() {
    const words = pixelWords(this.#pixels);
    say(byId("resolution-said"), words);
    this.#slider.setAttribute("aria-valuetext", this.#isUsual ? t("{pixels}, as usual", { pixels: words }) : words);
    show(byId("resolution-usual"), !this.#isUsual);
    say(byId("resolution-note"), costWords(this.#pixels / this.#offered.default));
  }
}

/** Doublings of the usual between both ends. */
function stepsOf({ least, default: usual, most }) {
  const steps = new Set([least, usual, most]);
  for (const factor of [0.5, 2]) {
    for (let pixels = usual * factor; pixels > least * APART && pixels * APART < most; pixels *= factor) steps.add(Math.round(pixels));
  }
  return [...steps].sort((one, other) => one - other);
}

/** Pixels, and how large a square of so many is. */
function pixelWords(pixels) {
  const side = number(Math.round(Math.sqrt(pixels)));
  return t("{n} pixels, as in {side} × {side}", { n: number(pixels), side });
}

/** What so many times the usual pixels cost. */
function costWords(times) {
  if (times === 1) return t("As usual. Larger images are scaled down to that, and small text in them may be lost.");
  return times > 1
    ? t("A large image takes up to {times} times the image tokens, and as many times as long to look at, or somewhat longer. The time to write the answer hardly changes.", { times: decimal(times) })
    : t("A large image takes {share} of the usual image tokens and of the time to look at it, and small text in it is lost. The time to write the answer hardly changes.", { share: percent(times) });
}
