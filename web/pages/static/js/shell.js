// What every page has: the switch for light and dark, and the dock.

import { byId } from "./core/dom.js";
import { listenForTheme } from "./core/theme.js";
import { listenForDock } from "./upload/dock.js";

listenForTheme(byId("theme"));
if (byId("dock")) listenForDock();
