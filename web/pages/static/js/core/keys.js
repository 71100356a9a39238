// Keys that act on the whole page, and the list that explains them. They can be switched off, for those who
// speak to their computer.

import { byId } from "./dom.js";

const SETTING = "single-keys";

/** True when single keys act. */
export const keysAct = () => localStorage.getItem(SETTING) !== "off";

/** Listen for keys: `acts` is {key: function}; `?` shows the list. */
export function listenForKeys(acts) {
  const dialog = byId("keys");
  const isOn = byId("keys-on");
  isOn.checked = keysAct();
  isOn.addEventListener("change", () => localStorage.setItem(SETTING, isOn.checked ? "on" : "off"));
  byId("show-keys").addEventListener("click", () => dialog.showModal());
  const all = { ...acts, "?": () => dialog.showModal() };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !keysAct()) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (document.querySelector("dialog[open]") || !all[event.key]) return;
    event.preventDefault();
    all[event.key]();
  });
}
