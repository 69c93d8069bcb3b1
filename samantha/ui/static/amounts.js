// Bytes, time and how far a download is, in words.
import { t, number } from "./base.js";

/** Bytes as sellers, the hub and the program's own sentences count them: a GB is 10^9. */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const step = value >= 1e9 ? 3 : value >= 1e6 ? 2 : value >= 1e3 ? 1 : 0;
  const shown = value / 1000 ** step;
  return `${number(shown, step === 3 || (step && shown < 10) ? 1 : 0)} ${["bytes", "kB", "MB", "GB"][step]}`;
}

export function duration(value) {
  if (value < 90) return t("progress.seconds", { count: number(Math.ceil(value)) });
  if (value < 5400) return t("progress.minutes", { count: number(Math.round(value / 60)) });
  return t("progress.hours", { count: number(value / 3600, 1) });
}

/** How far a download is: bytes, share, rate, time left. */
export function far({ done, total, rate, left }) {
  const parts = [total ? t("hub.of", { done: bytes(done), total: bytes(total) }) : bytes(done)];
  if (total) parts.push(`${number(Math.floor(done / total * 100))} %`);
  if (rate) parts.push(t("hub.rate", { rate: bytes(rate) }));
  if (left !== null && left !== undefined) parts.push(t("progress.left", { time: duration(left) }));
  return parts.join(" · ");
}
