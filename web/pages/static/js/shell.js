// What every page has: the switch for light and dark, and the dock.

import { byId } from "./dom.js";
import { listenForDock } from "./dock.js";
import { listenForTheme } from "./theme.js";

listenForTheme(byId("theme"));
if (byId("dock")) listenForDock();
