// Where this server is on its host: below "", or below a path such as "/eva" where a proxy says so.

export const BASE = document.body.dataset.base ?? "";

/** The name of what this browser keeps between visits, of this server alone: `keptAs("questions")`. */
export const keptAs = (what) => `eva01.${what}${BASE}`;

/** The address of a page: `pageUrl("/history")`. */
export const pageUrl = (path) => BASE + path;
