// What to know of the image that an answer is about.

import { t } from "../core/words.js";

/** A job's notes as sentences; empty for none. */
export function noteWords(notes) {
  const words = {
    first_frame: t("Only the first frame of this animation was looked at."),
    first_page: t("Only the first page of this file was looked at."),
    image_incomplete: t("The end of this file is missing: what is there of the image was looked at."),
  };
  return (notes ?? []).map((note) => words[note] ?? note).join(" ");
}
