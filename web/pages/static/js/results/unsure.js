// Text that was read, of which some is perhaps wrong.

import { make, show } from "../core/dom.js";
import { t } from "../core/words.js";

/** Below this confidence, 0 to 1, an answer is marked; the page says it. */
const below = Number(document.getElementById("batch")?.dataset.unsureBelow ?? 0);

/** A chip for unsure answers, which is hidden for others. */
export const unsureChip = () => make("span", { class: "chip chip--unsure", hidden: true });

/** Show the chip where a record's answer is unsure. */
export function drawUnsure(chip, { readConfidence: confidence }) {
  const isUnsure = confidence !== null && confidence < below;
  if (isUnsure) chip.textContent = t("Unsure");
  show(chip, isUnsure);
}
