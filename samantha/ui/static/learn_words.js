// Tokens and their numbers in words, as every part of the Learn tab writes them.
import { number, t } from "./base.js";
import { RANK, PROBABILITY } from "./answers.js";

/** How a token is drawn: likely, less likely (at most one half), unlikely (a likelier token was there). */
export const kind = (one) => (one[RANK] === null ? "unknown" : one[RANK] > 1 ? "unlikely" : one[PROBABILITY] > 0.5 ? "likely" : "less");

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const escaped = (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A token's text within the answer: line breaks, tabs and runs of spaces are seen, and what cannot be seen is written. */
export function seen(text) {
  if (text === "") return "∎";
  const shown = text.replace(HIDDEN, escaped).replace(/\t/g, "⇥").replace(/ {2,}|^ +$/g, (spaces) => "␣".repeat(spaces.length));
  return shown.replace(/\n/g, "↵\n");
}

/** A token's text between quotes, on one line. */
export function quoted(text) {
  const shown = text.replace(HIDDEN, escaped).replace(/\n/g, "↵").replace(/\t/g, "⇥");
  return `'${/^[ ↵⇥]+$/.test(shown) ? shown.replaceAll(" ", "␣") : shown}'`;
}

/** A probability with three digits; what is smaller says so. */
export function share(value) {
  if (value === null || value === undefined) return "–";
  if (value > 0 && value < 0.0005) return `<${number(0.001, 3)}`;
  return number(value, 3);
}

/** Bits; null is an infinite surprisal. */
export const bits = (value) => (value === null ? "∞" : t("learn.bits", { count: number(value, 1) }));
