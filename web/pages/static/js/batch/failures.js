// What failed by its reasons, each in words with its remedy, and the button that retries them.

import { byId, make, say, show } from "../core/dom.js";
import { reasonOf } from "../core/reasons.js";
import { number, t, tn } from "../core/words.js";

/** Reasons of failed records, the most frequent first: {code, count, retryable, message} each. */
export function reasonsOf(records) {
  const reasons = new Map();
  for (const record of records) {
    if (record.state !== "failed") continue;
    const reason = reasons.get(record.errorCode) ?? { code: record.errorCode, count: 0, retryable: 0 };
    reason.message ??= record.errorMessage;
    reason.count += 1;
    // A file that was refused was never kept: there is nothing to run again. What was cut would be cut again: that it may
    // be longer is asked for by cut_short.js.
    reason.retryable += record.hasImage && record.cut === null ? 1 : 0;
    reasons.set(record.errorCode, reason);
  }
  return [...reasons.values()].sort((a, b) => b.count - a.count);
}

/** Draw them; `onShow(code)` hears for which reason the images are to be shown. */
export function showFailures(records, onShow) {
  const reasons = reasonsOf(records);
  const count = reasons.reduce((sum, reason) => sum + reason.count, 0);
  const retryable = reasons.reduce((sum, reason) => sum + reason.retryable, 0);
  show(byId("failures"), count > 0);
  say(byId("failures-title"), tn("{count} answer is missing", "{count} answers are missing", count));
  const button = byId("retry-all");
  if (button) {
    show(button, retryable > 0);
    say(button.querySelector("span"), retryable === count
      ? t("Retry all")
      : tn("Retry the {count} that can be", "Retry the {count} that can be", retryable));
  }
  draw(reasons, onShow);
}

function draw(reasons, onShow) {
  const list = byId("failures-list");
  const drawn = JSON.stringify(reasons);
  // Redrawn only when it differs, so that the focus is not lost.
  if (list.dataset.drawn === drawn) return;
  list.dataset.drawn = drawn;
  list.replaceChildren(...reasons.map((reason) => row(reason, onShow)));
}

function row({ code, count, message }, onShow) {
  const { what, remedy } = reasonOf(code, message);
  return make(
    "li",
    { class: "list-row failure" },
    make("span", { class: "failure-count", text: number(count) }),
    make("p", { class: "grow", title: code }, make("b", { text: what }), " ", remedy),
    make("button", {
      type: "button",
      class: "button button--small",
      text: t("Show"),
      "aria-label": t("Show the images: {reason}", { reason: what }),
      on: { click: () => onShow(code) },
    }),
  );
}
