// The dock: shows the upload under way on every page, and lets one go on that was interrupted.

import { api } from "../core/api.js";
import { byId, say, show, toast } from "../core/dom.js";
import { problemText } from "../core/problem_text.js";
import { t } from "../core/words.js";
import { showDock } from "./dock_view.js";
import { fromHandles, fromInput, measure, Names } from "./files.js";
import { WAYS } from "./groups.js";
import { readLimits, refusal } from "./limits.js";
import { Pace } from "./pace.js";
import { parcelsOf } from "./parcels.js";
import { forget, interrupted, keepHandles, keptHandles, leave, remember } from "./remembered.js";
import { cancelBatch, closeBatch } from "./sending.js";
import { Upload } from "./upload.js";

const DRAW_MS = 250;
const BEAT_MS = 2000;
const GONE_CODES = new Set(["batch_not_found", "batch_closed"]);

let upload = null;
let waiting = null;

/**
 * Send parcels to a batch {id, name}, and show it. `way` is how they were made of files, `handles` are those of the drop
 * they came from.
 */
export function startUpload(batch, parcels, { way, limits, handles = [] }) {
  waiting = null;
  const pace = new Pace();
  const draw = () => {
    pace.note(sent.bytesThrough);
    tell();
    if (sent.state !== "cancelled") showDock(sent, batch, pace);
  };
  const onEnd = () => {
    if (sent.state === "done" || sent.state === "cancelled") {
      clearInterval(beating);
      forget(batch.id);
    }
    document.dispatchEvent(new CustomEvent("upload:done", { detail: { batchId: batch.id, state: sent.state } }));
    if (sent.state !== "cancelled") draw();
  };
  const sent = new Upload(batch.id, parcels, { way, limits, onChange: throttled(draw, DRAW_MS), onEnd });
  const beat = () => remember({ batchId: batch.id, name: batch.name, way, files: sent.files.total, done: sent.settled });
  const beating = setInterval(beat, BEAT_MS);
  upload = sent;
  keepHandles(batch.id, handles);
  beat();
  draw();
  sent.run();
}

/** Say on the page how far the upload is. */
function tell() {
  if (!upload) return;
  const { batchId, state, jobs } = upload;
  document.dispatchEvent(new CustomEvent("upload:progress", { detail: { batchId, state, jobs } }));
}

/** True while leaving the page would interrupt an upload. */
export const isSending = () => upload !== null && ["sending", "paused", "stopped"].includes(upload.state);

/** Make the buttons work, and offer to go on with what was interrupted. */
export function listenForDock() {
  byId("dock-pause").addEventListener("click", () => upload?.pause());
  byId("dock-resume").addEventListener("click", () => (waiting ? resumeFromHandles() : upload?.resume()));
  byId("dock-cancel").addEventListener("click", () => byId("dock-dialog").showModal());
  byId("dock-dialog").addEventListener("close", () => byId("dock-dialog").returnValue === "cancel" && cancel());
  byId("dock-close").addEventListener("click", sendNoMore);
  byId("dock-hide").addEventListener("click", () => show(byId("dock"), false));
  // What else sticks to the top of a page sticks below the dock.
  new ResizeObserver(([{ borderBoxSize: [{ blockSize }] }]) => {
    document.documentElement.style.setProperty("--dock-height", `${blockSize}px`);
  }).observe(byId("dock"));
  for (const id of ["dock-folder", "dock-again"]) {
    byId(id).addEventListener("change", (event) => {
      resumeWith(fromInput(event.target));
      event.target.value = "";
    });
  }
  // A page that is shown meanwhile has not heard the last word.
  document.addEventListener("upload:where", tell);
  document.addEventListener("session:back", () => upload?.problem?.status === 401 && upload.resume());
  // What is chosen here is not for whoever is signed in now; and the page is left without a question.
  document.addEventListener("session:other", () => upload?.cancel());
  addEventListener("beforeunload", (event) => isSending() && event.preventDefault());
  addEventListener("pagehide", () => isSending() && leave(upload.batchId));
  offerToResume();
}

async function offerToResume() {
  waiting = interrupted();
  if (!waiting) return;
  try {
    const batch = await api(`/batches/${waiting.batchId}`);
    if (batch.state !== "open") throw Object.assign(new Error(), { code: "batch_closed" });
  } catch (error) {
    if (GONE_CODES.has(error.code)) forget(waiting.batchId);
    waiting = null;
    return;
  }
  waiting.handles = await keptHandles(waiting.batchId);
  showDock(null, { id: waiting.batchId, name: waiting.name, ...waiting }, null);
}

async function resumeFromHandles() {
  try {
    resumeWith(await fromHandles(waiting.handles));
  } catch {
    toast(t("The browser does not let the page read it again. Choose it once more."), "bad");
  }
}

async function resumeWith(entries) {
  if (!waiting || !entries.length) return;
  const batch = { id: waiting.batchId, name: waiting.name };
  const way = WAYS.includes(waiting.way) ? waiting.way : "";
  const [limits, measured] = await Promise.all([readLimits(), measure(entries)]);
  const names = new Names();
  const wanted = measured.filter((entry) => !refusal(entry, limits)).map((entry) => names.name(entry));
  startUpload(batch, parcelsOf(wanted, way), { way, limits });
}

async function sendNoMore() {
  const { batchId } = waiting;
  forget(batchId);
  waiting = null;
  show(byId("dock"), false);
  try {
    await closeBatch(batchId);
  } catch (problem) {
    toast(problemText(problem), "bad");
  }
}

async function cancel() {
  const { batchId } = upload ?? waiting;
  upload?.cancel();
  forget(batchId);
  waiting = null;
  try {
    await cancelBatch(batchId);
    say(byId("dock-said"), t("The batch is cancelled."));
  } catch (problem) {
    toast(problemText(problem), "bad");
  }
  show(byId("dock"), false);
}

/** `work` at most once in `everyMs`, and once more after the last call. */
function throttled(work, everyMs) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      work();
    }, everyMs);
  };
}
