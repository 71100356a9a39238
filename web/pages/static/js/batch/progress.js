// How far a batch is: the gauge, the numbers, the bar, the page's title; and now and then a sentence read aloud.

import { byId, say } from "../core/dom.js";
import { decimal, duration, number, percent, t, tn } from "../core/words.js";
import { Gauge } from "./gauge.js";

/** Between two sentences that are read aloud while a batch runs. */
const SPEAK_EVERY_MS = 30_000;

let gauge = null;
let spokenAt = -Infinity;
let spokenStage = null;
let coming = 0;

/** This page sends files to the batch, which will have so many `jobs`; 0 when no more are coming. */
export function expectJobs(jobs) {
  coming = jobs;
}

/** Where a batch stands: "empty", "waiting", "running", "sending" (all done, but more may come), "cancelled", "done". */
export function stageOf({ state, counts, total, is_done: isDone }) {
  if (isDone) return state === "cancelled" ? "cancelled" : "done";
  if (counts.running) return "running";
  if (counts.queued) return "waiting";
  return total ? "sending" : "empty";
}

/** Show a batch as it is now. */
export function showProgress(batch) {
  gauge ??= new Gauge(byId("sync"));
  const { counts } = batch;
  const total = wholeOf(batch);
  const stage = stageOf(batch);
  gauge.set({ succeeded: counts.succeeded, failed: counts.failed, total });
  byId("stage").dataset.stage = stage;
  say(byId("stage"), stageWord(stage));
  for (const state of ["succeeded", "running", "queued", "failed"]) readout(state, number(counts[state]));
  tint("failed", counts.failed ? "readout--bad" : "");
  showPace(batch);
  for (const part of byId("states-bar").children) {
    part.style.width = `${total ? (100 * counts[part.dataset.state]) / total : 0}%`;
  }
  document.title = titleOf(batch);
  speak(batch, stage);
}

/** What is answered is a part of what was asked, not of what has come so far. */
const wholeOf = ({ total }) => Math.max(total, coming);

function stageWord(stage) {
  const words = {
    empty: t("No images yet"),
    waiting: t("Waiting for a worker"),
    running: t("Answering"),
    sending: t("Open for more files"),
    cancelled: t("Cancelled"),
    done: t("Done"),
  };
  return words[stage];
}

function showPace(batch) {
  if (batch.is_done) {
    const tookS = tookSeconds(batch);
    const ended = batch.counts.succeeded + batch.counts.failed;
    readout("rate", tookS && ended > 1 ? rateText(ended / tookS) : "–", t("Speed, mean"));
    readout("time", tookS ? duration(tookS) : "–", t("Took"));
    return;
  }
  readout("rate", batch.rate_per_s ? rateText(batch.rate_per_s) : "–", t("Speed"));
  readout("time", batch.time_left_s === null ? "–" : duration(batch.time_left_s), t("Time left"));
}

/** Seconds from the first job's start to the last one's end; null when not known. */
function tookSeconds({ first_started_at: first, last_finished_at: last }) {
  return first && last ? Math.max(0.1, (Date.parse(last) - Date.parse(first)) / 1000) : null;
}

const rateText = (perSecond) =>
  perSecond >= 1 ? t("{n}/s", { n: decimal(perSecond) }) : t("{n}/min", { n: decimal(perSecond * 60) });

function readout(name, value, label) {
  const element = document.querySelector(`[data-readout="${name}"]`);
  say(element.querySelector(".readout-value"), value);
  if (label) say(element.querySelector(".readout-label"), label);
}

function tint(name, kind) {
  document.querySelector(`[data-readout="${name}"]`).className = `readout ${kind}`;
}

function titleOf(batch) {
  const { name, counts, is_done: isDone } = batch;
  const total = wholeOf(batch);
  const mark = isDone ? "✓" : total ? percent(counts.succeeded / total) : "…";
  return `${mark} ${name || t("Batch")} · EVA-01`;
}

/** Each change of stage is said, and how far it is every half minute: not each look. */
function speak(batch, stage) {
  const now = performance.now();
  if (stage === spokenStage && (batch.is_done || now - spokenAt < SPEAK_EVERY_MS)) return;
  spokenAt = now;
  spokenStage = stage;
  const { counts } = batch;
  const total = wholeOf(batch);
  const words = [
    `${stageWord(stage)}.`,
    t("{answered} of {total} answered.", { answered: number(counts.succeeded), total: number(total) }),
  ];
  if (counts.failed) words.push(tn("{count} failed.", "{count} failed.", counts.failed));
  say(byId("progress-spoken"), words.join(" "));
}
