// What a batch was asked with, as a body that asks again says it.

/** All that POST /api/batches and /api/jobs/<id>/ask take, but for the question, the model and the longest answer. */
const WISHES = [
  "response_format", "max_pixels", "dpi", "pages", "logprobs", "top_logprobs", "temperature", "top_p", "seed", "stop",
];

/** The same with another question, or longer answers, asks for nothing else; text was no model's own fields either. */
export const askedWith = (batch) => ({
  ...Object.fromEntries(WISHES.map((name) => [name, batch[name] ?? undefined])),
  response_format: batch.response_format ?? { type: "text" },
});
