// Sentences in the reader's language; numbers, sizes and times as that language writes them.
//
// The English sentence is the key. Its translation is in the catalogue that the server makes of the same
// gettext files that the templates use; scripts/translate finds each t("…") and tn("…", "…") here.

import { pageUrl } from "./place.js";

export const LOCALE = document.documentElement.lang || "en";

const catalogue = LOCALE.startsWith("en") ? {} : await load(pageUrl(`/words/${LOCALE}.json`));

async function load(path) {
  try {
    const response = await fetch(path);
    return response.ok ? await response.json() : {};
  } catch {
    return {};
  }
}

/** The sentence in the reader's language, with `{name}` replaced by values.name. The sentence must be a literal. */
export function t(sentence, values) {
  return fill(catalogue[sentence] || sentence, values);
}

/** What people have written in each language, {en, zh}, in the reader's. */
export const inWords = (written) => written[LOCALE.startsWith("zh") ? "zh" : "en"];

/** One of two sentences by a count, which both name `{count}`: tn("{count} image", "{count} images", 3). */
export function tn(one, many, count, values) {
  const [translated] = catalogue[one] ?? [];
  return fill(translated || (count === 1 ? one : many), { count: number(count), ...values });
}

function fill(sentence, values) {
  return values ? sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole) : sentence;
}

const whole = new Intl.NumberFormat(LOCALE);
const short = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 });
const digits = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0, useGrouping: "min2" });
const precise = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 15, useGrouping: "min2" });
const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

export const number = (value) => whole.format(value);
export const decimal = (value) => short.format(value);
/** A number with all its digits. */
export const exact = (value) => (Number.isInteger(value) ? digits : precise).format(value);
export const percent = (ratio) => share.format(ratio);
/** {amount, currency}; images are cheap, so a price may have more digits than its currency. */
export const money = ({ amount, currency }) => {
  const shown = amount < 0.1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 4 };
  return new Intl.NumberFormat(LOCALE, { style: "currency", currency, ...shown }).format(amount);
};
/** A day, `2026-11-26`; what is none stays as it is. */
export const dateOnly = (date) => (Number.isNaN(Date.parse(date)) ? date : day.format(new Date(date)));
export const dateTime = (time) => moment.format(new Date(time));

export function bytes(count) {
  for (const [unit, factor] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= factor) return `${short.format(count / factor)} ${unit}`;
  }
  return `${whole.format(count)} B`;
}

/** Seconds as a person would say them: `8 s`, `3 min`, `1 h 20 min`, `2 d 3 h`. */
export function duration(seconds) {
  if (seconds < 60) return t("{n} s", { n: number(Math.max(1, Math.round(seconds))) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t("{n} min", { n: number(minutes) });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return t("{h} h {m} min", { h: number(hours), m: number(minutes % 60) });
  return t("{d} d {h} h", { d: number(Math.floor(hours / 24)), h: number(hours % 24) });
}

/** A rate of images; slow ones read better by the minute. */
export function rate(perSecond) {
  if (perSecond >= 1) return t("{n} images/s", { n: decimal(perSecond) });
  return t("{n} images/min", { n: decimal(perSecond * 60) });
}

/** How long ago, in words: `3 minutes ago`. */
export function ago(time) {
  const seconds = Math.min(0, (new Date(time) - Date.now()) / 1000);
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (seconds <= -length) return relative.format(Math.round(seconds / length), unit);
  }
  return relative.format(Math.round(seconds), "second");
}

export const STATES = ["queued", "running", "succeeded", "failed", "cancelled"];

export function stateWord(state) {
  const words = {
    queued: t("Waiting"),
    running: t("Running"),
    succeeded: t("Answered"),
    failed: t("Failed"),
    cancelled: t("Cancelled"),
  };
  return words[state] ?? state;
}
