// A link to a batch for others: read only, and only for so many days.

import { api } from "../core/api.js";
import { copyText } from "../core/copying.js";
import { byId, say, sayOrHide, show } from "../core/dom.js";
import { problemText } from "../core/problem_text.js";
import { dateTime, t } from "../core/words.js";

export function listenForShare(batchId) {
  const dialog = byId("share-dialog");
  const link = byId("share-link");
  byId("share").addEventListener("click", () => {
    show(byId("share-made"), false);
    sayOrHide(byId("share-trouble"), "");
    allowLongest();
    dialog.showModal();
    byId("share-days").select();
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  byId("share-copy").addEventListener("click", () => copyText(link.value));
  link.addEventListener("focus", () => link.select());
  byId("share-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const { url, expires_at: end } = await api(`/batches/${batchId}/share`, { json: { days: byId("share-days").valueAsNumber } });
      link.value = new URL(url, location.href).href;
      say(byId("share-until"), t("It works until {time}.", { time: dateTime(end) }));
      show(byId("share-made"), true);
      sayOrHide(byId("share-trouble"), "");
      link.focus();
    } catch (problem) {
      sayOrHide(byId("share-trouble"), problemText(problem));
    }
  });
}

/** The longest that this server allows. */
async function allowLongest() {
  const { max_share_days: longest } = await api("/limits").catch(() => ({}));
  if (longest) byId("share-days").max = longest;
}
