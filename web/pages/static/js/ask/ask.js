// The submit page: puts the selection, the question and the model together, and launches.

import { api } from "../core/api.js";
import { byId, oncePerFrame, sayOrHide, toast } from "../core/dom.js";
import { watchFleet } from "../core/fleet.js";
import { pageUrl } from "../core/place.js";
import { problemText } from "../core/problem_text.js";
import { visit } from "../core/visit.js";
import { t } from "../core/words.js";
import { showRecentBatches } from "../history/recent_batches.js";
import { startUpload } from "../upload/dock.js";
import { measure } from "../upload/files.js";
import { readLimits, usualLimits } from "../upload/limits.js";
import { Answer } from "./answer.js";
import { listenForFiles } from "./drop.js";
import { Grouping } from "./grouping.js";
import { Models } from "./models.js";
import { Paging } from "./paging.js";
import { showReadiness, showSelection } from "./preflight.js";
import { Questions } from "./presets.js";
import { rememberQuestion } from "./recent.js";
import { Resolution } from "./resolution.js";
import { Selection } from "./selection.js";

let handles = [];
let isLaunching = false;
/** How many choices are still being read from the disk. */
let reading = 0;

const selection = new Selection(usualLimits(), oncePerFrame(() => {
  if (!byId("count")) return;
  showSelection(selection);
  grouping.draw();
  paging.draw();
  look();
}));
const grouping = new Grouping(selection, look);
const paging = new Paging(selection, look);
const models = new Models(look);
const questions = new Questions({ onChange: look, onTask: (task) => models.chooseFor(task) });
const resolution = new Resolution(look);
const answer = new Answer({ onChange: look, onQuestion: (question) => questions.replace(question) });

function look() {
  // The parts are made one after the other, and each looks at once.
  if (!byId("send") || isLaunching) return;
  setTimeout(() => {
    if (!isLaunching && byId("send")) lookNow();
  });
}

/** Say what stands in the way of the launch; gives it, or null. */
function lookNow() {
  const hindrance = showReadiness({ selection, grouping, questions, models, answer, resolution, isReading: reading > 0 });
  suitQuestion();
  return hindrance;
}

/** A model that uses no question has a box that says so. */
function suitQuestion() {
  const model = models.chosen;
  const box = byId("question");
  const isUsed = model?.uses_question !== false;
  box.disabled = !isUsed;
  questions.suit(model);
  answer.suit(model);
  resolution.suit(model);
  sayOrHide(byId("question-note"), isUsed ? "" : t("{model} needs no question: it always does the same.", { model: model.name }));
}

async function launch(event) {
  event.preventDefault();
  sayOrHide(byId("send-problem"), "");
  if (isLaunching) return;
  // A key may be quicker than the look that follows what was typed before it.
  const hindrance = lookNow();
  if (hindrance) {
    sayOrHide(byId("send-problem"), hindrance.words);
    answer.showFaults();
    byId(hindrance.focus)?.focus();
    return;
  }
  isLaunching = true;
  byId("send").disabled = true;
  try {
    await send();
  } catch (problem) {
    answer.refuse(problem);
    sayOrHide(byId("send-problem"), problemText(problem));
    byId("send").disabled = false;
  } finally {
    isLaunching = false;
  }
}

async function send() {
  const model = models.chosen;
  const question = model.uses_question ? questions.text : "";
  const name = selection.name.slice(0, selection.limits.max_path_chars);
  const batch = await api("/batches", { json: { name, question, model: model.name, ...answer.wish, ...resolution.wish, ...paging.wish } });
  rememberQuestion(question);
  startUpload(batch, grouping.parcels, { way: grouping.way, limits: selection.limits, handles });
  try {
    await visit(pageUrl(`/batches/${batch.id}`));
  } catch {
    toast(t("The images are on their way; the batch's page could not be opened."), "bad");
  }
}

byId("ask").addEventListener("submit", launch);
byId("clear").addEventListener("click", () => {
  handles = [];
  selection.clear();
});
listenForFiles(async (choice) => {
  reading += 1;
  look();
  try {
    const { entries, handles: given } = await choice;
    // An upload can only be resumed from handles when they cover all chosen files.
    handles = given.length && (handles.length || !selection.count) ? [...handles, ...given] : [];
    await measure(entries, (some) => selection.add(some));
  } catch {
    toast(t("Some of it could not be read. Choose it with the buttons."), "bad");
  } finally {
    reading -= 1;
    look();
  }
});
readLimits().then((limits) => {
  selection.limits = limits;
  byId("question")?.setAttribute("maxlength", limits.max_question_chars);
});
showRecentBatches();
watchFleet(byId("fleet"));
look();
