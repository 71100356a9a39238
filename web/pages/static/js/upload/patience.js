// Retrying what failed only for a while: no network, or a server that is down or full.

import { Problem } from "../core/api.js";

const LONGEST_WAIT_S = 20;

/**
 * Call `work` until it succeeds, and give its result; for calls that change nothing when made twice.
 * `onWait` hears the Problem of each failure, and null after the success that follows. Rejects with any other error,
 * and with AbortError.
 */
export async function patiently(work, { signal, onWait }) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = await work();
      if (attempt > 1) onWait(null);
      return result;
    } catch (error) {
      if (!(error instanceof Problem) || !error.isTemporary) throw error;
      onWait(error);
      await pause(error.retryAfterS ?? Math.min(2 ** (attempt - 1), LONGEST_WAIT_S), signal);
    }
  }
}

/** Wait for `seconds`, or until the browser says that the network is back. */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    addEventListener("online", end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
