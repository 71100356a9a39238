// What files of several pages become, where some are chosen: a job a page or one for all, and how PDFs are drawn.

import { byId, show } from "../core/dom.js";
import { isPdf, isZip } from "../upload/limits.js";

const mayHavePages = (path) => /\.(pdf|tiff?)$/i.test(path) || isZip(path);

export class Paging {
  #root = byId("paging");
  #selection;

  /** `onChange` is called when something else is chosen. */
  constructor(selection, onChange) {
    this.#selection = selection;
    this.#root.addEventListener("change", onChange);
    this.draw();
  }

  /** What a batch is to be told; nothing while there is no choice, and of what is left as usual. */
  get wish() {
    if (this.#root.dataset.offered !== "yes") return {};
    const pages = this.#root.querySelector("input[name=pages]:checked")?.value;
    const dpi = byId("paging-dpi").hidden ? "" : byId("dpi").value.trim();
    // What is no number is for the server to refuse, in words.
    return { ...(pages && { pages }), ...(dpi && { dpi: Number(dpi) || dpi }) };
  }

  /** Show the choice where it makes a difference: after each change of the files. */
  draw() {
    this.#root.dataset.offered = this.#selection.some(mayHavePages) ? "yes" : "no";
    show(byId("paging-dpi"), this.#selection.some((path) => isPdf(path) || isZip(path)));
  }
}
