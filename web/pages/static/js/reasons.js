// Why an image has no answer, in words: what happened, and what can be done about it.

import { t } from "./words.js";

let cache = null;

/**
 * {what, remedy} for an error: a sentence each. A code that is not known keeps the server's message, and no remedy.
 * Known ones are those of docs/api.md that a job can have.
 */
export function reasonOf(code, message) {
  const known = sentences()[code];
  return known ? { what: known[0], remedy: known[1] } : { what: message || t("It failed."), remedy: "" };
}

function sentences() {
  cache ??= {
    not_an_image: [t("This is no image that can be read."), t("Save it as JPEG, PNG, WebP or TIFF, and send it again.")],
    truncated_image: [t("The image is cut short or damaged."), t("Send the whole file again under the same name.")],
    empty_file: [t("The file is empty."), t("Send it again under the same name.")],
    image_too_large: [t("The file is larger than this server takes."), t("Send a smaller version of it.")],
    too_many_pixels: [t("The image has more pixels than this server takes."), t("Scale it down, and send it again.")],
    image_not_found: [t("The image is not there any more."), t("Send the file again under the same name.")],
    empty_answer: [t("The model said nothing."), t("Retry, or ask in other words.")],
    poison: [t("A worker crashed on this image, more than once."), t("Look at the image; save it anew before you retry.")],
    deadline_exceeded: [t("It took longer than an answer may take."), t("Retry with a shorter question or a smaller image.")],
    out_of_memory: [t("The device ran out of memory on this image."), t("Scale the image down, or retry on a larger device.")],
    too_many_tokens: [t("Image and question are too long for the model."), t("Ask in fewer words, or scale the image down.")],
    engine_failed: [t("The model failed on this image."), t("Retry. If it fails again, the worker's log says why.")],
    internal_error: [t("Something went wrong in the worker."), t("Retry. If it fails again, the worker's log says why.")],
    blob_store_unavailable: [t("The image could not be fetched from the store."), t("Retry: the store was away for a while.")],
    bad_zip: [t("The zip cannot be read."), t("Pack it again, and send it.")],
    bad_zip_entry: [t("This file in the zip cannot be unpacked."), t("Pack the zip again, and send it.")],
    empty_zip: [t("There is no file in the zip."), t("Pack it again, and send it.")],
    encrypted_entry: [t("This file in the zip is encrypted."), t("Pack the zip without a password.")],
    unsafe_path: [t("This entry's path points out of the zip, or is a link."), t("Pack the file itself.")],
    path_too_long: [t("The file's path is too long."), t("Give it a shorter name.")],
    too_many_entries: [t("The zip has too many files."), t("Send it in parts.")],
    zip_too_large: [t("The zip is too large once unpacked."), t("Send it in parts.")],
    too_many_files: [t("There were too many files in one request."), t("Send them in several.")],
    missing_question: [t("There is no question to ask."), t("Ask one.")],
    question_too_long: [t("The question is too long."), t("Ask in fewer words.")],
  };
  return cache;
}
