// How sure an answer is: a bar and its number, and the field that is least sure.

import { make, say, show } from "../core/dom.js";
import { percent, t } from "../core/words.js";

/** {name, confidence} of the field that is least sure; null where no field says. */
export function leastSure({ fieldConfidence }) {
  const fields = Object.entries(fieldConfidence ?? {});
  if (!fields.length) return null;
  const [name, confidence] = fields.reduce((least, field) => (field[1] < least[1] ? field : least));
  return { name, confidence };
}

/** An element for `drawSure`, which is hidden where nobody noted how sure an answer is. */
export const sureBar = () =>
  make(
    "span",
    { class: "sure", hidden: true },
    make("span", { class: "sure-bar", role: "img", "aria-label": t("How sure") }),
    make("span", { class: "sure-words" }),
    make("span", { class: "sure-least text", dir: "auto" }),
  );

/** Draw a confidence, 0 to 1, or null; `least` is a field to name, or null. */
export function drawSure(element, confidence, least = null) {
  show(element, confidence !== null);
  if (confidence === null) return;
  const [bar, words, field] = element.children;
  bar.style.setProperty("--sure", `${100 * confidence}%`);
  say(words, shownSure(confidence));
  say(field, least ? `${least.name} ${shownSure(least.confidence)}` : "");
}

/** In whole percent, rounded down: 99.9 % is not certain. What 100 times 0.29 lacks of 29 is the machine's doing. */
export const shownSure = (confidence) => percent(Math.floor(Number((100 * confidence).toFixed(6))) / 100);
