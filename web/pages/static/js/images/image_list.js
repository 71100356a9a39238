// The images of a job that was made of a list of files, in the large view: each with its name, its size and what to know of it.

import { make, say, sayOrHide, show } from "../core/dom.js";
import { foundOf, nameOf, topOf } from "./several.js";
import { showPicture } from "./thumbnails.js";

export class ImageList {
  #element;
  #onChoose;
  #record = null;

  /** `element` is a list, hidden for a job that is called as its image. `onChoose(place)` hears which is to be shown. */
  constructor(element, onChoose) {
    this.#element = element;
    this.#onChoose = onChoose;
  }

  draw(record) {
    const { images } = record;
    show(this.#element, images.length > 0);
    if (this.#record !== record) {
      this.#record = record;
      this.#element.replaceChildren(...images.map((_, place) => this.#item(place)));
    }
    if (!images.length) return;
    images.forEach((_, place) => drawItem(this.#element.children[place].firstChild, record, place));
    this.#bringIntoSight(this.#element.children[topOf(record).place]);
  }

  /** Scrolls the list and nothing around it. */
  #bringIntoSight({ offsetTop: top, offsetHeight: height }) {
    const list = this.#element;
    list.scrollTop = Math.min(top, Math.max(list.scrollTop, top + height - list.clientHeight));
  }

  #item(place) {
    const picture = make("span", { class: "row-picture" }, make("img", { alt: "", decoding: "async", loading: "lazy" }));
    const words = make("span", { class: "row-names" }, make("span", { class: "viewer-image-name text", dir: "auto" }), make("span", { class: "row-note" }));
    return make("li", {}, make("button", { type: "button", class: "viewer-image", on: { click: () => this.#onChoose(place) } }, picture, words));
  }
}

function drawItem(button, record, place) {
  const [picture, words] = button.children;
  const isShown = place === topOf(record).place;
  if (isShown) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
  say(words.firstChild, nameOf(record, place));
  sayOrHide(words.lastChild, foundOf(record, place));
  showPicture(picture, record, { place, page: null });
}
