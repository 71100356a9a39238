// What to know of the image that an answer is about, in words.

import { t } from "../core/words.js";

/** {short, whole} for a note of the server: beside an answer in a list, and where there is room. */
function wordsOf(note) {
  switch (note) {
    case "first_frame":
      return { short: t("first frame only"), whole: t("An animation, or several pictures in one: only the first was looked at.") };
    case "first_page":
      return { short: t("first page only"), whole: t("A file of several pages: only the first was looked at.") };
    case "image_incomplete":
      return { short: t("image incomplete"), whole: t("The end of the file is missing: what is there of the image was looked at.") };
    case "image_damaged":
      return { short: t("image damaged"), whole: t("Some of the file is damaged, and may show what was never there: the rest was looked at as it is.") };
    default:
      return { short: note, whole: note };
  }
}

/** A record's notes, a few words each; empty when there are none. */
export const shortNotes = ({ notes }) => notes.map((note) => wordsOf(note).short).join(" · ");

/** A record's notes, a sentence each; empty when there are none. */
export const wholeNotes = ({ notes }) => notes.map((note) => wordsOf(note).whole).join(" ");
