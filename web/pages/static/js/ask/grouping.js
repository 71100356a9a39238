// Which of the chosen files are one job: the choice, what it makes of them, and what hinders it.

import { byId, make, say, show } from "../core/dom.js";
import { bytes, number, t, tn } from "../core/words.js";
import { nameBelow, WAYS } from "../upload/groups.js";
import { excessOf, isPacked, mostBytes, mostImages } from "../upload/parcels.js";
import { counted } from "./selection.js";

const NAMED_JOBS = 50;

export class Grouping {
  #root = byId("grouping");
  #selection;

  /** `onChange` is called when another way is chosen. */
  constructor(selection, onChange) {
    this.#selection = selection;
    this.#root.addEventListener("change", () => {
      this.draw();
      onChange();
    });
    this.draw();
  }

  /** The way that is chosen, one of WAYS; that of each by itself while there is no choice. */
  get way() {
    return this.#root.dataset.offered === "yes" ? (this.#root.querySelector("input:checked")?.value ?? "") : "";
  }

  /** What is to be sent: a parcel for each job. */
  get parcels() {
    return this.#selection.parcels(this.way);
  }

  /** How many jobs it makes, without those of zips. */
  get jobs() {
    return this.parcels.filter((parcel) => !parcel.isTwin && !isPacked(parcel)).length;
  }

  /** How it stands, for the check before the launch; null where each file is a job. */
  get check() {
    if (!this.way) return null;
    const tooLarge = this.parcels.find((parcel) => excessOf(parcel, this.#selection.limits));
    if (tooLarge) return { kind: "open", words: this.#excessWords(tooLarge), focus: this.#root.querySelector("input:checked").id };
    return { kind: "good", words: this.#words };
  }

  /** How many images and jobs it makes, in words. */
  get counted() {
    return t("{images}, {jobs}", { images: counted(this.#selection), jobs: tn("{count} job", "{count} jobs", this.jobs) });
  }

  /** Show the choice where it makes a difference, and what it makes of the files: after each change of them. */
  draw() {
    const selection = this.#selection;
    const hasChoice = selection.zips > 0 || WAYS.some((way) => selection.parcels(way).some(isAboutSeveral));
    // Where no script runs it is always there.
    this.#root.dataset.offered = hasChoice ? "yes" : "no";
    if (!hasChoice) return;
    say(byId("grouping-note"), this.#words);
    const jobs = this.parcels.filter(isAboutSeveral);
    show(byId("grouping-jobs"), jobs.length > 0);
    byId("grouping-list").replaceChildren(...jobs.slice(0, NAMED_JOBS).map((job) => this.#line(job)), ...restOf(jobs.length));
  }

  get #words() {
    if (!this.#selection.zips || !this.way) return this.counted;
    return t("{counted}; what is in the zips comes on top, grouped in the same way", { counted: this.counted });
  }

  #line(job) {
    const names = job.entries.map(({ path }) => nameBelow(path, job.name)).join(", ");
    const isTooLarge = excessOf(job, this.#selection.limits) !== null;
    return make("li", { class: isTooLarge ? "is-refused" : null },
      make("strong", { class: "text", dir: "auto", text: job.name }),
      make("span", { class: "note text", dir: "auto", text: `${tn("{count} image", "{count} images", job.entries.length)}: ${names}` }));
  }

  #excessWords({ name, entries, size }) {
    const { limits } = this.#selection;
    if (entries.length > mostImages(limits)) {
      return t("{job} has {n} images; one job may have {most}", { job: name, n: number(entries.length), most: number(mostImages(limits)) });
    }
    return t("{job} has {size}; one job may have {most}", { job: name, size: bytes(size), most: bytes(mostBytes(limits)) });
  }
}

const isAboutSeveral = ({ entries }) => entries.length > 1;

function restOf(count) {
  const rest = count - NAMED_JOBS;
  return rest > 0 ? [make("li", { class: "note", text: t("and {n} more", { n: number(rest) }) })] : [];
}
