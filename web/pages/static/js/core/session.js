// A session that ends while the page is open: it is said, nothing on the page is lost, and all goes on once one has
// signed in again on another tab.
//
//   a 401 ──► "session:over" ──► notice ──► back on this tab: signed in? ──► "session:back" ──► polls and upload go on

import { api } from "./api.js";
import { byId, show } from "./dom.js";

let isLooking = false;

/** Say it when a call hears that nobody is signed in. */
export function listenForSession(notice = byId("session-over")) {
  document.addEventListener("session:over", () => show(notice, true));
  document.addEventListener("visibilitychange", () => document.hidden || lookAgain(notice));
  addEventListener("focus", () => lookAgain(notice));
}

async function lookAgain(notice) {
  if (notice.hidden || isLooking) return;
  isLooking = true;
  try {
    await api("/limits");
    show(notice, false);
    document.dispatchEvent(new Event("session:back"));
  } catch {
    // Not yet.
  } finally {
    isLooking = false;
  }
}
