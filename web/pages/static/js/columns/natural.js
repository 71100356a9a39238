// Texts in the order of people.

const DIGITS = /\d+/g;

/** A key whose order is that of people: `b9.jpg` before `b10.jpg`, `B` beside `b`. */
export const fileKey = (file) => file.toLowerCase().replace(DIGITS, (digits) => digits.padStart(12, "0"));
