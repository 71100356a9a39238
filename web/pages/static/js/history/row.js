// A batch as a row of the history: its name and question, when it was asked, how far it is, and what can be done to it.

import { stageOf } from "../batch/progress.js";
import { icon, make } from "../core/dom.js";
import { pageUrl } from "../core/place.js";
import { mayWrite } from "../core/rights.js";
import { ago, dateTime, number, percent, t, tn } from "../core/words.js";

const PARTS = ["succeeded", "failed", "cancelled", "running"];

/** The row of `batch`; `onRename(batch)` and `onDelete(batch)` are called by its buttons. */
export function drawRow(batch, { onRename, onDelete }) {
  const link = make("a", { class: "history-name text", dir: "auto", href: pageUrl(`/batches/${batch.id}`) });
  link.textContent = batch.name || t("Batch without a name");
  return make(
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
    mayWrite ? drawActs(batch, { onRename, onDelete }) : null,
  );
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
  const answered = t("{answered} of {total}", { answered: number(counts.succeeded), total: number(total) });
  words.append(` ${answered}`);
  if (counts.failed) words.append(make("span", { class: "chip chip--failed", text: tn("{count} failed", "{count} failed", counts.failed) }));
  const isUnderWay = ["running", "waiting"].includes(stageOf(batch));
  if (isUnderWay) words.append(make("span", { class: "lamp lamp--busy note", text: t("Under way") }));
  return make("div", { class: "history-progress" }, bar, words);
}

function drawActs(batch, { onRename, onDelete }) {
  const act = (name, glyph, label, onClick) =>
    make(
      "button",
      { type: "button", class: `button button--quiet button--icon button--small ${name}`, "aria-label": `${label}: ${batch.name}`, title: label, on: { click: onClick } },
      icon(glyph),
    );
  return make(
    "div",
    { class: "history-acts" },
    act("", "edit", t("Rename"), () => onRename(batch)),
    act("history-delete", "trash", t("Delete"), () => onDelete(batch)),
  );
}
