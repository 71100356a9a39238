// What the server refused, in the reader's language. Its own sentence is English and names values: English readers get
// that one, the others the sentences of its code.

import { reasonOf } from "./reasons.js";
import { LOCALE, t } from "./words.js";

export function problemText({ code, status, message }) {
  if (status === 0) return t("The server cannot be reached. Trying again …");
  if (LOCALE.startsWith("en")) return message;
  const { what, remedy } = reasonOf(code, message);
  return remedy ? `${what} ${remedy}` : what;
}
