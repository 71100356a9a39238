// What the server refused, in the reader's language. Its own sentence is English and names values: English readers get
// that one, the others a translated one for the code, where there is one.

import { reasonOf } from "./reasons.js";
import { LOCALE, t } from "./words.js";

export function problemText({ code, status, message }) {
  if (status === 0) return t("The server cannot be reached. Trying again …");
  if (LOCALE.startsWith("en")) return message;
  return sentences()[code] ?? reasonOf(code, message).what;
}

const sentences = () => ({
  batch_closed: t("The batch takes no more files. Make a new one."),
  batch_not_found: t("There is no such batch any more."),
  unknown_model: t("There is no such model here."),
  queue_full: t("The queue is full. Try again when some images are done."),
  no_room: t("The server's disk is full. Make room there."),
  request_too_large: t("The request is larger than this server takes."),
  unavailable: t("The server cannot answer now. Try again in a moment."),
});
