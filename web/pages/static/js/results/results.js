// The results: search, filter, order, and the two ways to look at them.

import { ColumnCards } from "../columns/cards.js";
import { pageColumns } from "../columns/columns.js";
import { Doubt } from "../columns/doubt.js";
import { filterWords } from "../columns/filter.js";
import { orderBy } from "../columns/order.js";
import { byId, make, say, show } from "../core/dom.js";
import { reasonOf } from "../core/reasons.js";
import { number, percent, STATES, t, tn } from "../core/words.js";
import { stepOf } from "../images/pager.js";
import { canTurn, spokenPlace, turn } from "../images/several.js";
import { arrange, ORDERS } from "./arrange.js";
import { CUT, wordOf } from "./cut_short.js";
import { gallery } from "./gallery.js";
import { makeHead, showOrder, table } from "./table.js";
import { VirtualList } from "./virtual_list.js";

const TYPING_MS = 160;
const VIEW_KEY = "results-view";
const ORDER_KEY = "results-order";
/** What is wanted when nothing is left out. */
const ALL = { code: "", below: null, filters: new Map() };
/** What can be shown alone; "" is all. */
const CHOICES = ["", ...STATES, CUT];

export class Results {
  /** What is wanted: arguments of `arrange`. */
  wanted = { state: "", needle: "", order: "came", columns: pageColumns(), ...ALL };

  #feed;
  #cards;
  #doubt;
  #list = null;
  #counts = null;
  #total = 0;
  #wish = 0;
  #isArranging = false;
  #isDue = false;
  #typing = null;

