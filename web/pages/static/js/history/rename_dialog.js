// Renaming a batch of the history, in a dialog.

import { rename } from "../batch/rename.js";
import { byId, say } from "../core/dom.js";
import { problemText } from "../core/problem_text.js";

/** Ask for another name, and save it; gives the name as it is then, or null when the dialog was left without one. */
export function askToRename({ id, name }) {
  const dialog = byId("rename-dialog");
  const input = byId("rename-input");
  input.value = name;
  say(byId("rename-trouble"), "");
  dialog.showModal();
  input.select();
  return new Promise((resolve) => {
    let saved = null;
    byId("rename-keep").onclick = () => dialog.close();
    dialog.onclose = () => resolve(saved);
    byId("rename-form").onsubmit = async (event) => {
      event.preventDefault();
      try {
        saved = (await rename(id, input.value.trim())).name;
        dialog.close();
      } catch (problem) {
        say(byId("rename-trouble"), problemText(problem));
      }
    };
  });
}
