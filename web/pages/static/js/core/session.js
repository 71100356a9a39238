// A session that ends while the page is open: it is said, nothing on the page is lost, and all goes on once one has
// signed in again on another tab.
//
//   a 401 ──► "session:over" ──► notice ──► back on this tab: signed in? ──► "session:back" ──► polls and upload go on
//   Back to a page that the browser kept as it was ──► hidden ──► signed in? ──► shown again, or asked for anew

import { api } from "./api.js";
import { byId, show } from "./dom.js";

let isLooking = false;

/** Say it when a call hears that nobody is signed in. */
export function listenForSession(notice = byId("session-over")) {
  document.addEventListener("session:over", () => show(notice, true));
  document.addEventListener("visibilitychange", () => document.hidden || lookAgain(notice));
  addEventListener("focus", () => lookAgain(notice));
}

/** Show a page that the browser has kept (its back/forward cache) to nobody but who is still signed in. */
export function guardKept() {
  addEventListener("pagehide", ({ persisted }) => show(document.body, !persisted));
  addEventListener("pageshow", async ({ persisted }) => {
    if (!persisted) return;
    if (await isSignedIn()) show(document.body, true);
    else location.reload();
  });
}

async function lookAgain(notice) {
  if (notice.hidden || isLooking) return;
  isLooking = true;
  if (await isSignedIn()) {
    show(notice, false);
    document.dispatchEvent(new Event("session:back"));
  }
  isLooking = false;
}

const isSignedIn = () => api("/limits").then(() => true, () => false);
