// Doing again what failed only because the way was blocked: the network, or a server that is away.

const MAX_TRIES = 8;
const LONGEST_WAIT_S = 20;

/** What `work` resolves to; for calls that change nothing when they are made twice. */
export async function patiently(work, signal) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!error.isTemporary || attempt === MAX_TRIES) throw error;
      const waitS = error.retryAfterS ?? Math.min(2 ** attempt, LONGEST_WAIT_S);
      await new Promise((resolve) => setTimeout(resolve, waitS * 1000));
      signal.throwIfAborted();
    }
  }
}
