// The files chosen so far: what will be sent, and what is refused and why. Nothing here touches the page.

import { t, tn } from "../core/words.js";
import { Names } from "../upload/files.js";
import { isPdf, isZip, refusal } from "../upload/limits.js";
import { parcelsOf } from "../upload/parcels.js";

export class Selection {
  #entries = new Map();
  #twins = [];
  #names = new Names();
  #refused = [];
  #bytes = 0;
  #zips = 0;
  #pdfs = 0;
  /** What was asked of this selection already, by the way in which files are grouped. */
  #parcels = new Map();

  /** `onChange` is called after each change; `limits` may be replaced when the server has said them. */
  constructor(limits, onChange) {
    this.limits = limits;
    this.onChange = onChange;
  }

  /** All that is to be sent in parcels, one for each job, as js/upload/parcels.js makes them; `way` says which files are one job. */
  parcels(way) {
    if (!this.#parcels.has(way)) this.#parcels.set(way, parcelsOf([...this.#entries.values(), ...this.#twins], way));
    return this.#parcels.get(way);
  }

  /** {path, reason} of each file that will not be sent. */
  get refused() {
    return this.#refused;
  }

  get count() {
    return this.#entries.size;
  }

  get zips() {
    return this.#zips;
  }

  get pdfs() {
    return this.#pdfs;
  }

  get bytes() {
    return this.#bytes;
  }

  /** What a batch of these is called: their common folder, the one file, or how many they are. */
  get name() {
    const paths = [...this.#entries.keys()];
    if (paths.length === 1) return paths[0];
    const folder = paths[0]?.split("/")[0];
    const isShared = paths.every((path) => path.startsWith(`${folder}/`));
    return isShared ? folder : countedFiles(paths.length, this.#pdfs);
  }

  /** True when a file's path passes a test. */
  some(test) {
    return [...this.#entries.keys()].some(test);
  }

  /** Up to `count` files that are cheap to show: of a PDF nothing is. */
  samples(count, mostBytes) {
    const found = [];
    for (const entry of this.#entries.values()) {
      if (isPdf(entry.path) || (!isZip(entry.path) && entry.size <= mostBytes)) found.push(entry);
      if (found.length === count) break;
    }
    return found;
  }

  /** Entries as js/upload/files.js measures them. */
  add(entries) {
    for (const entry of entries) {
      const reason = refusal(entry, this.limits);
      if (reason) this.#refused.push({ path: entry.path, reason });
      else this.#keep(entry);
    }
    this.#parcels.clear();
    this.onChange();
  }

  clear() {
    this.#entries.clear();
    this.#twins = [];
    this.#names = new Names();
    this.#refused = [];
    this.#bytes = 0;
    this.#zips = 0;
    this.#pdfs = 0;
    this.#parcels.clear();
    this.onChange();
  }

  #keep(chosen) {
    const entry = this.#names.name(chosen);
    if (entry.isTwin) {
      this.#twins.push(entry);
      return;
    }
    this.#entries.set(entry.path, entry);
    this.#bytes += entry.size;
    if (isZip(entry.path)) this.#zips += 1;
    if (isPdf(entry.path)) this.#pdfs += 1;
  }
}

/** `120 images`; where some are PDFs `120 files`, because nobody has counted their pages yet. */
const countedFiles = (count, pdfs) => (pdfs ? tn("{count} file", "{count} files", count) : tn("{count} image", "{count} images", count));

/** `120 images`, `2 zips`, `120 images and 2 zips`. */
export function counted(selection) {
  const images = selection.count - selection.zips;
  const said = countedFiles(images, selection.pdfs);
  if (!selection.zips) return said;
  const zips = tn("{count} zip", "{count} zips", selection.zips);
  return images ? t("{images} and {zips}", { images: said, zips }) : zips;
}
