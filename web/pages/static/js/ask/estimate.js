// How long a batch will take, from what is measured: the model's rate, its queue, its workers up or starting.

import { decimal, duration, number, t } from "../core/words.js";

/**
 * {seconds, note} for `images` more images of a model; seconds is null when nothing is measured yet.
 * `status` is the model's entry of /api/status, or undefined.
 */
export function estimate(images, status) {
  if (!images || !status) return { seconds: null, note: "" };
  const { workers, waiting, held, rate_per_s: rate, start_s: startS } = status;
  const starting = status.workers_by_state?.loading ?? 0;
  const notes = [];
  let wakeS = 0;
  if (!workers) {
    notes.push(wakeNote(starting, startS));
    wakeS = startS ?? 0;
  }
  const before = waiting + held;
  if (before) notes.push(t("{n} images are in line before or beside them.", { n: number(before) }));
  if (!rate) {
    notes.push(t("No speed was measured of late, so the time is not known before the first answers."));
    return { seconds: null, note: notes.join(" ") };
  }
  notes.push(t("Measured of late: {rate} images a second.", { rate: decimal(rate) }));
  return { seconds: wakeS + (before + images) / rate, note: notes.join(" ") };
}

function wakeNote(starting, startS) {
  if (startS) return t("No worker is up; waking one takes about {time}.", { time: duration(startS) });
  return starting ? t("A worker is starting.") : t("No worker is up; the images wait until one is.");
}
