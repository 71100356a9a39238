// What every page has: the switch for light and dark, the dock, and word when the session is over or somebody else's.

import { byId } from "./core/dom.js";
import { guardKept, listenForSession } from "./core/session.js";
import { listenForTheme } from "./core/theme.js";
import { listenForDock } from "./upload/dock.js";

listenForTheme(byId("theme"));
if (byId("dock")) listenForDock();
if (byId("session-over")) {
  listenForSession();
  guardKept();
}
