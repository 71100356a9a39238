// Images dropped anywhere, pasted, or chosen: all end up in `onChoice`.

import { byId, show } from "../core/dom.js";
import { fromDrop, fromInput, fromPaste } from "../upload/files.js";

let pastes = 1;

/**
 * Listen on the whole page. `onChoice` hears {entries, handles}, or a promise of them while folders are walked:
 * a list of {file, path}, and the handles that a drop gave, if any.
 */
export function listenForFiles(onChoice) {
  for (const id of ["files", "folder"]) {
    const input = byId(id);
    if (!input) continue;
    input.addEventListener("change", () => take(input, onChoice));
    // Somebody may have chosen before this script had come.
    take(input, onChoice);
  }
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    onChoice({ entries: fromPaste(event.clipboardData, pastes), handles: [] });
    pastes += event.clipboardData.files.length;
  });
  listenForDrops(onChoice);
}

function take(input, onChoice) {
  if (!input.files.length) return;
  onChoice({ entries: fromInput(input), handles: [] });
  // So that choosing the same again is a change again.
  input.value = "";
}

function listenForDrops(onChoice) {
  // Every child under the pointer fires dragenter and dragleave too, so they are counted.
  let depth = 0;
  const veil = () => show(byId("veil"), depth > 0);
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files") && byId("veil");
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    veil();
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    veil();
  });
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil();
    onChoice(fromDrop(event.dataTransfer));
  });
}
