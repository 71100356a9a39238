// Making and finding elements. Text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/**
 * A new element: `make("li", {class: "list-row", text: name, data: {id}, on: {click: open}}, child, …)`.
 * Other keys are attributes: false, null and undefined leave one out, true sets it empty.
 */
export function make(tag, { text, data, on, ...attributes } = {}, ...children) {
  return dress(document.createElement(tag), { text, data, on, attributes, children });
}

/** The same for SVG. */
export function makeSvg(tag, { text, data, on, ...attributes } = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), { text, data, on, attributes, children });
}

function dress(element, { text, data, on, attributes, children }) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  Object.assign(element.dataset, data);
  for (const [type, listener] of Object.entries(on ?? {})) element.addEventListener(type, listener);
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set an element's text, only when it differs: assistive technology reads each change aloud. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Say `text`, or hide the element when there is none. */
export function sayOrHide(element, text) {
  say(element, text ?? "");
  element.hidden = !text;
}

export function show(element, isShown) {
  element.hidden = !isShown;
}

/** An icon from the page's own sheet of symbols (templates/_icons.html). */
export function icon(name) {
  return makeSvg("svg", { "aria-hidden": "true", viewBox: "0 0 24 24" }, makeSvg("use", { href: `#icon-${name}` }));
}

const TOAST_MS = 6000;

/** A short message in the corner that goes by itself; `kind` is "good" or "bad". */
export function toast(message, kind = "good") {
  const element = make("p", { class: `toast toast--${kind}`, text: message });
  byId("toasts").append(element);
  setTimeout(() => element.remove(), TOAST_MS);
}

/** A function that calls `work` at most once a frame, however often it is called. */
export function oncePerFrame(work) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      work();
    });
  };
}
