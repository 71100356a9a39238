// Where an image lies in its frame: arithmetic on {scale, x, y}, all in CSS pixels; and wheel, fingers and keys that move it.
// The arithmetic needs no DOM.

/** A small drawing is enlarged to fit, but not beyond recognition. */
const LARGEST_FIT = 4;
const LARGEST = 8;
/** Left free around an image that is shown whole. */
const MARGIN_PX = 20;
const STEP = 1.4;
const PAN_PX = 80;

/** The whole image in the middle of its frame; both are {width, height}. */
export function fit(image, frame) {
  const room = (side) => Math.max(1, frame[side] - 2 * MARGIN_PX);
  const scale = Math.min(room("width") / image.width, room("height") / image.height, LARGEST_FIT);
  return settled({ scale, x: 0, y: 0 }, image, frame);
}

/** Larger or smaller by `factor`, while the point {x, y} of the frame stays where it is. */
export function zoomAt(view, factor, point, image, frame) {
  const least = Math.min(1, fit(image, frame).scale);
  const scale = Math.min(Math.max(view.scale * factor, least), Math.max(LARGEST, 2 * least));
  const change = scale / view.scale;
  const x = point.x - (point.x - view.x) * change;
  const y = point.y - (point.y - view.y) * change;
  return settled({ scale, x, y }, image, frame);
}

/** Moved by {x, y}. */
export const panned = (view, by, image, frame) =>
  settled({ ...view, x: view.x + by.x, y: view.y + by.y }, image, frame);

/** In the middle where it is smaller than the frame, and without a gap where it is larger. */
function settled({ scale, x, y }, image, frame) {
  return {
    scale,
    x: settledSide(x, image.width * scale, frame.width),
    y: settledSide(y, image.height * scale, frame.height),
  };
}

const settledSide = (at, size, room) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at)));

/** An image that follows wheel, mouse, fingers and keys. */
export class Zoom {
  #frame;
  #image;
  #onScale;
  #view = { scale: 1, x: 0, y: 0 };
  #isFitted = true;
  #pointers = new Map();

  /** @param onScale Hears the scale, 1 being a pixel for a pixel. */
  constructor(frame, image, onScale) {
    this.#frame = frame;
    this.#image = image;
    this.#onScale = onScale;
    image.addEventListener("load", () => this.fit());
    new ResizeObserver(() => this.#isFitted && this.fit()).observe(frame);
    frame.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    frame.addEventListener("dblclick", (event) => this.#onDoubleClick(event));
    frame.addEventListener("pointerdown", (event) => this.#onDown(event));
    frame.addEventListener("pointermove", (event) => this.#onMove(event));
    for (const type of ["pointerup", "pointercancel"]) {
      frame.addEventListener(type, (event) => this.#pointers.delete(event.pointerId));
    }
  }

  fit() {
    if (!this.#image.naturalWidth) return;
    this.#show(fit(this.#size, this.#room));
    this.#isFitted = true;
  }

  /** One step larger (1) or smaller (-1), around the middle. */
  step(direction) {
    const { width, height } = this.#room;
    this.#zoom(STEP ** direction, { x: width / 2, y: height / 2 });
  }

  /** Move what is seen by a step: `x` and `y` are -1, 0 or 1. */
  pan(x, y) {
    this.#show(panned(this.#view, { x: -x * PAN_PX, y: -y * PAN_PX }, this.#size, this.#room));
  }

  get #size() {
    return { width: this.#image.naturalWidth || 1, height: this.#image.naturalHeight || 1 };
  }

  get #room() {
    return { width: this.#frame.clientWidth, height: this.#frame.clientHeight };
  }

  #show(view) {
    this.#view = view;
    const { style } = this.#image;
    style.width = `${this.#size.width}px`;
    style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    this.#image.dataset.pixels = view.scale >= 3 ? "seen" : "";
    this.#onScale(view.scale);
  }

  #zoom(factor, point) {
    if (!this.#image.naturalWidth) return;
    this.#isFitted = false;
    this.#show(zoomAt(this.#view, factor, point, this.#size, this.#room));
  }

  #pointOf(event) {
    const { left, top } = this.#frame.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  #onWheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    // Two fingers on a touchpad come as a wheel with Ctrl, in small steps.
    const speed = event.ctrlKey ? 0.01 : 0.0018;
    this.#zoom(Math.exp(-event.deltaY * lines * speed), this.#pointOf(event));
  }

  #onDoubleClick(event) {
    if (this.#isFitted) this.#zoom(Math.max(2, 1 / this.#view.scale), this.#pointOf(event));
    else this.fit();
  }

  #onDown(event) {
    if (event.button !== 0) return;
    this.#frame.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#pointOf(event));
  }

  #onMove(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#pointOf(event);
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (other) {
      const spread = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
      this.#zoom(spread(now) / spread(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    } else {
      this.#show(panned(this.#view, { x: now.x - before.x, y: now.y - before.y }, this.#size, this.#room));
    }
  }
}
