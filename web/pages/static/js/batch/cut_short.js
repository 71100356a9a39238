// Answers of a batch that are cut short: how many, which, and a new batch that asks about their images for longer ones.

import { api } from "../core/api.js";
import { byId, make, say, show, toast } from "../core/dom.js";
import { pageUrl } from "../core/place.js";
import { problemText } from "../core/problem_text.js";
import { t, tn } from "../core/words.js";
import { byCame } from "../results/arrange.js";
import { askedWith } from "../results/asked.js";
import { moreTokens } from "../results/cut_short.js";
import { readLimits } from "../upload/limits.js";

const FILES_AT_A_TIME = 500;

/** Show how many of the records are cut. */
export function showCutShort(records) {
  const count = cutOnes(records).length;
  show(byId("cut-short"), count > 0);
  say(byId("cut-short-title"), tn("{count} answer is cut short", "{count} answers are cut short", count));
}

/** `onShow()` hears that they are to be seen; `records()` gives all. */
export function listenForCutShort(batch, records, onShow) {
  byId("show-cut-short").addEventListener("click", onShow);
  byId("ask-cut-again")?.addEventListener("click", async ({ currentTarget: button }) => {
    button.disabled = true;
    try {
      await askAgain(batch, cutOnes(records()));
    } catch (problem) {
      toast(problemText(problem), "bad");
    }
    button.disabled = false;
  });
}

/** Those that are cut, in the order in which they came. */
const cutOnes = (records) => [...records].filter(({ cut }) => cut !== null).sort(byCame);

async function askAgain(batch, records) {
  const limits = await readLimits();
  const wanting = records.filter(({ cut }) => moreTokens(cut.tokens, limits) !== null);
  if (!wanting.length) return tell(t("They are as long as this server allows (EVA01_MAX_ANSWER_TOKENS)."));
  const tokens = wanting.reduce((most, { cut }) => Math.max(most, cut.tokens), 0);
  const { id } = await newBatch(batch, moreTokens(tokens, limits));
  const missing = await fill(id, batch, wanting, Math.min(limits.max_known_files, FILES_AT_A_TIME));
  const page = pageUrl(`/batches/${id}`);
  if (!missing) return location.assign(page);
  if (missing < wanting.length) {
    const words = tn("{count} image is not there any more and was left out.", "{count} images are not there any more and were left out.", missing);
    return tell(words, make("a", { href: page, text: t("To the new batch") }));
  }
  await api(`/batches/${id}`, { method: "DELETE" });
  tell(t("Their images are not there any more. Send the files again."));
}

const newBatch = (batch, longest) => {
  const { name, question, model } = batch;
  return api("/batches", { json: { name, question, model, ...askedWith(batch), max_new_tokens: longest } });
};

/** Put the images into the new batch and close it; gives how many are not there any more. After an error there is no new batch. */
async function fill(id, batch, records, atATime) {
  let missing = 0;
  try {
    for (const some of portions(records, atATime)) {
      const json = isOfList(some[0])
        ? { jobs: some.map((record) => knownJob(record, batch)) }
        : { files: some.map((record) => known(record, batch)) };
      const outcomes = await api(`/batches/${id}/known`, { json });
      missing += outcomes.files.filter(({ state }) => state !== "accepted").length;
    }
    await api(`/batches/${id}/close`, { method: "POST" });
  } catch (problem) {
    await api(`/batches/${id}`, { method: "DELETE" }).catch(() => null);
    throw problem;
  }
  return missing;
}

/** True for a job that was made of a list of files. */
const isOfList = ({ images }) => images.length > 0;

/** The records some at a time, in their order: of one kind, with at most so many images, or one record. */
function* portions(records, most) {
  let some = [];
  let count = 0;
  for (const record of records) {
    const images = record.images.length || 1;
    if (some.length && (count + images > most || isOfList(some[0]) !== isOfList(record))) {
      yield some;
      some = [];
      count = 0;
    }
    some.push(record);
    count += images;
  }
  if (some.length) yield some;
}

/** A file under its path, with what it is asked where that is not what all are. */
function known({ file, cut: { image, question, page } }, batch) {
  return { file, sha256: image, question: ownQuestion(question, batch), page };
}

/** The same of a job that was made of a list of files. */
function knownJob({ file, images, cut: { question } }, batch) {
  return { file, files: images.map((image) => ({ file: image.file, sha256: image.sha256 })), question: ownQuestion(question, batch) };
}

const ownQuestion = (question, batch) => (question === batch.question ? "" : question);

function tell(words, link = null) {
  const note = byId("cut-short-note");
  note.replaceChildren(words, " ", ...(link ? [link] : []));
  show(note, true);
}