  /** @param feed The JobsFeed whose records are shown. */
  constructor(feed) {
    this.#feed = feed;
    this.#cards = new ColumnCards(this.wanted.columns, () => feed.records.values(), (filters) => this.want({ filters }));
    this.#doubt = new Doubt((below) => this.want({ below }));
    offerOrders(this.wanted.columns);
    makeHead((order) => this.#order(order ?? "came"));
    this.wanted.order = localStorage.getItem(ORDER_KEY) ?? "came";
    byId("order").value = this.wanted.order;
    if (!byId("order").value) byId("order").value = this.wanted.order = "came";
    byId("search").addEventListener("input", () => this.#onTyping());
    byId("search").addEventListener("keydown", (event) => this.#onSearchKey(event));
    byId("order").addEventListener("change", () => this.#order(byId("order").value));
    byId("results").addEventListener("click", (event) => this.#onTurn(event));
    byId("as-gallery").addEventListener("click", () => this.#look("gallery"));
    byId("as-table").addEventListener("click", () => this.#look("table"));
    byId("found-filter").querySelector("button").addEventListener("click", () => this.#showAll());
    this.#look(localStorage.getItem(VIEW_KEY) ?? "gallery");
  }

  /** The records that are shown, in order. */
  get items() {
    return this.#list.items;
  }

  /** The record that the keyboard is at, or null when it is elsewhere. */
  get selected() {
    return this.items[this.#indexAt(document.activeElement)] ?? null;
  }

  /** Show other results: those in a state (or CUT), with an error's code, that hold some words. */
  want(wish) {
    this.wanted = { ...this.wanted, ...wish };
    this.#wish += 1;
    this.#drawStates();
    this.#drawFilter();
    this.#arrange(true);
  }

  /** Records have come or changed. */
  update() {
    this.#list.refresh();
    this.#cards.update();
    this.#doubt.offer(this.#feed.records.values());
    this.#arrange(false);
  }

  /** The counters of the batch, for the filter's buttons. */
  count({ counts, total, cut_short: cut }) {
    this.#counts = { ...counts, [CUT]: cut };
    this.#total = total;
    this.#drawStates();
    this.#sayFound();
  }

  /** Give the keyboard to a record's tile or row, when it is shown. */
  focus(record) {
    const index = this.items.indexOf(record);
    if (index >= 0) this.#list.focus(index);
  }

  /** Put another of a record's images or pages on top: `where` is as in several.js. */
  turn(record, where) {
    if (!record || !canTurn(record)) return;
    turn(record, where);
    this.#list.redraw(record);
    say(byId("found-spoken"), spokenPlace(record));
  }

  focusSearch() {
    byId("search").focus();
    byId("search").select();
  }

  #onTurn(event) {
    const by = stepOf(event);
    if (by === null) return;
    this.#list.active = this.#indexAt(event.target);
    this.#list.refresh();
    this.turn(this.items[this.#list.active], { by });
  }

  /** The place of the record whose tile or row an element is in; -1 for one that is elsewhere. */
  #indexAt(element) {
    const link = element?.closest?.("#gallery .tile, #rows .result-row")?.querySelector("a[data-index]");
    return link ? Number(link.dataset.index) : -1;
  }

  #onTyping() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.want({ needle: byId("search").value }), TYPING_MS);
  }

  #onSearchKey(event) {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      if (this.items.length) this.#list.focus(0);
    } else if (event.key === "Escape" && byId("search").value) {
      event.preventDefault();
      byId("search").value = "";
      this.want({ needle: "" });
    }
  }

  #order(order) {
    // Another batch has other columns.
    if (Object.hasOwn(ORDERS, order)) localStorage.setItem(ORDER_KEY, order);
    byId("order").value = order;
    showOrder(order);
    this.want({ order });
  }

  #showAll() {
    this.#cards.clear();
    this.#doubt.clear();
    this.want({ state: "", ...ALL });
  }

  #look(view) {
    const isTable = view === "table";
    localStorage.setItem(VIEW_KEY, isTable ? "table" : "gallery");
    const items = this.#list?.items ?? [];
    const active = this.#list?.active ?? 0;
    this.#list?.stop();
    byId("as-gallery").setAttribute("aria-pressed", String(!isTable));
    byId("as-table").setAttribute("aria-pressed", String(isTable));
    this.#list = new VirtualList(byId(isTable ? "rows" : "gallery"), isTable ? table : gallery);
    this.#list.active = active;
    this.#showSome(items.length);
    this.#list.start();
    this.#list.setItems(items);
  }

  async #arrange(isWish) {
    if (this.#isArranging) {
      this.#isDue = true;
      return;
    }
    this.#isArranging = true;
    const wish = this.#wish;
    const items = await arrange(this.#feed.records.values(), this.wanted, () => wish !== this.#wish);
    this.#isArranging = false;
    if (items) this.#showItems(items, isWish);
    if (!items || this.#isDue) {
      this.#isDue = false;
      this.#arrange(isWish || wish !== this.#wish);
    }
  }

  #showItems(items, isWish) {
    this.#showSome(items.length);
    if (isWish) this.#list.active = 0;
    this.#list.setItems(items);
    this.#sayFound();
    if (isWish) say(byId("found-spoken"), byId("found").textContent);
  }

  #showSome(count) {
    const isTable = byId("as-table").getAttribute("aria-pressed") === "true";
    show(byId("gallery"), count > 0 && !isTable);
    show(byId("table"), count > 0 && isTable);
    byId("table").setAttribute("aria-rowcount", String(count + 1));
    const nothing = byId("nothing");
    show(nothing, count === 0);
    if (count) return;
    const [title, note] = this.#nothingWords();
    say(nothing.querySelector(".empty-title"), title);
    say(nothing.querySelector(".note"), note);
  }

  #nothingWords() {
    if (this.#feed.records.size) return [t("Nothing found"), t("No image is in this state and holds these words.")];
    if (this.#total) return [t("Loading …"), ""];
    return [t("No images yet"), t("They appear here as they are sent.")];
  }

  #sayFound() {
    const shown = this.items.length;
    const loaded = this.#feed.records.size;
    if (loaded < this.#total) {
      say(byId("found"), t("Loading {loaded} of {total}", { loaded: number(loaded), total: number(this.#total) }));
    } else {
      say(byId("found"), this.#feed.imageCount > loaded ? this.#foundJobs(shown, loaded) : foundImages(shown, loaded));
    }
  }

  /** Where some are about several images, what is counted is jobs. */
  #foundJobs(shown, loaded) {
    if (shown < loaded) return t("{shown} of {total} jobs", { shown: number(shown), total: number(loaded) });
    const images = tn("{count} image", "{count} images", this.#feed.imageCount);
    return tn("{count} job, {images}", "{count} jobs, {images}", shown, { images });
  }

  #drawFilter() {
    const { code, below, filters, columns } = this.wanted;
    const words = [...filters].map(([place, filter]) => filterWords(columns[place], filter));
    if (code) words.unshift(reasonOf(code, code).what);
    if (below !== null) words.push(t("less sure than {percent}", { percent: percent(below) }));
    show(byId("found-filter"), words.length > 0);
    byId("found-filter-words").replaceChildren(...words.map((text) => make("span", { class: "chip chip--filter text", dir: "auto", text })));
  }

  #drawStates() {
    if (!this.#counts) return;
    const group = byId("states");
    if (!group.childElementCount) group.append(...CHOICES.map((state) => this.#stateButton(state)));
    for (const button of group.children) {
      const { state } = button.dataset;
      const count = state ? this.#counts[state] : this.#total;
      say(button.lastChild, number(count));
      button.setAttribute("aria-pressed", String(this.wanted.state === state));
      show(button, !state || count > 0 || this.wanted.state === state);
    }
  }

  #stateButton(state) {
    return make(
      "button",
      { type: "button", class: "button button--small", data: { state }, on: { click: () => this.want({ state, code: "" }) } },
      make("span", { text: state ? wordOf(state) : t("All") }),
      make("span", { class: "state-count" }),
    );
  }
}

function foundImages(shown, loaded) {
  if (shown === loaded) return tn("{count} image", "{count} images", shown);
  return t("{shown} of {total} images", { shown: number(shown), total: number(loaded) });
}

/** The orders by the columns, beside those that all batches have. */
function offerOrders(columns) {
  if (!columns.length) return;
  const options = columns.flatMap(({ title }, place) => [
    make("option", { value: orderBy(place, false), text: t("{column}, ascending", { column: title }) }),
    make("option", { value: orderBy(place, true), text: t("{column}, descending", { column: title }) }),
  ]);
  byId("order").append(make("optgroup", { label: t("By a field") }, ...options));
}
