// What whoever reads the page may do; the server refuses the rest anyway.

/** True when they may ask and change, and do not only look. */
export const mayWrite = "mayWrite" in document.body.dataset;
