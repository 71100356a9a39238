// All batches: searched, renamed, deleted; more of them as one asks for more.

import { askToDelete } from "../batch/delete.js";
import { api } from "../core/api.js";
import { byId, say, show, toast } from "../core/dom.js";
import { pageUrl } from "../core/place.js";
import { problemText } from "../core/problem_text.js";
import { mayWrite } from "../core/rights.js";
import { t, tn } from "../core/words.js";
import { askToRename } from "./rename_dialog.js";
import { drawRow } from "./row.js";

const TYPING_MS = 200;
const PAGE_BATCHES = 50;
/** Pages asked for in a row when a search has found nothing in them: then the reader is asked. */
const PAGES_IN_A_ROW = 4;

let cursor = null;
let search = new URLSearchParams(location.search).get("search") ?? "";
let wish = 0;
let typing = null;

byId("history-search").value = search;
byId("history-search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => lookFor(byId("history-search").value), TYPING_MS);
});
byId("history-form").addEventListener("submit", (event) => {
  event.preventDefault();
  lookFor(byId("history-search").value);
});
byId("history-more").addEventListener("click", () => more());
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select, dialog")) return;
  event.preventDefault();
  byId("history-search").focus();
});
lookFor(search);

function lookFor(text) {
  search = text.trim();
  cursor = null;
  wish += 1;
  history.replaceState(history.state, "", search ? `?search=${encodeURIComponent(search)}` : location.pathname);
  more(true);
}

async function more(isNew = false) {
  const mine = wish;
  let found = [];
  try {
    for (let pages = 0; pages < PAGES_IN_A_ROW && !found.length; pages += 1) {
      const page = await api(`/batches?${query()}`);
      if (mine !== wish) return;
      found = page.batches;
      cursor = page.next_cursor;
      if (!cursor) break;
    }
  } catch (problem) {
    if (mine === wish) showTrouble(problemText(problem));
    return;
  }
  showTrouble("");
  const list = byId("history-list");
  const rows = found.map((batch) => drawRow(batch, { onRename: renameRow, onDelete: deleteRow }));
  if (isNew) list.replaceChildren(...rows);
  else list.append(...rows);
  showState();
  if (!isNew) rows[0]?.querySelector("a").focus();
}

function query() {
  const wanted = new URLSearchParams({ limit: PAGE_BATCHES });
  if (search) wanted.set("search", search);
  if (cursor) wanted.set("cursor", cursor);
  return wanted;
}

function showTrouble(message) {
  show(byId("history-trouble"), Boolean(message));
  say(byId("history-trouble"), message);
}

function showState() {
  const count = byId("history-list").childElementCount;
  show(byId("history-list"), count > 0);
  show(byId("history-more"), Boolean(cursor));
  show(byId("history-empty"), count === 0);
  say(byId("history-empty").querySelector(".empty-title"), search ? t("Nothing found") : t("No batches yet"));
  say(byId("history-empty").querySelector(".note"), search
    ? t("No batch has these words in its name or question.")
    : t("Each time you ask, a batch is kept here with its answers."));
  show(byId("history-first"), !search && mayWrite);
  say(byId("history-count"), count ? tn("{count} batch", "{count} batches", count) + (cursor ? " +" : "") : "");
}

/** A batch's link in the list as it is now: it may have been drawn anew while a dialog was open. */
function linkOf(batch) {
  return byId("history-list").querySelector(`a[href="${pageUrl(`/batches/${batch.id}`)}"]`);
}

async function deleteRow(batch) {
  if (!(await askToDelete(batch))) return;
  const row = linkOf(batch)?.closest("li");
  const neighbour = row?.nextElementSibling ?? row?.previousElementSibling;
  row?.remove();
  showState();
  (neighbour?.querySelector("a") ?? byId("history-search")).focus();
  toast(t("Deleted."));
}

async function renameRow(batch) {
  const name = await askToRename(batch);
  const link = linkOf(batch);
  if (name === null || !link) return;
  batch.name = name;
  say(link, name || t("Batch without a name"));
}
