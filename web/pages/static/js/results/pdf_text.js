// The text that a PDF holds, beside the answer: it is what the file says, and not what a model has read.

import { api } from "../core/api.js";
import { copyText } from "../core/copying.js";
import { byId, say, show } from "../core/dom.js";
import { number, t } from "../core/words.js";
import { topOf } from "../images/several.js";

const PDF = "application/pdf";

export class PdfText {
  #root = byId("viewer-pdf");
  /** What the text is of that is shown, or asked for. */
  #of = null;

  constructor() {
    byId("viewer-pdf-copy").addEventListener("click", () => copyText(byId("viewer-pdf-text").textContent));
  }

  /** Show that of an image of a job that has been read, if it is a PDF whose pages hold some. */
  async draw(record, job) {
    const { place } = topOf(record);
    const kind = job.images?.[place]?.media_type ?? job.media_type;
    const of = `${job.id}/${place}/${job.state}`;
    if (this.#of === of) return;
    this.#of = of;
    show(this.#root, false);
    if (kind !== PDF) return;
    const said = await api(`/jobs/${job.id}/text?number=${place + 1}`).catch(() => null);
    if (!said || this.#of !== of) return;
    say(byId("viewer-pdf-text"), textOf(said.pages));
    show(this.#root, said.pages.length > 0);
  }
}

function textOf(pages) {
  if (pages.length === 1) return pages[0].text;
  return pages.map(({ page, text }) => [t("Page {n}", { n: number(page) }), text].join("\n\n")).join("\n\n");
}
