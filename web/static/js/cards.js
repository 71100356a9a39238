// One job, drawn: a card of the gallery, a row of the table, the large view.

import { imageUrl } from "./api.js";
import { byId, make, say } from "./dom.js";
import { stateWord } from "./words.js";

const badge = (job) => make("span", { className: `badge ${job.state}`, text: stateWord(job.state) });

/** The answer, or in words why there is none. */
function wordsOf(job) {
  if (job.state === "succeeded") return job.answer;
  return job.error ? job.error.message : "";
}

function words(job, tag) {
  const text = wordsOf(job);
  const parts = [];
  if (job.state !== "succeeded") parts.push(badge(job));
  if (text) parts.push(make(tag, { className: "answer", text, attrs: { dir: "auto" } }));
  if (job.error) parts.push(make("span", { className: "note code", text: job.error.code }));
  return parts;
}

function picture(job) {
  const noPicture = () => make("span", { className: "note", text: "No picture to show" });
  // A file that was refused was never kept.
  if (!job.image) return make("div", { className: "picture" }, noPicture());
  const attrs = { src: imageUrl(job.id), alt: job.file, loading: "lazy", decoding: "async" };
  const image = make("img", { attrs });
  image.addEventListener("error", () => image.replaceWith(noPicture()));
  const label = { type: "button", "aria-label": `Show ${job.file} large` };
  return make("button", { className: "picture", attrs: label, onClick: () => openViewer(job) }, image);
}

export function card(job) {
  const file = make("h3", { className: "file", text: job.file });
  return make("li", { className: "card" }, picture(job), make("div", { className: "words" }, file, ...words(job, "p")));
}

export function row(job) {
  const open = make("button", { text: job.file, attrs: { type: "button" }, onClick: () => openViewer(job) });
  const answer = make("td", {}, ...words(job, "div").filter((part) => !part.classList.contains("badge")));
  return make("tr", {}, make("td", {}, open), make("td", {}, badge(job)), answer);
}

function openViewer(job) {
  const image = byId("viewer-image");
  image.hidden = !job.image;
  if (job.image) image.src = imageUrl(job.id);
  byId("viewer-file").textContent = job.file;
  byId("viewer-answer").textContent = wordsOf(job) || stateWord(job.state);
  say(byId("viewer-note"), noteOf(job));
  byId("viewer").showModal();
}

function noteOf({ width, height, model, usage, attempts }) {
  const parts = [model];
  if (width && height) parts.push(`${width} × ${height} pixels`);
  if (usage?.lines) parts.push(`${usage.lines} lines of text`);
  if (usage?.confidence) parts.push(`${Math.round(usage.confidence * 100)} % confident`);
  if (attempts > 1) parts.push(`${attempts} attempts`);
  return parts.join(" · ");
}
