// The page's one conductor: what is chosen goes to a batch, the batch is watched, its answers are shown.

import { cancelBatch, closeBatch, createBatch, retryBatch } from "./api.js";
import { byId, say } from "./dom.js";
import { fromDrop, fromInput, fromPaste } from "./files.js";
import { ModelPicker } from "./models.js";
import { patiently } from "./patience.js";
import { hideSending, showProgress, showSending, showTrouble } from "./progress.js";
import { Results } from "./results.js";
import { Selection } from "./selection.js";
import { upload } from "./upload.js";
import { Watch } from "./watch.js";
import { plural } from "./words.js";

const NONE_TO_RETRY = "Nothing to try again: these files were refused as they came. Send better ones.";
const BATCH_IN_ADDRESS = /^#batch=([0-9a-f]{32})$/;

const picker = new ModelPicker(showReadiness);
const selection = new Selection(showReadiness);
const results = new Results(showTrouble);
let watch = null;
/** Stops the upload under way; null when there is none. */
let sending = null;
let pasted = 1;

function showReadiness() {
  const count = selection.entries.length;
  byId("send").disabled = !count || Boolean(sending) || Boolean(picker.hindrance);
  say(byId("send-note"), sending ? "" : count ? picker.hindrance : "Choose images first.");
  byId("send").textContent = count ? `Ask about ${plural(count, "file")}` : "Ask";
}

// Choosing

function listenForFiles() {
  for (const input of [byId("files"), byId("folder")]) {
    input.addEventListener("change", () => {
      selection.add(fromInput(input));
      // Else choosing the same folder again would change nothing, and no event would come.
      input.value = "";
    });
  }
  document.addEventListener("paste", (event) => {
    const entries = fromPaste(event.clipboardData, pasted);
    pasted += entries.length;
    if (entries.length) selection.add(entries);
  });
  listenForDrops();
}

function listenForDrops() {
  const mark = (isDragging) => document.body.classList.toggle("is-dragging", isDragging);
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
  document.addEventListener("drop", async (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    mark(false);
    try {
      selection.add(await fromDrop(event.dataTransfer));
    } catch (error) {
      say(byId("form-error"), `The browser could not read what was dropped: ${error.message}`);
    }
  });
}

// Sending

async function send(event) {
  event.preventDefault();
  if (byId("send").disabled) return;
  sending = new AbortController();
  say(byId("form-error"), "");
  showReadiness();
  try {
    const { name, entries } = selection;
    const batch = await createBatch({ name, question: picker.question, model: picker.model.name });
    history.pushState(null, "", `#batch=${batch.id}`);
    open(batch.id);
    showAnswers();
    await sendEntries(batch.id, entries);
  } catch (error) {
    if (error.name !== "AbortError") say(byId("form-error"), error.message);
  } finally {
    // One request that cannot succeed ends the others, too.
    sending.abort();
    sending = null;
    hideSending();
    showReadiness();
    watch?.ask();
  }
}

async function sendEntries(batchId, entries) {
  const total = { files: entries.length, bytes: selection.bytes };
  showSending({ files: 0, bytes: 0 }, total);
  const onProgress = (sent) => showSending(sent, total);
  await upload(batchId, entries, { onProgress, signal: sending.signal });
  await patiently(() => closeBatch(batchId), sending.signal);
  selection.clear();
}

/** On a phone the answers are below the form: out of sight. */
function showAnswers() {
  const answers = byId("answers");
  if (answers.getBoundingClientRect().top > window.innerHeight / 2) answers.scrollIntoView();
}

// Watching

function open(batchId) {
  watch?.stop();
  results.reset();
  showTrouble(null);
  byId("welcome").hidden = true;
  watch = new Watch(batchId, {
    onTrouble: showTrouble,
    onBatch: async (batch) => {
      document.title = batch.is_done ? `✓ ${batch.name} – EVA-01` : `${batch.name} – EVA-01`;
      showProgress(batch, { isSending: Boolean(sending) });
      await results.update(batch);
    },
  });
}

function openFromAddress() {
  const found = BATCH_IN_ADDRESS.exec(location.hash);
  if (found && found[1] !== watch?.batchId) open(found[1]);
}

/** Do something to the batch, then look at it afresh. */
function onClick(id, act) {
  byId(id).addEventListener("click", async (event) => {
    const button = event.currentTarget;
    const { batchId } = watch;
    button.disabled = true;
    try {
      const { retried } = await act(batchId);
      open(batchId);
      if (retried === 0) showTrouble(new Error(NONE_TO_RETRY));
    } catch (error) {
      showTrouble(error);
    } finally {
      button.disabled = false;
    }
  });
}

document.documentElement.classList.add("js");
byId("files").multiple = true;
byId("files").required = false;
listenForFiles();
byId("ask").addEventListener("submit", send);
byId("question").addEventListener("input", showReadiness);
onClick("retry", retryBatch);
onClick("close", closeBatch);
onClick("cancel", (batchId) => {
  sending?.abort();
  return cancelBatch(batchId);
});
window.addEventListener("hashchange", openFromAddress);
window.addEventListener("popstate", openFromAddress);
window.addEventListener("beforeunload", (event) => sending && event.preventDefault());
showReadiness();
picker.watch();
openFromAddress();
