// Deleting a batch: asked once, and said that the images go too.

import { api } from "../core/api.js";
import { byId, say, sayOrHide } from "../core/dom.js";
import { problemText } from "../core/problem_text.js";
import { t, tn } from "../core/words.js";

/** Ask, and delete; true when it is gone. */
export function askToDelete({ id, name, total }) {
  const dialog = byId("delete-dialog");
  const go = byId("delete-go");
  say(byId("delete-name").firstChild, name || t("Batch without a name"));
  say(byId("delete-count"), tn("It has {count} image, and its answer.", "It has {count} images, and their answers.", total));
  sayOrHide(byId("delete-trouble"), "");
  dialog.showModal();
  byId("delete-keep").focus();
  return new Promise((resolve) => {
    let isGone = false;
    byId("delete-keep").onclick = () => dialog.close();
    dialog.onclose = () => resolve(isGone);
    go.onclick = async () => {
      go.disabled = true;
      try {
        await api(`/batches/${id}`, { method: "DELETE" });
        isGone = true;
        dialog.close();
      } catch (problem) {
        sayOrHide(byId("delete-trouble"), problemText(problem));
      }
      go.disabled = false;
    };
  });
}
