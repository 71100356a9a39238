// Light or dark: by the system's setting, until the switch is used; remembered in a cookie, so that the
// server draws the next page in it from the first pixel.

import { BASE } from "./place.js";

const YEAR_S = 365 * 24 * 3600;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : prefersDark.matches;
}

/** The colour of a token as the page shows it now: `themeColor("--purple")` → `rgb(…)`. For canvases. */
export function themeColor(token) {
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Call `listener` whenever the page turns light or dark. */
export function onThemeChange(listener) {
  document.addEventListener("themechange", listener);
}

/** Make the form's button switch without loading the page anew. */
export function listenForTheme(form) {
  const button = form.querySelector("button");
  const label = () => button.setAttribute("aria-pressed", String(isDark()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    document.cookie = `theme=${theme}; path=${BASE || "/"}; max-age=${YEAR_S}; samesite=lax`;
    announce();
  });
  const announce = () => {
    label();
    document.dispatchEvent(new Event("themechange"));
  };
  prefersDark.addEventListener("change", announce);
  label();
}
