// The sync-rate gauge that templates/_gauge.html has drawn: sets it to what is true.

export class Gauge {
  #element;
  #parts;

  /** @param element The `.gauge`. */
  constructor(element) {
    this.#element = element;
    this.#parts = ["succeeded", "failed"].map((state) => element.querySelector(`.gauge-part--${state}`));
  }

  /** Show how many of `total` have an answer, and how many have failed. */
  set({ succeeded, failed, total }) {
    const good = total ? (100 * succeeded) / total : 0;
    const bad = total ? (100 * failed) / total : 0;
    const [goodPart, badPart] = this.#parts;
    goodPart.setAttribute("stroke-dasharray", `${good} 200`);
    badPart.setAttribute("stroke-dasharray", `${bad} 200`);
    badPart.setAttribute("stroke-dashoffset", String(-good));
    this.#element.setAttribute("aria-valuenow", good.toFixed(1));
    this.#element.querySelector(".gauge-number").textContent = shown(good);
  }
}

/** One decimal; 100 only when all is answered. */
function shown(percent) {
  return percent === 100 ? "100" : Math.min(percent, 99.9).toFixed(1);
}
