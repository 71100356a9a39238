// Where this server is on its host: below "", or below a path such as "/eva" where a proxy says so.

export const BASE = document.body.dataset.base ?? "";

/** The address of a page: `pageUrl("/history")`. */
export const pageUrl = (path) => BASE + path;
