// A list of any length of which only what is in sight exists: as a grid of tiles, or as rows.
// `Geometry` is arithmetic and needs no DOM; `VirtualList` places elements by it.

/** Rows that exist above and below what is in sight. */
const SPARE_ROWS = 2;

export class Geometry {
  /** All in pixels. A row of tiles holds as many as fit with at least `minItemWidth` each. */
  constructor({ count, width, minItemWidth = Infinity, itemHeight, gap = 0 }) {
    this.count = count;
    this.columns = Math.max(1, Math.floor((width + gap) / (minItemWidth + gap)) || 1);
    this.itemWidth = Math.max(0, (width - gap * (this.columns - 1)) / this.columns);
    this.itemHeight = itemHeight;
    this.gap = gap;
    this.rows = Math.ceil(count / this.columns);
    this.height = Math.max(0, this.rows * (itemHeight + gap) - gap);
  }

  /** Where an item is. */
  place(index) {
    const row = Math.floor(index / this.columns);
    const column = index % this.columns;
    return { left: column * (this.itemWidth + this.gap), top: row * (this.itemHeight + this.gap) };
  }

  /** The items, [first, end), whose rows touch the stretch from `top` to `bottom`, and a few rows more. */
  range(top, bottom, spareRows = SPARE_ROWS) {
    const pitch = this.itemHeight + this.gap;
    const firstRow = Math.max(0, Math.floor(top / pitch) - spareRows);
    const endRow = Math.min(this.rows, Math.ceil(bottom / pitch) + spareRows);
    return [Math.min(this.count, firstRow * this.columns), Math.min(this.count, Math.max(0, endRow * this.columns))];
  }

  /** The item to which a key leads from another one, or null when the key leads nowhere. */
  step(index, key, rowsInSight = 1) {
    const { columns, count } = this;
    const leaps = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      PageUp: -columns * rowsInSight,
      PageDown: columns * rowsInSight,
      Home: -index,
      End: count - 1 - index,
    };
    if (!(key in leaps) || !count) return null;
    if (columns === 1 && (key === "ArrowLeft" || key === "ArrowRight")) return null;
    const target = index + leaps[key];
    if (key === "ArrowUp" || key === "ArrowDown") return target >= 0 && target < count ? target : index;
    return Math.max(0, Math.min(count - 1, target));
  }
}

export class VirtualList {
  /** The item that the keyboard is at. */
  active = 0;

  #element;
  #look;
  #items = [];
  #geometry = null;
  #slots = new Map();
  #free = [];
  #isDue = false;
  #sight;

  /**
   * @param element Holds the items; as tall as all of them would be. The page scrolls, not the element.
   * @param look {measure: (width) → Geometry's arguments without count and width,
   *   make: () → an element, draw: (element, item, index, count) → nothing, focusable: (element) → what takes the focus,
   *   alongside: (element) → what else Tab leads to while the keyboard is at the item; may be left out}
   */
  constructor(element, look) {
    this.#element = element;
    this.#look = look;
    this.#sight = new ResizeObserver(() => this.#measure());
  }

  get items() {
    return this.#items;
  }

