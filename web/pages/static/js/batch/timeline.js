// The plot of a batch: how many images came to an end per second, over time.

import uPlot from "../../vendor/uPlot.esm.js";
import { onThemeChange, themeColor } from "../core/theme.js";
import { decimal, duration, LOCALE, t } from "../core/words.js";

const HEIGHT_PX = 190;
const STATES = ["cancelled", "failed", "succeeded"];
const COLORS = { succeeded: "--acid", failed: "--red", cancelled: "--grey" };
/** A short batch is drawn over at least so many steps, so that its bars stay narrow. */
const LEAST_STEPS = 24;

/**
 * uPlot's data of a timeline: times, then for each state the height of its stacked bar, in images per second; null
 * where it adds nothing to the bar in front of it.
 */
export function stacked({ start, step_s: stepS, ...counts }) {
  const steps = Math.max(LEAST_STEPS, counts.succeeded.length);
  const startS = Date.parse(start) / 1000;
  const times = Array.from({ length: steps }, (_, step) => startS + (step + 0.5) * stepS);
  // The tallest is drawn first and the others in front of it.
  const sums = Array.from({ length: steps }, () => 0);
  const heights = [...STATES].reverse().map((state) => {
    return sums.map((sum, step) => {
      const own = (counts[state][step] ?? 0) / stepS;
      sums[step] = sum + own;
      return own ? sums[step] : null;
    });
  });
  return [times, ...heights.reverse()];
}

export class TimelinePlot {
  #element;
  #words;
  #plot = null;
  #timeline = null;

  constructor(element, words) {
    this.#element = element;
    this.#words = words;
    new ResizeObserver(() => this.#resize()).observe(element);
    onThemeChange(() => this.#draw());
  }

  set(timeline) {
    this.#timeline = timeline;
    this.#words.textContent = wordsOf(timeline);
    if (this.#plot) this.#plot.setData(stacked(timeline));
    else this.#draw();
  }

  #resize() {
    const width = this.#element.clientWidth;
    if (!width) return;
    if (this.#plot) this.#plot.setSize({ width, height: HEIGHT_PX });
    else this.#draw();
  }

  #draw() {
    const width = this.#element.clientWidth;
    if (!this.#timeline || !width) return;
    this.#plot?.destroy();
    this.#plot = new uPlot(optionsFor(width), stacked(this.#timeline), this.#element);
    // What it shows is said in words below.
    this.#element.querySelector(".uplot").setAttribute("aria-hidden", "true");
  }
}

function optionsFor(width) {
  const axis = {
    stroke: themeColor("--ink-soft"),
    font: "500 11px Saira, sans-serif",
    grid: { stroke: themeColor("--line"), width: 1 },
    ticks: { stroke: themeColor("--panel-edge"), width: 1, size: 4 },
  };
  const bars = uPlot.paths.bars({ size: [0.82, 24], gap: 0 });
  return {
    width,
    height: HEIGHT_PX,
    cursor: { show: false },
    legend: { show: false },
    select: { show: false },
    scales: { y: { range: (_, __, top) => [0, Math.max(1, top * 1.1)] } },
    axes: [
      { ...axis, space: 76, size: 26, values: (_, times) => clock(times) },
      { ...axis, size: 38, space: 32, values: (_, rates) => rates.map(decimal) },
    ],
    series: [
      {},
      ...STATES.map((state) => ({ fill: themeColor(COLORS[state]), width: 0, paths: bars, points: { show: false } })),
    ],
  };
}

function clock(times) {
  const isShort = times.length > 1 && times.at(-1) - times[0] < 600;
  const format = new Intl.DateTimeFormat(LOCALE, {
    hour: "2-digit",
    minute: "2-digit",
    second: isShort ? "2-digit" : undefined,
    hourCycle: "h23",
  });
  return times.map((time) => format.format(new Date(time * 1000)));
}

/** The plot in a sentence. */
function wordsOf({ start, step_s: stepS, succeeded, failed, cancelled }) {
  const sums = succeeded.map((count, step) => count + failed[step] + cancelled[step]);
  const busiest = sums.indexOf(Math.max(...sums));
  if (!sums.length || sums[busiest] <= 0) return t("Nothing has been answered yet.");
  const at = new Date(Date.parse(start) + 1000 * stepS * busiest);
  return t("Over {span}. Busiest at {time}, with {n} images a second.", {
    span: duration(sums.length * stepS),
    time: at.toLocaleTimeString(LOCALE, { timeStyle: "short" }),
    n: decimal(sums[busiest] / stepS),
  });
}
