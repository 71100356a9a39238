// The latest batches on the submit page.

import { byId, make, show } from "../core/dom.js";
import { pageUrl } from "../core/place.js";
import { poll } from "../core/polling.js";
import { ago, number, percent, t } from "../core/words.js";

const LOOK_S = 5;
const SHOWN = 5;

export function showRecentBatches() {
  poll(`/batches?limit=${SHOWN}`, {
    everyS: LOOK_S,
    onBody: ({ batches }) => {
      show(byId("recent-batches"), batches.length > 0);
      byId("recent-batches-list").replaceChildren(...batches.slice(0, SHOWN).map(row));
    },
  });
}

function row(batch) {
  const { kind, words } = standing(batch);
  return make("li", { class: "list-row" }, make("a", { class: "batch-link", href: pageUrl(`/batches/${batch.id}`) },
    make("span", { class: "batch-link-name text clip", text: batch.name || batch.id }),
    make("span", { class: "note text clip", text: [batch.question, batch.model, ago(batch.created_at)].filter(Boolean).join(" · ") }),
    make("span", { class: `chip chip--${kind}`, text: words })));
}

function standing({ counts, total, is_done: isDone, state }) {
  const failed = counts.failed ?? 0;
  if (state === "cancelled") return { kind: "cancelled", words: t("Cancelled") };
  if (!isDone) return { kind: "running", words: total ? percent((counts.succeeded ?? 0) / total) : t("Waiting for images") };
  if (failed) return { kind: "failed", words: t("{n} failed", { n: number(failed) }) };
  return { kind: "succeeded", words: t("{n} answered", { n: number(counts.succeeded ?? 0) }) };
}
