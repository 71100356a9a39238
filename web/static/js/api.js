// The HTTP API, a function a call. Nothing here touches the page.

/** What the server refused, with its stable code. */
export class ApiError extends Error {
  constructor(status, code, message, retryAfterS) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }

  /** True when the same call may succeed later, unchanged. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

const UNREACHABLE = "The server cannot be reached.";

function errorFrom(status, text, retryAfter) {
  const retryAfterS = Number(retryAfter) || null;
  try {
    const problem = JSON.parse(text);
    const message = problem.detail || problem.title || `The server answered ${status}.`;
    return new ApiError(status, problem.code || "unknown", message, retryAfterS);
  } catch {
    return new ApiError(status, "unknown", `The server answered ${status}.`, retryAfterS);
  }
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", UNREACHABLE, null);
  }
  if (!response.ok && response.status !== 304) {
    throw errorFrom(response.status, await response.text(), response.headers.get("Retry-After"));
  }
  return response;
}

async function post(path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  const response = await call(path, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}

const batchPath = (id) => `/api/batches/${encodeURIComponent(id)}`;

export const listModels = async () => (await (await call("/api/models")).json()).models;
export const createBatch = (batch) => post("/api/batches", batch);
export const closeBatch = (id) => post(`${batchPath(id)}/close`);
export const cancelBatch = (id) => post(`${batchPath(id)}/cancel`);
export const retryBatch = (id) => post(`${batchPath(id)}/retry`);

export const imageUrl = (jobId) => `/api/jobs/${encodeURIComponent(jobId)}/image`;
export const exportUrl = (batchId, format) => `${batchPath(batchId)}/results.${format}`;

/**
 * The batch as it is now, or null when it is still as `etag` describes it; and when to ask again.
 */
export async function readBatch(id, etag) {
  const headers = etag ? { "If-None-Match": etag } : {};
  const response = await call(batchPath(id), { headers, cache: "no-store" });
  return {
    batch: response.status === 304 ? null : await response.json(),
    etag: response.headers.get("ETag") || etag,
    retryAfterS: Number(response.headers.get("Retry-After")) || null,
  };
}

/** Up to `limit` jobs after `cursor`, and the next cursor or null. */
export async function readResults(id, { cursor, limit, state }) {
  const query = new URLSearchParams({ limit });
  if (cursor) query.set("cursor", cursor);
  if (state) query.set("state", state);
  return (await call(`${batchPath(id)}/results?${query}`)).json();
}

/**
 * Send files to a batch; `onSent` hears how many bytes have left.
 * XMLHttpRequest, because fetch does not tell how far an upload has come.
 */
export function sendFiles(batchId, entries, { onSent, signal }) {
  const form = new FormData();
  for (const { file, path } of entries) form.append("files", file, path);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort, { once: true });
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onerror = () => reject(new ApiError(0, "unreachable", UNREACHABLE, null));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = () => {
      const { status, responseText } = request;
      if (status < 300) resolve(JSON.parse(responseText).files);
      else reject(errorFrom(status, responseText, request.getResponseHeader("Retry-After")));
    };
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.open("POST", `${batchPath(batchId)}/files`);
    request.send(form);
  });
}
