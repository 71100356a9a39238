// The questions asked lately, kept in this browser alone.

import { keptAs } from "../core/place.js";

const KEY = keptAs("questions");
const KEPT = 8;

export function recentQuestions() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY)) ?? [];
    return kept.filter((question) => typeof question === "string").slice(0, KEPT);
  } catch {
    return [];
  }
}

export function rememberQuestion(question) {
  if (!question) return;
  const others = recentQuestions().filter((known) => known !== question);
  try {
    localStorage.setItem(KEY, JSON.stringify([question, ...others].slice(0, KEPT)));
  } catch {
    // A private window may keep nothing; the question is asked all the same.
  }
}
