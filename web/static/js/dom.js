// Making elements. Text goes in as text only, so nothing a user names or a model answers is ever markup.

export const byId = (id) => document.getElementById(id);

/** An element with a class, text, attributes (`attrs`) and children. */
export function make(tag, { className, text, attrs = {}, onClick } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attrs)) element.setAttribute(name, value);
  if (onClick) element.addEventListener("click", onClick);
  element.append(...children);
  return element;
}

/** Show `text` in `element`, or hide it when there is nothing to say. */
export function say(element, text) {
  element.textContent = text || "";
  element.hidden = !text;
}
