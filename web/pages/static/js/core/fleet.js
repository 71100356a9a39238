// The fleet: which workers are up or starting, what waits for them, and for how long.

import { apiFresh } from "./api.js";
import { icon, make, say, show } from "./dom.js";
import { Poll } from "./poll.js";
import { duration, number, rate, t, tn } from "./words.js";

const LOOK_AGAIN_S = 4;

/**
 * Keep `element` showing the fleet: of one `model`, or of all there are. Gives a function that ends it.
 * Where the status cannot be had, the last one stays. `waiting()` tells how many images wait for a model that
 * no worker has ever served.
 */
export function watchFleet(element, { model, waiting = () => 0 } = {}) {
  let etag = null;
  const poll = new Poll(async () => {
    const fresh = await apiFresh("/status", { etag });
    etag = fresh.etag;
    if (fresh.body) draw(element, shown(fresh.body.models, model, waiting));
    return LOOK_AGAIN_S;
  });
  poll.start();
  return () => poll.stop();
}

function shown(models, only, waiting) {
  if (!only) return models;
  const found = models.find(({ name }) => name === only);
  return [{ ...(found ?? { workers: 0, waiting: waiting(), held: 0 }), name: "" }];
}

function draw(element, models) {
  element.replaceChildren(...models.map(drawModel));
  show(element, models.length > 0);
}

function drawModel(status) {
  const { lamp, words, note } = situation(status);
  const head = make("p", { class: "fleet-head" }, status.name ? make("b", { class: "fleet-name text", text: status.name }) : null);
  head.append(make("span", { class: `lamp lamp--${lamp}`, text: words }));
  const facts = make("p", { class: "fleet-facts note" });
  say(facts, [note, ...queueWords(status)].filter(Boolean).join(" · "));
  const model = make("div", { class: "fleet-model", data: { lamp } }, head, facts);
  if (lamp === "warn") head.prepend(icon("warn"));
  return model;
}

/** {lamp, words, note}: how a model's workers are, in a few words, and what that means for who waits. */
function situation({ workers_by_state: states = {}, workers: ready, waiting, start_s: startS }) {
  const starting = states.loading ?? 0;
  const startWords = startS ? t("the last one took {time} to start", { time: duration(startS) }) : "";
  if (ready) {
    const more = starting ? tn("{count} more starting", "{count} more starting", starting) : "";
    const words = tn("{count} worker up", "{count} workers up", ready);
    return { lamp: waiting ? "busy" : "on", words, note: more };
  }
  if (starting) {
    const words = tn("{count} worker starting", "{count} workers starting", starting);
    return { lamp: "busy", words, note: startWords };
  }
  if (waiting) {
    const note = startWords || t("a first start may take minutes; images wait meanwhile");
    return { lamp: "warn", words: t("Waking a worker"), note };
  }
  return { lamp: "off", words: t("No worker up"), note: t("one is woken when images come") };
}

function queueWords({ waiting, held, oldest_wait_s: oldestS, rate_per_s: perSecond }) {
  const words = [];
  if (waiting) words.push(tn("{count} in the queue", "{count} in the queue", waiting));
  if (held) words.push(t("{count} in work", { count: number(held) }));
  if (waiting && oldestS) words.push(t("oldest waits {time}", { time: duration(oldestS) }));
  if (perSecond && (waiting || held)) words.push(rate(perSecond));
  return words;
}
