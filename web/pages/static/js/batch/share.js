// Links to a batch for others: read only, and only for so many days. Those there are are listed, and can be revoked.

import { api } from "../core/api.js";
import { copyText } from "../core/copying.js";
import { byId, make, say, sayOrHide, show } from "../core/dom.js";
import { problemText } from "../core/problem_text.js";
import { dateTime, t } from "../core/words.js";

export function listenForShare(batchId) {
  const dialog = byId("share-dialog");
  const link = byId("share-link");
  const path = `/batches/${batchId}/shares`;
  byId("share").addEventListener("click", () => {
    show(byId("share-made"), false);
    byId("share-note").value = "";
    dialog.showModal();
    byId("share-days").select();
    acting(() => drawShares(path));
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  byId("share-copy").addEventListener("click", () => copyText(link.value));
  link.addEventListener("focus", () => link.select());
  byId("share-form").addEventListener("submit", (event) => {
    event.preventDefault();
    acting(async () => {
      const asked = { days: byId("share-days").valueAsNumber, note: byId("share-note").value };
      const { url, expires_at: end } = await api(`/batches/${batchId}/share`, { json: asked });
      link.value = new URL(url, location.href).href;
      say(byId("share-until"), t("It works until {time}.", { time: dateTime(end) }));
      show(byId("share-made"), true);
      link.focus();
      await drawShares(path);
    });
  });
  byId("shares-revoke").addEventListener("click", () => revoke(path, path));
}

/** Do something; what goes wrong is said in the dialog. */
async function acting(act) {
  sayOrHide(byId("share-trouble"), "");
  try {
    await act();
  } catch (problem) {
    sayOrHide(byId("share-trouble"), problemText(problem));
  }
}

/** Revoke a link, or all, and list what there is then. */
function revoke(address, path) {
  return acting(async () => {
    await api(address, { method: "DELETE" });
    await drawShares(path);
    byId("shares-title").focus();
  });
}

async function drawShares(path) {
  const { shares } = await api(path);
  byId("shares-list").replaceChildren(...shares.map((share) => drawShare(share, path)));
  show(byId("shares"), shares.length > 0);
  show(byId("shares-revoke"), shares.some(works));
}

const works = ({ state }) => state === "works";

function drawShare(share, path) {
  const name = share.note || t("Link of {time}", { time: dateTime(share.made_at) });
  const words = make(
    "div",
    { class: "grow" },
    make("p", { class: "text", dir: "auto", text: name }),
    make("p", { class: "note", text: `${stateWords(share)} ${useWords(share)}` }),
  );
  const button = make("button", {
    type: "button",
    class: "button button--small button--danger",
    text: t("Revoke"),
    "aria-label": `${t("Revoke")}: ${name}`,
    on: { click: () => revoke(`${path}/${share.id}`, path) },
  });
  return make("li", { class: "list-row", data: { state: share.state } }, words, works(share) ? button : null);
}

function stateWords({ state, expires_at: end, revoked_at: revoked }) {
  if (state === "revoked") return t("Revoked at {time}.", { time: dateTime(revoked) });
  if (state === "ended") return t("It has ended at {time}.", { time: dateTime(end) });
  return t("It works until {time}.", { time: dateTime(end) });
}

const useWords = ({ last_used_at: used }) => (used ? t("Last used around {time}.", { time: dateTime(used) }) : t("Not used yet."));
