// The HTTP API. Nothing here touches the page but to read where the API is.
//
// On a shared page `data-api` of <body> is `/api/shared/<token>`: the calls that read its batch, without the batch's id.

import { BASE } from "./place.js";

export const PREFIX = document.body.dataset.api || `${BASE}/api`;

/** What is read is small: a call that takes so long has lost its connection, whatever the browser thinks. */
const READING_S = 30;

/** Goes with each call: for whom the page was made, so that nothing of theirs is done as whoever has signed in since. */
export const MADE_FOR = document.body.dataset.for ? { "Eva01-For": document.body.dataset.for } : {};

/** What the server refused, or that it cannot be reached (status 0). */
export class Problem extends Error {
  constructor({ status, code, message, retryAfterS }) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS ?? null;
  }

  /** True when the same call may succeed later, unchanged. */
  get isTemporary() {
    return [0, 408, 429, 502, 503, 504].includes(this.status);
  }
}

/** The address of a path of the API: `apiUrl("/jobs/1/image")`. */
export const apiUrl = (path) => PREFIX + path;

/**
 * The problem that a response's body, status and Retry-After tell of. "session:over" tells the page that nobody is signed
 * in any more, "session:other" that it is somebody else.
 */
export function problemFrom(status, text, retryAfter) {
  let body = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    // A proxy's page: the status says all that is known.
  }
  const message = body.detail || body.title || `The server answered ${status}.`;
  const retryAfterS = Number(retryAfter) > 0 ? Number(retryAfter) : null;
  if (status === 401) document.dispatchEvent(new Event("session:over"));
  if (body.code === "other_caller") document.dispatchEvent(new Event("session:other"));
  return new Problem({ status, code: body.code || `http_${status}`, message, retryAfterS });
}

export const unreachable = () =>
  new Problem({ status: 0, code: "unreachable", message: "The server cannot be reached." });

/**
 * Call `path` below the prefix and give the parsed JSON, or null when there is no body.
 * `json` is sent as the body. Throws Problem, or AbortError when `signal` was aborted.
 */
export async function api(path, options) {
  const { response, text } = await call(path, options);
  return response.status === 204 ? null : JSON.parse(text);
}

/**
 * A GET that may say "not modified": {body, etag, retryAfterS}, where body is null when nothing has changed
 * since `etag` was given.
 */
export async function apiFresh(path, { etag, signal } = {}) {
  const headers = etag ? { "If-None-Match": etag } : {};
  const { response, text } = await call(path, { headers, signal });
  return {
    body: response.status === 304 ? null : JSON.parse(text),
    etag: response.headers.get("ETag") ?? etag ?? null,
    retryAfterS: secondsIn(response.headers.get("Retry-After")),
  };
}

const secondsIn = (text) => (/^[0-9]+$/.test(text ?? "") ? Number(text) : null);

/** The response and all of its text: a connection may be lost in between as well. */
async function call(path, { method, json, headers, signal, ...options } = {}) {
  const way = method ?? (json === undefined ? "GET" : "POST");
  const limits = [signal, way === "GET" ? AbortSignal.timeout(1000 * READING_S) : null].filter(Boolean);
  const sent = { method: way, headers: { ...MADE_FOR, ...headers }, signal: AbortSignal.any(limits), ...options };
  if (json !== undefined) {
    sent.headers["Content-Type"] = "application/json";
    sent.body = JSON.stringify(json);
  }
  let response, text;
  try {
    response = await fetch(apiUrl(path), sent);
    text = await response.text();
  } catch {
    signal?.throwIfAborted();
    throw unreachable();
  }
  if (!response.ok && response.status !== 304) {
    throw problemFrom(response.status, text, response.headers.get("Retry-After"));
  }
  return { response, text };
}
