// A session that ends while the page is open: it is said, nothing on the page is lost, and all goes on once one has
// signed in again on another tab. When it is somebody else who has, the page is left: what it shows is not theirs.
//
//   a 401 ──► "session:over" ──► notice ──► back on this tab: signed in? ──► "session:back" ──► polls and upload go on
//   409 other_caller ──► "session:other" ──► hidden ──► the first page
//   Back to a page that the browser kept as it was ──► hidden ──► signed in? ──► shown again, or asked for anew

import { api } from "./api.js";
import { byId, show } from "./dom.js";
import { keptAs, pageUrl } from "./place.js";

/** For whom this browser keeps what it keeps between visits. */
const KEPT_FOR = keptAs("for");

let isLooking = false;
let isLeft = false;

/** Hear it when nobody is signed in any more, or somebody else is; look whenever one comes back to the page. */
export function listenForSession(notice = byId("session-over")) {
  document.addEventListener("session:over", () => show(notice, true));
  document.addEventListener("session:other", leave);
  document.addEventListener("visibilitychange", () => document.hidden || lookAgain(notice));
  addEventListener("focus", () => lookAgain(notice));
}

/** Show a page that the browser has kept (its back/forward cache) to nobody but who is still signed in. */
export function guardKept() {
  addEventListener("pagehide", ({ persisted }) => show(document.body, !persisted));
  addEventListener("pageshow", async ({ persisted }) => {
    if (!persisted) return;
    if (await isSignedIn()) show(document.body, true);
    else if (!isLeft) location.reload();
  });
}

/** Forget what was asked, and by `forget` what else is kept, when that was somebody else's than who is here now. */
export function forgetOthers(forget) {
  const now = document.body.dataset.for ?? "";
  try {
    if ((localStorage.getItem(KEPT_FOR) ?? "") !== now) {
      localStorage.removeItem(keptAs("questions"));
      forget();
    }
    localStorage.setItem(KEPT_FOR, now);
  } catch {
    // A private window may keep nothing; then there is nothing of anybody's.
  }
}

async function lookAgain(notice) {
  if (isLooking) return;
  isLooking = true;
  if ((await isSignedIn()) && !notice.hidden) {
    show(notice, false);
    document.dispatchEvent(new Event("session:back"));
  }
  isLooking = false;
}

/** Show nothing more, and go to the first page: the address of this one may be of a thing that is not theirs. */
function leave() {
  isLeft = true;
  show(document.body, false);
  location.replace(pageUrl("/"));
}

/** True when whom the page was made for is signed in; what else there is, is told by events. */
const isSignedIn = () => api("/limits").then(() => true, () => false);
