// Doing again what failed only because the way was blocked: the network, or a server that is away or full.

import { Problem } from "../core/api.js";

const LONGEST_WAIT_S = 20;

/**
 * What `work` resolves to, however long the way stays blocked; for calls that change nothing when made twice.
 * `onWait` hears the Problem each time, and null when it goes on. Rejects with what waiting does not mend, and
 * with AbortError.
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

/** Wait, but not longer than until the browser says that the network is back. */
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
