// What every page has: the switch for light and dark, the dock, and word when the session is over or somebody else's.

import { byId } from "./core/dom.js";
import { forgetOthers, guardKept, listenForSession } from "./core/session.js";
import { listenForTheme } from "./core/theme.js";
import { listenForDock } from "./upload/dock.js";
import { forgetAll } from "./upload/remembered.js";

listenForTheme(byId("theme"));
if (byId("dock")) {
  forgetOthers(forgetAll);
  listenForDock();
}
if (byId("session-over")) {
  listenForSession();
  guardKept();
}
