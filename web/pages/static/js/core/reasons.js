// Why something was refused or failed, in words: what happened, and what can be done about it. The sentences are those of
// jobs/contract/codes.py; the server writes them into each page, in its language.

import { byId } from "./dom.js";
import { t } from "./words.js";

let cache = null;

/** {what, remedy} for a code: a sentence each. A code that is not known keeps the server's message, and no remedy. */
export function reasonOf(code, message) {
  cache ??= JSON.parse(byId("reasons").textContent);
  return Object.hasOwn(cache, code) ? cache[code] : { what: message || t("It failed."), remedy: "" };
}
