// All batches: searched, renamed, deleted; more of them as one asks for more.

import { api } from "./api.js";
import { askToDelete } from "./delete.js";
import { byId, icon, make, say, show, toast } from "./dom.js";
import { problemText } from "./problem_text.js";
import { stageOf } from "./progress.js";
import { rename } from "./rename.js";
import { ago, dateTime, number, percent, t, tn } from "./words.js";

const TYPING_MS = 200;
const PAGE_BATCHES = 50;
/** Pages asked for in a row when a search has found nothing in them: then the reader is asked. */
const PAGES_IN_A_ROW = 4;
const PARTS = ["succeeded", "failed", "cancelled", "running"];

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
  const rows = found.map(drawRow);
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
  show(byId("history-first"), !search);
  say(byId("history-count"), count ? tn("{count} batch", "{count} batches", count) + (cursor ? " +" : "") : "");
}

function drawRow(batch) {
  const link = make("a", { class: "history-name text", dir: "auto", href: `/batches/${batch.id}` });
  link.textContent = batch.name || t("Batch without a name");
  const row = make(
    "li",
    { class: "list-row history-row" },
    make(
      "div",
      { class: "history-what" },
      link,
      make("p", { class: "history-question note text clip", dir: "auto", text: batch.question, title: batch.question }),
    ),
    make(
      "p",
      { class: "history-when" },
      make("span", { class: "serial", text: batch.model }),
      make("time", { class: "note", datetime: batch.created_at, title: dateTime(batch.created_at), text: ago(batch.created_at) }),
    ),
    drawProgress(batch),
    drawActs(batch),
  );
  return row;
}

function drawProgress(batch) {
  const { counts, total } = batch;
  const bar = make("div", { class: "bar", "aria-hidden": "true" });
  for (const state of PARTS) {
    const part = make("div", { class: `bar-part bar-part--${state}` });
    part.style.width = `${total ? (100 * counts[state]) / total : 0}%`;
    bar.append(part);
  }
  const words = make("p", { class: "history-counts" }, make("b", { text: total ? percent(counts.succeeded / total) : "–" }));
  words.append(` ${t("{answered} of {total}", { answered: number(counts.succeeded), total: number(total) })}`);
  if (counts.failed) words.append(make("span", { class: "chip chip--failed", text: tn("{count} failed", "{count} failed", counts.failed) }));
  const isUnderWay = ["running", "waiting"].includes(stageOf(batch));
  if (isUnderWay) words.append(make("span", { class: "lamp lamp--busy note", text: t("Under way") }));
  return make("div", { class: "history-progress" }, bar, words);
}

function drawActs(batch) {
  const act = (name, glyph, label, onClick) =>
    make(
      "button",
      { type: "button", class: `button button--quiet button--icon button--small ${name}`, "aria-label": `${label}: ${batch.name}`, title: label, on: { click: onClick } },
      icon(glyph),
    );
  return make(
    "div",
    { class: "history-acts" },
    act("", "edit", t("Rename"), () => askToRename(batch)),
    act("history-delete", "trash", t("Delete"), () => deleteRow(batch)),
  );
}

/** A batch's link in the list as it is now: it may have been drawn anew while a dialog was open. */
function linkOf(batch) {
  return byId("history-list").querySelector(`a[href="/batches/${batch.id}"]`);
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

function askToRename(batch) {
  const dialog = byId("rename-dialog");
  const input = byId("rename-input");
  input.value = batch.name;
  say(byId("rename-trouble"), "");
  dialog.showModal();
  input.select();
  byId("rename-keep").onclick = () => dialog.close();
  byId("rename-form").onsubmit = async (event) => {
    event.preventDefault();
    try {
      const { name } = await rename(batch.id, input.value.trim());
      batch.name = name;
      const link = linkOf(batch);
      if (link) say(link, name || t("Batch without a name"));
      dialog.close();
    } catch (problem) {
      say(byId("rename-trouble"), problemText(problem));
    }
  };
}
