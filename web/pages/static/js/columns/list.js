// The fields of one answer as a list, each with how sure it is.

import { make } from "../core/dom.js";
import { t } from "../core/words.js";
import { shownValue, valueOf } from "./columns.js";
import { drawSure, sureBar } from "./sure.js";

/** Draw a record's fields into a <dl>. */
export function drawFields(list, record, columns) {
  list.replaceChildren(...columns.map((column) => drawField(record, column)));
}

function drawField(record, column) {
  const shown = shownValue(valueOf(record, column), column);
  const sure = sureBar();
  const known = record.fieldConfidence ?? {};
  drawSure(sure, Object.hasOwn(known, column.field) ? known[column.field] : null);
  return make(
    "div",
    {},
    make("dt", { class: "text", dir: "auto", text: column.title, title: column.description || null }),
    make("dd", { class: "text", dir: "auto" }, shown ? make("span", { text: shown }) : make("span", { class: "note", text: t("not in the image") }), sure),
  );
}
