// Polling one address of the API: hears each answer that differs from the one before.

import { apiFresh } from "./api.js";
import { Poll } from "./poll.js";

/**
 * GET `path` now and every `everyS` seconds, until this page is left (js/core/visit.js). `onBody` hears each answer that
 * has changed, `onTrouble` a Problem, and null when it is over.
 */
export function poll(path, { everyS, onBody, onTrouble }) {
  let etag = null;
  const look = async () => {
    const answer = await apiFresh(path, { etag });
    etag = answer.etag;
    // What was asked for by a page that has been left has no place any more.
    if (answer.body && !poller.isStopped) onBody(answer.body);
    return everyS;
  };
  const poller = new Poll(look, { onTrouble });
  poller.start();
}
