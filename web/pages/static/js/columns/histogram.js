// The small plot of a range: a bar for each bin.

import { makeSvg } from "../core/dom.js";
import { number, t } from "../core/words.js";
import { shownSize } from "./columns.js";

const WIDTH = 160;
const HEIGHT = 36;

/** Draw bins; each says its range and count when it is pointed at, and the whole is said in words. */
export function histogram({ bins, least, most }, column) {
  const tallest = bins.reduce((top, { count }) => Math.max(top, count), 1);
  const width = WIDTH / Math.max(1, bins.length);
  const words = t("From {least} to {most}", { least: shownSize(least, column), most: shownSize(most, column) });
  const bars = bins.map(({ from, to, count }, place) => {
    // What is there at all can be seen.
    const height = count ? Math.max(2, (HEIGHT * count) / tallest) : 0;
    const range = from === to ? shownSize(from, column) : `${shownSize(from, column)} – ${shownSize(to, column)}`;
    return makeSvg(
      "rect",
      { x: place * width + 0.5, y: HEIGHT - height, width: Math.max(1, width - 1), height },
      makeSvg("title", { text: `${range}: ${number(count)}` }),
    );
  });
  return makeSvg("svg", { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words }, ...bars);
}
