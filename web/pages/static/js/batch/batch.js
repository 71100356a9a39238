// A batch's page: puts its parts together. Starts by itself from what is in <main>.

import { api } from "../core/api.js";
import { byId, say, show, toast } from "../core/dom.js";
import { watchFleet } from "../core/fleet.js";
import { listenForKeys } from "../core/keys.js";
import { pageUrl } from "../core/place.js";
import { problemText } from "../core/problem_text.js";
import { reasonOf } from "../core/reasons.js";
import { mayWrite } from "../core/rights.js";
import { dateTime, duration, t, tn } from "../core/words.js";
import { Results } from "../results/results.js";
import { CUT } from "../results/cut_short.js";
import { Viewer } from "../results/viewer.js";
import { listenForCutShort, showCutShort } from "./cut_short.js";
import { askToDelete } from "./delete.js";
import { showFailures } from "./failures.js";
import { expectJobs, showProgress } from "./progress.js";
import { listenForRename, showName } from "./rename.js";
import { listenForShare } from "./share.js";
import { TimelinePlot } from "./timeline.js";
import { BatchWatch } from "./watch.js";

const PANELS_EVERY_MS = 500;
/** Why a link shows nothing any more. */
const ENDED = new Set(["share_expired", "share_not_found"]);

const root = document.querySelector("[data-batch-id]");
const first = JSON.parse(root.dataset.batch);
const isShared = "shared" in root.dataset;
const path = isShared ? "" : `/batches/${first.id}`;
let panelsTimer = null;
let arePanelsDue = false;

const timeline = new TimelinePlot(byId("timeline"), byId("timeline-words"));
const watch = new BatchWatch(path, first, {
  onBatch: showBatch,
  onJobs,
  onTimeline: (told) => timeline.set(told),
  onTrouble,
});
const results = new Results(watch.feed);
const viewer = new Viewer(first, results, retryOne);

showBatch(first);
say(byId("batch-came"), dateTime(first.created_at));
listenForKeys({
  "/": () => results.focusSearch(),
  r: () => retryOne(results.selected),
  ",": () => results.turn(results.selected, { by: -1 }),
  ".": () => results.turn(results.selected, { by: 1 }),
});
byId("results").addEventListener("click", openClicked);
window.addEventListener("hashchange", openFromAddress);
window.addEventListener("pageshow", ({ persisted }) => isShared && persisted && location.reload());
document.addEventListener("upload:progress", onUpload);
document.dispatchEvent(new Event("upload:where"));
listenForCutShort(first, () => watch.feed.records.values(), () => showOnly({ state: CUT, code: "" }));
if (mayWrite) listenForActs();
if (byId("fleet")) watchFleet(byId("fleet"), { model: first.model, waiting: () => watch.batch.counts.queued });
watch.start();
openFromAddress();

function showBatch(batch) {
  root.toggleAttribute("data-done", batch.is_done);
  showProgress(batch);
  showName(batch);
  results.count(batch);
  if (!mayWrite) return;
  show(byId("close"), batch.state === "open");
  show(byId("cancel"), batch.counts.queued + batch.counts.running > 0);
}

/** What this page sends counts as asked from the first moment. */
function onUpload({ detail: { batchId, state, jobs } }) {
  if (batchId !== first.id) return;
  expectJobs(["sending", "paused", "stopped"].includes(state) ? jobs : 0);
  showProgress(watch.batch);
}

function onJobs() {
  results.update();
  viewer.update();
  showPanels();
}

/** What failed and what is cut short, by the records that are known: at once, since all below moves, and then now and then. */
function showPanels() {
  arePanelsDue = true;
  if (panelsTimer !== null) return;
  arePanelsDue = false;
  showFailures(watch.feed.records.values(), (code) => showOnly({ state: "failed", code }));
  showCutShort(watch.feed.records.values());
  panelsTimer = setTimeout(() => {
    panelsTimer = null;
    if (arePanelsDue) showPanels();
  }, PANELS_EVERY_MS);
}

function showOnly(wish) {
  results.want(wish);
  byId("results").scrollIntoView({ block: "start" });
}

// Trouble

function onTrouble(problem, waitS) {
  // What a link showed ends with it; the server's page says so.
  if (isShared && ENDED.has(problem?.code)) return location.reload();
  const box = byId("trouble");
  // That nobody is signed in any more is said above the page.
  show(box, Boolean(problem) && problem.status !== 401);
  if (!problem) return toast(t("Connected again."));
  const [title, words] = troubleWords(problem, waitS);
  say(box.querySelector(".notice-title"), title);
  say(box.querySelector(".notice-text"), words);
}

function troubleWords(problem, waitS) {
  if (problem.code === "batch_not_found") {
    return [t("This batch is not there any more"), t("It was deleted, or has expired. What you see is the last that was known.")];
  }
  const again = waitS === null ? "" : t("The next try is in {time}. The batch goes on without this page.", { time: duration(waitS) });
  if (problem.status === 0) return [t("No connection to the server"), again];
  return [t("The server cannot answer now"), `${problemText(problem)} ${again}`];
}

// Opening a result

function openClicked(event) {
  const link = event.target.closest("a[data-index]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  viewer.open(results.items[Number(link.dataset.index)]);
}

/** `#job=<id>` opens that result, also before the feed has brought it. */
async function openFromAddress() {
  const [, id] = /^#job=([0-9a-f]{32})$/.exec(location.hash) ?? [];
  if (!id || viewer.record?.id === id) return;
  if (!watch.feed.records.has(id)) {
    const job = await api(`/jobs/${id}`).catch(() => null);
    if (job?.batch_id !== first.id) return;
    if (!watch.feed.records.has(id)) watch.feed.take([job]);
  }
  viewer.open(watch.feed.records.get(id));
}

// Acts

function listenForActs() {
  listenForShare(first.id);
  listenForRename(first.id, () => watch.wake());
  onClick("close", () => api(`${path}/close`, { method: "POST" }));
  onClick("cancel", () => api(`${path}/cancel`, { method: "POST" }));
  onClick("retry-all", retryAll);
  byId("delete").addEventListener("click", async () => {
    if (await askToDelete(watch.batch)) location.assign(pageUrl("/history"));
  });
}

/** Do something to the batch, then look at it afresh. */
function onClick(id, act) {
  const button = byId(id);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await act();
      watch.wake();
    } catch (problem) {
      toast(problemText(problem), "bad");
    }
    button.disabled = false;
  });
}

async function retryAll() {
  const { retried } = await api(`${path}/retry`, { method: "POST" });
  toast(tn("{count} job runs again.", "{count} jobs run again.", retried), retried ? "good" : "bad");
}

async function retryOne(record) {
  if (!mayWrite || record?.state !== "failed") return;
  if (!record.hasImage || record.cut) {
    const { what, remedy } = reasonOf(record.cut ? "job_cut_short" : "job_refused");
    return toast(`${what} ${remedy}`, "bad");
  }
  try {
    watch.feed.take([await api(`/jobs/${record.id}/retry`, { method: "POST" })]);
    toast(t("{file} runs again.", { file: record.file }));
    watch.wake();
  } catch (problem) {
    toast(problemText(problem), "bad");
  }
}
