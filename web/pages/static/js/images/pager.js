// Turning through the images of a job: two buttons, and which is on top between them.

import { icon, make, say, show } from "../core/dom.js";
import { t } from "../core/words.js";
import { isAboutSeveral, pageOf } from "./several.js";

/** A pager, hidden until it is drawn for a job about several; its buttons have the step in `data-turn`. */
export function makePager() {
  return make("div", { class: "pager", role: "group", "aria-label": t("Images of this job"), hidden: true },
    button(-1, "left", t("Previous image of this job")),
    make("span", { class: "pager-page" }),
    button(1, "right", t("Next image of this job")));
}

function button(step, glyph, label) {
  return make("button", { type: "button", class: "pager-button", "aria-label": label, data: { turn: step } }, icon(glyph));
}

export function drawPager(pager, record) {
  const isShown = isAboutSeveral(record);
  show(pager, isShown);
  if (isShown) say(pager.querySelector(".pager-page"), pageOf(record));
}

/** The step that a click asks for, or null. */
export function stepOf(event) {
  const asked = event.target.closest("[data-turn]");
  return asked ? Number(asked.dataset.turn) : null;
}
