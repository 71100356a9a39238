// Above the results a card for each column: what stands in it, counted, and a filter by it.

import { byId, make, say, show } from "../core/dom.js";
import { number, t, tn } from "../core/words.js";
import { isoOf, isRange, shownSize } from "./columns.js";
import { endFrom } from "./filter.js";
import { histogram } from "./histogram.js";
import { summarize } from "./summary.js";

const EVERY_MS = 700;
const TYPING_MS = 250;
const SHOWN_VALUES = 40;
const OPEN_KEY = "results-columns";
/** On a telephone they would push the results out of sight. */
const PHONE_PX = 640;

export class ColumnCards {
  #columns;
  #records;
  #onFilter;
  #cards = [];
  #filters = new Map();
  #isCounting = false;
  #isDue = false;

  /**
   * @param columns As in columns.js. `records()` gives all records.
   * @param onFilter Hears a Map of the filters after each change.
   */
  constructor(columns, records, onFilter) {
    this.#columns = columns;
    this.#records = records;
    this.#onFilter = onFilter;
    if (!columns.length) return;
    const root = byId("columns");
    root.open = localStorage.getItem(OPEN_KEY) !== "closed" && innerWidth >= PHONE_PX;
    root.addEventListener("toggle", () => {
      if (innerWidth >= PHONE_PX) localStorage.setItem(OPEN_KEY, root.open ? "open" : "closed");
      this.update();
    });
    this.#cards = columns.map((column, place) => makeCard(column, place, (filter) => this.#filter(place, filter)));
    byId("column-cards").replaceChildren(...this.#cards.map(({ element }) => element));
  }

  /** Records have come or changed: count again, soon. */
  update() {
    this.#isDue = true;
    if (this.#isCounting || !this.#cards.length || !byId("columns").open) return;
    this.#isCounting = true;
    setTimeout(() => this.#count(), EVERY_MS);
  }

  /** Forget all filters. */
  clear() {
    this.#filters = new Map();
    for (const card of this.#cards) card.clear();
  }

  /** Column by column, so that the page draws and listens in between. */
  async #count() {
    this.#isDue = false;
    const answered = [...this.#records()].filter(({ state }) => state === "succeeded");
    for (const [place, card] of this.#cards.entries()) {
      card.draw(summarize(answered, this.#columns[place]));
      await new Promise((resolve) => setTimeout(resolve));
    }
    this.#isCounting = false;
    if (this.#isDue) this.update();
  }

  #filter(place, filter) {
    this.#filters = new Map(this.#filters);
    if (filter) this.#filters.set(place, filter);
    else this.#filters.delete(place);
    this.#onFilter(this.#filters);
  }
}

/** {element, draw(summary), clear()} of a column; `onFilter` hears its filter, or null. */
function makeCard(column, place, onFilter) {
  const filled = make("p", { class: "note column-filled" });
  const body = isRange(column) ? makeRange(column, place, onFilter) : makeValues(column, onFilter);
  const title = make("h3", { class: "column-title text", dir: "auto", id: `column-${place}`, text: column.title, title: column.description || null });
  const element = make("section", { class: "column-card", "aria-labelledby": title.id }, title, filled, ...body.elements);
  const draw = (summary) => {
    const said = tn("{count} answer has it", "{count} answers have it", summary.filled);
    say(filled, summary.missing ? t("{have}, {n} not", { have: said, n: number(summary.missing) }) : said);
    body.draw(summary);
  };
  return { element, draw, clear: body.clear };
}

function makeRange(column, place, onFilter) {
  const plot = make("div", { class: "column-plot" });
  const type = column.type === "date" ? "date" : "number";
  let timer = null;
  const box = (name, label) =>
    make("input", { id: `column-${place}-${name}`, class: "input", type, step: "any", "aria-label": label, on: { input: () => typed() } });
  const from = box("from", t("{column}: at least", { column: column.title }));
  const to = box("to", t("{column}: at most", { column: column.title }));
  const typed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const filter = { from: endFrom(from.value, column), to: endFrom(to.value, column) };
      onFilter(filter.from === null && filter.to === null ? null : filter);
    }, TYPING_MS);
  };
  const draw = (summary) => {
    plot.replaceChildren(...(summary.bins.length ? [histogram(summary, column)] : []));
    if (summary.least === null) return;
    const shown = (size) => (column.type === "date" ? isoOf(size) : shownSize(size, column));
    from.placeholder = shown(summary.least);
    to.placeholder = shown(summary.most);
  };
  const ends = make("div", { class: "row column-ends" }, from, make("span", { "aria-hidden": "true", text: "–" }), to);
  const clear = () => {
    clearTimeout(timer);
    from.value = to.value = "";
  };
  return { elements: [plot, ends], draw, clear };
}

function makeValues(column, onFilter) {
  const list = make("ul", { class: "column-values" });
  const more = make("p", { class: "note", hidden: true });
  let keys = new Set();
  let summary = null;
  const toggle = (key) => {
    keys = new Set(keys);
    if (!keys.delete(key)) keys.add(key);
    onFilter(keys.size ? { keys } : null);
    draw(summary);
  };
  const draw = (counted) => {
    summary = counted;
    const values = [...counted.values.slice(0, SHOWN_VALUES), ...(counted.missing ? [["", counted.missing]] : [])];
    const top = values.reduce((most, [, count]) => Math.max(most, count), 1);
    drawValues(list, values, { top, keys, toggle });
    const rest = counted.values.length - SHOWN_VALUES;
    show(more, rest > 0);
    if (rest > 0) say(more, t("and {n} more; search for them", { n: number(rest) }));
  };
  const clear = () => {
    keys = new Set();
    if (summary) draw(summary);
  };
  return { elements: [list, more], draw, clear };
}

/** Buttons are kept where they are, so that the keyboard does not fall off one. */
function drawValues(list, values, { top, keys, toggle }) {
  while (list.children.length > values.length) list.lastChild.remove();
  for (const [place, [key, count]] of values.entries()) {
    if (!list.children[place]) list.append(make("li", {}, makeValue()));
    const button = list.children[place].firstChild;
    button.onclick = () => toggle(key);
    button.setAttribute("aria-pressed", String(keys.has(key)));
    const [bar, words, counted] = button.children;
    bar.style.width = `${(100 * count) / top}%`;
    say(words, key || t("nothing"));
    say(counted, number(count));
  }
}

const makeValue = () =>
  make(
    "button",
    { type: "button", class: "column-value" },
    make("span", { class: "column-bar", "aria-hidden": "true" }),
    make("span", { class: "text clip", dir: "auto" }),
    make("span", { class: "column-count" }),
  );
