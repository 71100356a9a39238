// How far a batch is: the bar, the pace, and a sentence now and then for those who listen.

import { byId, say } from "./dom.js";
import { duration, number, plural, rate, size } from "./words.js";

/** A screen reader that reads every change aloud is of no use to anyone. */
const ANNOUNCE_EVERY_MS = 10_000;

let announcedAt = 0;

export function showProgress(batch, { isSending }) {
  const { counts, total } = batch;
  const finished = counts.succeeded + counts.failed + counts.cancelled;
  const isDone = batch.is_done;
  byId("progress").hidden = false;
  byId("progress").classList.toggle("is-done", isDone);
  byId("batch-name").textContent = batch.name || "Images";
  byId("batch-question").textContent = batch.question ? `${batch.model}: ${batch.question}` : batch.model;
  byId("bar").max = total || 1;
  byId("bar").value = finished;
  byId("done-text").textContent = isDone ? ending(batch) : `${number(finished)} of ${number(total)} finished`;
  byId("pace").textContent = isDone ? "" : pace(batch);
  byId("retry").hidden = !counts.failed;
  byId("cancel").hidden = isDone || batch.state === "cancelled";
  byId("close").hidden = batch.state !== "open" || isSending;
  announce(byId("done-text").textContent, isDone);
}

function ending({ counts, state, total }) {
  const parts = [`${plural(counts.succeeded, "answer")} for ${plural(total, "image")}`];
  if (counts.failed) parts.push(`${number(counts.failed)} failed`);
  if (counts.cancelled || state === "cancelled") parts.push(`${number(counts.cancelled)} cancelled`);
  return parts.join(", ");
}

function pace({ rate_per_s: perSecond, time_left_s: leftS, counts }) {
  if (!perSecond) return counts.running ? "working …" : "waiting for a free worker …";
  return leftS ? `${rate(perSecond)}, about ${duration(leftS)} left` : rate(perSecond);
}

function announce(text, isDone) {
  const now = Date.now();
  if (!isDone && now - announcedAt < ANNOUNCE_EVERY_MS) return;
  announcedAt = now;
  byId("announce").textContent = text;
}

export function showSending({ files, bytes }, total) {
  const isOver = files === total.files;
  byId("sending").hidden = isOver;
  byId("sending-bar").max = total.bytes || 1;
  byId("sending-bar").value = Math.min(bytes, total.bytes);
  const done = `${number(files)} of ${plural(total.files, "file")}`;
  byId("sending-text").textContent = `Sending: ${done}, ${size(Math.min(bytes, total.bytes))} of ${size(total.bytes)}`;
}

export function hideSending() {
  byId("sending").hidden = true;
}

export function showTrouble(error) {
  if (!error) return say(byId("trouble"), "");
  byId("progress").hidden = false;
  return say(byId("trouble"), error.isTemporary ? `${error.message} Trying again …` : error.message);
}
