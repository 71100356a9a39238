// Answers that were cut at the longest that was allowed: what is known of them, and how much more can be asked for.

import { stateWord, t } from "../core/words.js";

/** A filter beside those of the states. */
export const CUT = "cut";

/** What it takes to ask for the rest of a job's answer, also where there is none for being cut; null for one that is not. */
export function cutOf({ finish_reason: reason, usage, image, question, page }) {
  return reason === "length" ? { tokens: usage?.output_tokens ?? 0, image, question, page } : null;
}

/** True for a record in this state; CUT is one as well, and "" is any. */
export const isIn = (record, state) => !state || (state === CUT ? record.cut !== null : record.state === state);

/** A state in words, or that an answer is cut. */
export const wordOf = (state) => (state === CUT ? t("Cut short") : stateWord(state));

/** Write a record's state into its chip; gives what it is. */
export function drawState(chip, record, kind = "") {
  const state = record.cut ? CUT : record.state;
  if (chip.textContent !== wordOf(state)) chip.textContent = wordOf(state);
  chip.className = `chip chip--${state} ${kind}`.trim();
  return state;
}

/**
 * The longest answer to ask for after one of `tokens`: twice that, as far as the server allows, or all that it allows where that
 * is not known (0); null when it allows no more.
 */
export function moreTokens(tokens, { max_answer_tokens: most = Infinity }) {
  return tokens < most ? Math.min(2 * (tokens || most), most) : null;
}
