// Polling one address of the API: hears each answer that differs from the one before.

import { apiFresh } from "./api.js";
import { Poll } from "./poll.js";

/**
 * GET `path` now and every `everyS` seconds, until this page is left (js/core/visit.js). `onBody` hears each answer that
 * has changed, `onTrouble` a Problem, and null when it is over. An answer that comes after that has no page to be shown on.
 */
export function poll(path, { everyS, onBody, onTrouble }) {
  let etag = null;
  const look = async () => {
    const answer = await apiFresh(path, { etag });
    // The page may have been left meanwhile, and what hears it with it.
    if (polling.isStopped) return null;
    etag = answer.etag;
    if (answer.body) onBody(answer.body);
    return everyS;
  };
  const polling = new Poll(look, { onTrouble });
  polling.start();
}
