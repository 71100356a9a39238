// The choice of a model: what each can do, and how busy it is.

import { byId, make, say } from "../core/dom.js";
import { poll } from "../core/polling.js";
import { inWords, money, t, tn } from "../core/words.js";
import { canDo } from "./presets.js";

const LOOK_S = 5;

const taskWords = () => ({
  "describe": t("describes"),
  "read text": t("reads text"),
  "chart to table": t("charts to tables"),
  "list objects": t("lists objects"),
  "check": t("checks"),
});

export class Models {
  #cards = [];
  #status = new Map();

  /** `onChange` is called when another model is chosen, or one has changed. */
  constructor(onChange) {
    this.onChange = onChange;
    byId("models").addEventListener("change", () => {
      say(byId("models-note"), "");
      onChange();
    });
    poll("/models", {
      everyS: LOOK_S,
      onBody: ({ models }) => this.#setCards(models),
      onTrouble: (problem) => say(byId("models-note"), problem ? t("The server cannot be reached. Trying again …") : ""),
    });
    poll("/status", { everyS: LOOK_S, onBody: ({ models }) => this.#setStatus(models) });
  }

  /** The chosen model's card, or undefined before any is known. */
  get chosen() {
    const name = document.querySelector("#models input:checked")?.value;
    return this.#cards.find((card) => card.name === name);
  }

  /** The chosen model's queue and workers, or undefined. */
  get status() {
    return this.#status.get(this.chosen?.name);
  }

  /** Choose a model that is made for `task`, unless the chosen one is; one that is awake rather than another. */
  chooseFor(task) {
    if (!this.chosen || canDo(this.chosen, task)) return;
    const able = this.#cards.filter((card) => canDo(card, task));
    const better = able.find(({ workers }) => workers) ?? able[0];
    if (!better) return;
    document.querySelector(`#models input[value="${CSS.escape(better.name)}"]`).checked = true;
    say(byId("models-note"), t("{model} was chosen: it is made for this.", { model: better.name }));
    this.onChange();
  }

  #setCards(cards) {
    const chosen = document.querySelector("#models input:checked")?.value;
    const names = new Set(cards.map(({ name }) => name));
    const fallback = (cards.find(({ is_default: isDefault }) => isDefault) ?? cards[0])?.name;
    this.#cards = cards;
    const lit = names.has(chosen) ? chosen : fallback;
    const focused = document.activeElement?.closest?.("#models") ? document.activeElement.value : null;
    byId("models").replaceChildren(...cards.map((card) => cardElement(card, card.name === lit)));
    if (focused) document.querySelector(`#models input[value="${CSS.escape(focused)}"]`)?.focus();
    say(byId("models-note"), cards.length ? "" : t("No worker has come up yet. The list fills by itself when one does."));
    this.#showLoad();
    this.onChange();
  }

  #setStatus(models) {
    this.#status = new Map(models.map((model) => [model.name, model]));
    this.#showLoad();
    this.onChange();
  }

  #showLoad() {
    for (const label of byId("models").children) {
      const status = this.#status.get(label.querySelector("input").value);
      const lamp = label.querySelector(".lamp");
      if (!status || !lamp) continue;
      const { kind, words } = load(status);
      lamp.className = `lamp lamp--${kind}`;
      say(lamp, words);
    }
  }
}

function cardElement(card, isChosen) {
  const words = taskWords();
  const tasks = (card.tasks ?? []).map((task) => make("span", { class: "serial", text: words[task] ?? task }));
  return make("label", { class: "model", data: { testid: `model-${card.name}` } },
    make("input", { type: "radio", name: "model", value: card.name, checked: isChosen }),
    make("span", { class: "model-name", text: card.name }),
    make("span", { class: "lamp" }),
    make("span", { class: "note", text: described(card) }),
    card.price && make("span", { class: "note", text: t("{price} for 1,000 images", { price: money(card.price) }) }),
    make("span", { class: "model-tasks" }, ...tasks));
}

/** What people have written in both languages; else a card's sentence is English, and ours are known here. */
function described(card) {
  if (card.descriptions) return inWords(card.descriptions);
  if (card.engine === "ocr") return t("Reads the text in an image, in reading order. It does not use the question.");
  if (card.description.startsWith("A tiny demonstration model.")) {
    return t("A tiny demonstration model. It knows drawn circles, squares and triangles and their colors, in English and 中文, and nothing else.");
  }
  const generic = card.description.match(/^(.+): a vision-language model\. It answers any question about an image\.$/);
  return generic
    ? t("{source}: a vision-language model. It answers any question about an image.", { source: generic[1] })
    : card.description;
}

/** How busy a model is: a lamp and words. */
function load({ workers, workers_by_state: byState, waiting, held }) {
  const starting = byState?.loading ?? 0;
  const open = waiting + held;
  if (!workers && starting) return { kind: "warn", words: t("waking up") };
  if (!workers) return { kind: "off", words: t("asleep") };
  if (!open) return { kind: "on", words: tn("{count} worker ready", "{count} workers ready", workers) };
  return { kind: "busy", words: tn("{count} image in line", "{count} images in line", open) };
}