  start() {
    this.#sight.observe(this.#element);
    addEventListener("scroll", this.#update, { passive: true });
    addEventListener("resize", this.#update, { passive: true });
    this.#element.addEventListener("keydown", this.#onKey);
    this.#measure();
  }

  stop() {
    this.#sight.disconnect();
    removeEventListener("scroll", this.#update);
    removeEventListener("resize", this.#update);
    this.#element.removeEventListener("keydown", this.#onKey);
    this.#element.style.height = "";
    this.#empty();
  }

  /** Show these items; the keyboard stays at the item it is at, as long as that is among them. */
  setItems(items) {
    const at = this.#items[this.active];
    this.#items = items;
    const place = at && items[this.active] !== at ? items.indexOf(at) : this.active;
    this.active = Math.max(0, Math.min(items.length - 1, place < 0 ? this.active : place));
    this.#measure();
  }

  /** Draw again what has changed of what is in sight: an item whose `version` is another. */
  refresh() {
    for (const [index, slot] of this.#slots) this.#draw(slot, index);
  }

  /** Draw an item again that looks otherwise, though it has not changed. */
  redraw(item) {
    for (const [index, slot] of this.#slots) {
      if (slot.item !== item) continue;
      slot.version = null;
      this.#draw(slot, index);
    }
  }

  /** Bring an item into sight and give it the keyboard. */
  focus(index) {
    this.active = index;
    this.#bringIntoSight(index);
    this.#updateNow();
    const slot = this.#slots.get(index);
    if (slot) this.#look.focusable(slot.element).focus({ preventScroll: true });
  }

  #onKey = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !this.#geometry) return;
    const rows = Math.max(1, Math.floor(innerHeight / this.#geometry.itemHeight) - 1);
    const target = this.#geometry.step(this.active, event.key, rows);
    if (target === null) return;
    event.preventDefault();
    this.focus(target);
  };

  #bringIntoSight(index) {
    const { top } = this.#geometry.place(index);
    const start = this.#element.getBoundingClientRect().top + top;
    // What sticks to the top of the page must not cover it.
    const margin = Number.parseFloat(getComputedStyle(this.#element).scrollMarginTop) || 0;
    const end = start + this.#geometry.itemHeight;
    if (start < margin) scrollBy({ top: start - margin - 8, behavior: "instant" });
    else if (end > innerHeight - 8) scrollBy({ top: end - innerHeight + 16, behavior: "instant" });
  }

  #measure() {
    const width = this.#element.clientWidth;
    // Hidden: nothing is in sight, and what was drawn may not be among the items any more.
    if (!width) return this.#empty();
    const geometry = new Geometry({ ...this.#look.measure(width), count: this.#items.length, width });
    this.#geometry = geometry;
    this.#element.style.height = `${geometry.height}px`;
    for (const slot of this.#slots.values()) slot.placedAt = null;
    this.#updateNow();
  }

  #empty() {
    this.#element.replaceChildren();
    this.#slots.clear();
    this.#free = [];
    this.#geometry = null;
  }

  #update = () => {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#updateNow();
    });
  };

  #updateNow() {
    if (!this.#geometry) return;
    const { top } = this.#element.getBoundingClientRect();
    let [first, end] = this.#geometry.range(-top, innerHeight - top, 0);
    // After a leap nothing in sight is drawn yet: what can be seen comes first, the spare rows with the next frame.
    const isLeap = end > first && !this.#slots.has(first) && !this.#slots.has(end - 1);
    if (isLeap) this.#update();
    else [first, end] = this.#geometry.range(-top, innerHeight - top);
    const isKept = (index) => index >= first && index < end;
    for (const [index, slot] of this.#slots) {
      const isFocused = index < this.#items.length && slot.element.contains(document.activeElement);
      if (!isKept(index) && !isFocused) this.#release(index, slot);
    }
    for (let index = first; index < end; index += 1) {
      if (!this.#slots.has(index)) this.#slots.set(index, this.#free.pop() ?? this.#makeSlot());
    }
    this.#settle();
  }

  /** Draw, place, and keep in the order of the items: that is the order in which they are read aloud. */
  #settle() {
    let next = this.#element.firstChild;
    for (const index of [...this.#slots.keys()].sort((a, b) => a - b)) {
      const slot = this.#slots.get(index);
      this.#draw(slot, index);
      this.#put(slot, index);
      if (slot.element === next) next = next.nextSibling;
      else this.#element.insertBefore(slot.element, next);
    }
    while (next) {
      const surplus = next;
      next = next.nextSibling;
      surplus.remove();
    }
  }

  #makeSlot() {
    const element = this.#look.make();
    return { element, item: null, version: null, index: null, count: null, placedAt: null };
  }

  #release(index, slot) {
    this.#slots.delete(index);
    this.#free.push(slot);
  }

  #draw(slot, index) {
    const item = this.#items[index];
    const count = this.#items.length;
    const target = this.#look.focusable(slot.element);
    const tabIndex = index === this.active ? 0 : -1;
    for (const one of [target, ...(this.#look.alongside?.(slot.element) ?? [])]) {
      if (one.tabIndex !== tabIndex) one.tabIndex = tabIndex;
    }
    const isSame = slot.item === item && slot.version === item.version;
    if (isSame && slot.index === index && slot.count === count) return;
    this.#look.draw(slot.element, item, index, count);
    Object.assign(slot, { item, version: item.version, index, count });
  }

  #put(slot, index) {
    if (slot.placedAt === index) return;
    const { left, top } = this.#geometry.place(index);
    const { style } = slot.element;
    style.transform = `translate(${left}px, ${top}px)`;
    style.width = `${this.#geometry.itemWidth}px`;
    style.height = `${this.#geometry.itemHeight}px`;
    slot.placedAt = index;
  }
}
