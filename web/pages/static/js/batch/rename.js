// A batch's name, changed where it stands.

import { api } from "../core/api.js";
import { byId, say, show, toast } from "../core/dom.js";
import { problemText } from "../core/problem_text.js";
import { t } from "../core/words.js";

/** Ask the server for another name; gives the batch as it is then. Throws Problem. */
export const rename = (batchId, name) => api(`/batches/${batchId}`, { method: "PATCH", json: { name } });

/** Let the heading of a batch's page be edited; `onNamed` hears the batch. */
export function listenForRename(batchId, onNamed) {
  const form = byId("rename-form");
  const input = byId("rename-input");
  const isEdited = (is) => {
    show(form, is);
    show(byId("rename"), !is);
    // A page keeps its heading, also while it is edited.
    byId("batch-name").classList.toggle("visually-hidden", is);
    (is ? input : byId("rename")).focus();
  };
  byId("rename").addEventListener("click", () => {
    input.value = byId("batch-name").textContent;
    isEdited(true);
    input.select();
  });
  byId("rename-cancel").addEventListener("click", () => isEdited(false));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") isEdited(false);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const batch = await rename(batchId, input.value.trim());
      showName(batch);
      isEdited(false);
      onNamed(batch);
    } catch (problem) {
      toast(problemText(problem), "bad");
    }
  });
}

export function showName({ name }) {
  say(byId("batch-name"), name || t("Batch without a name"));
}
