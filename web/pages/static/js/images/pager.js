// Turning through the images of a job, or the pages of its file: two buttons, and which is on top between them.

import { icon, make, say, show } from "../core/dom.js";
import { t } from "../core/words.js";
import { canTurn, isAboutSeveral, placeWords } from "./several.js";

/** A pager, hidden until it is drawn for a job that has several; its buttons have the step in `data-turn`. */
export function makePager() {
  return make("div", { class: "pager", role: "group", hidden: true }, button(-1, "left"), make("span", { class: "pager-page" }), button(1, "right"));
}

const button = (step, glyph) => make("button", { type: "button", class: "pager-button", data: { turn: step } }, icon(glyph));

export function drawPager(pager, record) {
  const isShown = canTurn(record);
  show(pager, isShown);
  if (!isShown) return;
  say(pager.querySelector(".pager-page"), placeWords(record));
  const labels = isAboutSeveral(record)
    ? [t("Images of this job"), t("Previous image of this job"), t("Next image of this job")]
    : [t("Pages of this file"), t("Previous page of this file"), t("Next page of this file")];
  for (const [place, element] of [pager, ...pager.querySelectorAll("button")].entries()) element.setAttribute("aria-label", labels[place]);
}

/** The step that a click asks for, or null. */
export function stepOf(event) {
  const asked = event.target.closest("[data-turn]");
  return asked ? Number(asked.dataset.turn) : null;
}
