// Copying to the clipboard; where the browser forbids that (a page without TLS), through a selection.

import { make, toast } from "./dom.js";
import { t } from "./words.js";

/** Copy `text` and say so. */
export async function copyText(text) {
  const isCopied = await write(text);
  toast(isCopied ? t("Copied.") : t("The browser does not allow copying."), isCopied ? "good" : "bad");
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeBySelection(text);
  }
}

function writeBySelection(text) {
  const box = make("textarea", { class: "visually-hidden", "aria-hidden": "true", tabindex: "-1" });
  // A modal dialog makes all outside of it inert.
  const place = document.querySelector("dialog[open]") ?? document.body;
  const before = document.activeElement;
  box.value = text;
  place.append(box);
  box.select();
  const isCopied = document.execCommand("copy");
  box.remove();
  before?.focus();
  return isCopied;
}
