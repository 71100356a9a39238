// What every page has: the switch for light and dark.

import { byId } from "./dom.js";
import { listenForTheme } from "./theme.js";

listenForTheme(byId("theme"));
