// Numbers, sizes and states in words.

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const STATES = ["queued", "running", "succeeded", "failed", "cancelled"];

const STATE_WORDS = {
  queued: "Waiting",
  running: "In work",
  succeeded: "Answered",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const stateWord = (state) => STATE_WORDS[state] || state;
export const number = (value) => whole.format(value);
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

export function size(bytes) {
  for (const [unit, factor] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (bytes >= factor) return `${short.format(bytes / factor)} ${unit}`;
  }
  return `${bytes} B`;
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${short.format(seconds / 3600)} h`;
}

/** Slow rates read better by the minute. */
export function rate(perSecond) {
  return perSecond >= 1 ? `${short.format(perSecond)} a second` : `${short.format(perSecond * 60)} a minute`;
}
