// Time, and how far a download is, in words.
import { size, t, number } from "./base.js";

export function duration(value) {
  if (value < 90) return t("progress.seconds", { count: number(Math.ceil(value)) });
  if (value < 5400) return t("progress.minutes", { count: number(Math.round(value / 60)) });
  return t("progress.hours", { count: number(value / 3600, 1) });
}

/** How far a download is: bytes, share, rate, time left. */
export function far({ done, total, rate, left }) {
  const parts = [total ? t("hub.of", { done: size(done), total: size(total) }) : size(done)];
  if (total) parts.push(`${number(Math.floor(done / total * 100))} %`);
  if (rate) parts.push(t("hub.rate", { rate: size(rate) }));
  if (left !== null && left !== undefined) parts.push(t("progress.left", { time: duration(left) }));
  return parts.join(" · ");
}
