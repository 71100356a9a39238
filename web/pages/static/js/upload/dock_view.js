// Drawing the dock: an upload under way, or one that was interrupted.

import { byId, say, show } from "../core/dom.js";
import { pageUrl } from "../core/place.js";
import { problemText } from "../core/problem_text.js";
import { bytes, decimal, duration, number, t, tn } from "../core/words.js";

const SHOWN_DONE_MS = 6000;

/** `upload` is null for one that was interrupted: then `batch` has {files, done, handles}. */
export function showDock(upload, batch, pace) {
  const dock = byId("dock");
  const state = upload?.state ?? "interrupted";
  say(byId("dock-verb"), verb(state));
  say(byId("dock-name"), batch.name || batch.id);
  say(byId("dock-state"), sentence(upload, batch));
  dock.dataset.state = state;
  dock.dataset.tone = tone(upload, state);
  showButtons(state, batch);
  show(byId("dock-numbers"), Boolean(upload));
  if (upload) showNumbers(upload, state, pace);
  else showBar(0, batch.files ? batch.done / batch.files : 0);
  if (dock.hidden) dock.hidden = false;
  announce(state);
  if (state === "done" && tone(upload, state) === "plain" && !remarks(upload.files)) leaveSoon(dock);
}

/** Hide the dock after a while: nothing is left to say or to do. */
function leaveSoon(dock) {
  setTimeout(() => {
    if (dock.dataset.state === "done") dock.hidden = true;
  }, SHOWN_DONE_MS);
}

const verb = (state) => ({
  sending: t("Sending"),
  paused: t("Paused:"),
  stopped: t("Stopped:"),
  done: t("Sent:"),
  cancelled: t("Cancelled:"),
  interrupted: t("Interrupted:"),
})[state];

function tone(upload, state) {
  if (state === "stopped") return "bad";
  if (state === "interrupted" || state === "paused" || (state === "sending" && upload.problem)) return "warn";
  return "plain";
}

function sentence(upload, batch) {
  if (!upload) {
    const sent = t("{done} of {files} files had been sent.", { done: number(batch.done), files: number(batch.files) });
    const how = batch.handles?.length
      ? t("Resume, and only what is missing is sent.")
      : t("Choose the same folder or images again: only what is missing is sent.");
    return `${sent} ${how}`;
  }
  const { problem, state } = upload;
  if (state === "stopped") return t("{reason} Resume to try again.", { reason: problemText(problem) });
  if (state === "sending" && problem?.status === 0) return t("The connection is lost. It goes on by itself when it is back.");
  if (state === "sending" && problem?.code === "quota_exceeded") return t("Your quota is used up. It goes on by itself when that has renewed.");
  if (state === "sending" && problem?.status === 429) return t("The queue is full. It goes on by itself when there is room.");
  if (state === "sending" && problem) return t("The server is away for a moment. It goes on by itself.");
  if (state === "paused") return t("Nothing more is sent until you resume. Answers keep coming.");
  return remarks(upload.files) || (state === "done" ? t("All is sent.") : t("Keep this page open until all is sent. Answers come meanwhile."));
}

/** What was refused, could not be read, or is otherwise than it was sent. */
function remarks(files) {
  const parts = [];
  if (files.refused) parts.push(tn("{count} file was refused; the results say why.", "{count} files were refused; the results say why.", files.refused));
  if (files.unreadable) parts.push(tn("{count} file could not be read any more.", "{count} files could not be read any more.", files.unreadable));
  if (files.leftOut) parts.push(tn("{count} file was left out, as another of its job was not read.", "{count} files were left out, as another of their job was not read.", files.leftOut));
  if (files.renamed) parts.push(tn("{count} file has a path that another one has, and another name in the results.", "{count} files have a path that another one has, and other names in the results.", files.renamed));
  if (files.passedOver) parts.push(tn("{count} hidden file in zips was passed over.", "{count} hidden files in zips were passed over.", files.passedOver));
  return parts.join(" ");
}

function showButtons(state, { id, handles }) {
  const isInterrupted = state === "interrupted";
  const isOver = state === "done" || state === "cancelled";
  show(byId("dock-pause"), state === "sending");
  show(byId("dock-resume"), state === "paused" || state === "stopped" || (isInterrupted && Boolean(handles?.length)));
  for (const name of ["dock-folder", "dock-again"]) {
    show(byId(name), isInterrupted);
    show(byId(`${name}-label`), isInterrupted);
  }
  show(byId("dock-cancel"), !isOver);
  show(byId("dock-close"), isInterrupted);
  show(byId("dock-hide"), isOver);
  show(byId("dock-open"), !location.pathname.endsWith(id));
  byId("dock-open").href = pageUrl(`/batches/${id}`);
}

function showNumbers(upload, state, pace) {
  const { files, bytes: sizes } = upload;
  const isMoving = state === "sending" && !upload.problem && pace.bytesPerS;
  say(byId("dock-files"), `${number(files.sent)} / ${number(files.total - files.known)}`);
  say(byId("dock-known"), number(files.known));
  say(byId("dock-speed"), isMoving ? t("{size}/s", { size: bytes(pace.bytesPerS) }) : "–");
  const leftBytes = Math.max(0, sizes.total - upload.bytesThrough);
  say(byId("dock-left"), isMoving ? duration(leftBytes / pace.bytesPerS) : "–");
  const all = sizes.total || 1;
  showBar(sizes.known / all, (upload.bytesThrough - sizes.known) / all);
}

function showBar(known, sent) {
  byId("dock-bar-known").style.width = `${100 * known}%`;
  byId("dock-bar-sent").style.width = `${100 * sent}%`;
  byId("dock-bar").setAttribute("aria-valuenow", (100 * (known + sent)).toFixed(0));
  byId("dock-bar").setAttribute("aria-valuetext", t("{n} percent sent", { n: decimal(100 * (known + sent)) }));
}

/** Only what changes the situation is read aloud, not each step. */
function announce(state) {
  const words = { done: t("All is sent."), paused: t("Sending is paused."), stopped: t("Sending has stopped.") };
  say(byId("dock-said"), words[state] ?? "");
}
