// How long a job waited and ran, as precise as it is worth knowing.

import { decimal, duration, number, t } from "../core/words.js";

/** Milliseconds as a person would read them: `420 ms`, `4.2 s`, then minutes; a dash when not known. */
export function took(ms) {
  if (ms === null) return "–";
  if (ms < 1000) return t("{n} ms", { n: number(Math.round(ms)) });
  return ms < 60_000 ? t("{n} s", { n: decimal(ms / 1000) }) : duration(ms / 1000);
}
