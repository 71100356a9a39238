// The files chosen so far: what will be sent, and what is left out and why.

import { byId, make, say } from "./dom.js";
import { plural, size } from "./words.js";

const IMAGE_NAME = /\.(png|jpe?g|jfif|webp|gif|bmp|tiff?|avif|heic|heif)$/i;
const PREVIEWS = 6;
/** Bytes above which a preview would cost more than it shows. */
const PREVIEW_BYTES = 8e6;
/** Skipped files that are named one by one. */
const NAMED_SKIPS = 200;

export const isZip = ({ path }) => /\.zip$/i.test(path);

/** Why a file is not sent, or null when it is. */
function reasonToSkip({ file, path }) {
  const name = path.split("/").pop();
  if (name.startsWith(".") || path.startsWith("__MACOSX/")) return "hidden";
  if (/\.svgz?$/i.test(name)) return "a vector drawing";
  const looksRight = file.type.startsWith("image/") || IMAGE_NAME.test(name) || isZip({ path });
  if (!looksRight) return "not an image";
  return file.size === 0 ? "empty" : null;
}

export class Selection {
  #entries = new Map();
  #skipped = [];
  #previews = [];

  constructor(onChange) {
    this.onChange = onChange;
    byId("clear").addEventListener("click", () => this.clear());
  }

  get entries() {
    return [...this.#entries.values()];
  }

  get bytes() {
    return this.entries.reduce((sum, { file }) => sum + file.size, 0);
  }

  /** What a batch of these is called: their common folder, the one file, or how many they are. */
  get name() {
    const paths = [...this.#entries.keys()];
    if (paths.length === 1) return paths[0];
    const folder = paths[0].split("/")[0];
    const isShared = paths.every((path) => path.startsWith(`${folder}/`));
    return isShared ? folder : plural(paths.length, "file");
  }

  add(entries) {
    for (const entry of entries) {
      const reason = reasonToSkip(entry);
      if (reason) this.#skipped.push({ path: entry.path, reason });
      else this.#keep(entry);
    }
    this.#show();
  }

  clear() {
    this.#entries.clear();
    this.#skipped = [];
    this.#show();
  }

  #keep({ file, path }) {
    let name = path;
    for (let copy = 2; this.#entries.has(name); copy += 1) {
      const known = this.#entries.get(name).file;
      if (known.size === file.size && known.lastModified === file.lastModified) return;
      // Two different files of one name: the batch would take the second for the first sent again.
      name = path.replace(/(\.[^./]*)?$/, ` (${copy})$1`);
    }
    this.#entries.set(name, { file, path: name });
  }

  #show() {
    const entries = this.entries;
    const zips = entries.filter(isZip).length;
    const parts = [];
    if (entries.length > zips || !zips) parts.push(plural(entries.length - zips, "image"));
    if (zips) parts.push(plural(zips, "zip archive"));
    byId("chosen").hidden = !entries.length && !this.#skipped.length;
    byId("chosen-count").textContent = `${parts.join(" and ")}, ${size(this.bytes)}`;
    this.#showPreviews(entries);
    this.#showSkipped();
    this.onChange(this);
  }

  #showPreviews(entries) {
    this.#previews.forEach((url) => URL.revokeObjectURL(url));
    const shown = entries.filter((entry) => !isZip(entry) && entry.file.size < PREVIEW_BYTES);
    this.#previews = shown.slice(0, PREVIEWS).map(({ file }) => URL.createObjectURL(file));
    const images = this.#previews.map((src) => {
      const image = make("img", { attrs: { src, alt: "" } });
      image.addEventListener("error", () => image.remove());
      return image;
    });
    byId("chosen-preview").replaceChildren(...images);
  }

  #showSkipped() {
    const count = this.#skipped.length;
    byId("skipped").hidden = !count;
    say(byId("skipped-count"), count ? `${plural(count, "file")} left out` : "");
    const named = this.#skipped.slice(0, NAMED_SKIPS);
    const lines = named.map(({ path, reason }) => make("li", { text: `${path}: ${reason}` }));
    if (count > named.length) lines.push(make("li", { text: `and ${count - named.length} more` }));
    byId("skipped-list").replaceChildren(...lines);
  }
}
