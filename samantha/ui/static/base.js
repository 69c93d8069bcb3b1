// What every part of the page shares: texts in the chosen language, numbers, elements, the tab's id.

let all = null;
let chosen = "en";
const listeners = new Set();

export const ready = fetch("/samantha/texts.json").then((answer) => answer.json()).then((texts) => { all = texts; });

/** The text of a dotted key, with {name} replaced. */
export function t(key, values = {}) {
  const found = key.split(".").reduce((table, part) => (table ? table[part] : undefined), all[chosen]);
  if (typeof found !== "string") return key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The text of a key in singular (key_one) or plural. */
export const plural = (key, count) => (count === 1 ? t(`${key}_one`) : t(key, { count: number(count) }));

export const language = () => chosen;
export const locale = () => (chosen === "pt" ? "pt-BR" : "en");

export function setLanguage(name) {
  chosen = all[name] ? name : "en";
  document.documentElement.lang = locale();
  document.title = t("page.title");
  listeners.forEach((listener) => listener());
}

/** Calls back now, when the texts are there, and whenever the language changes. */
export function onLanguage(listener) {
  listeners.add(listener);
  ready.then(listener);
}

const formats = new Map();

/** A number in words of the language; making a format costs far more than using it. */
export function number(value, digits = 0) {
  const name = `${locale()} ${digits}`;
  if (!formats.has(name)) formats.set(name, new Intl.NumberFormat(locale(), { maximumFractionDigits: digits, minimumFractionDigits: digits }));
  return formats.get(name).format(value);
}

export const seconds = (value) => t("card.seconds", { count: number(value, value < 100 ? 1 : 0) });

/** An element; strings become text, never HTML. Names that begin with "on" are listeners. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The id of this browser tab: it survives a reload and ends with the tab. */
export function tabId() {
  let id = sessionStorage.getItem("samantha-tab");
  if (!/^[0-9a-f]{32}$/.test(id || "")) {
    id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("samantha-tab", id);
  }
  return id;
}

/** News of the stream for whoever listens: "running", "memory", "replacing". */
export const news = new EventTarget();
const latest = new Map();
export function tell(name, detail) {
  latest.set(name, detail);
  news.dispatchEvent(new CustomEvent(name, { detail }));
}

/** Calls back with the latest news of a name, if there is any, and with every later one. */
export function onNews(name, listener) {
  news.addEventListener(name, (event) => listener(event.detail));
  if (latest.has(name)) listener(latest.get(name));
}

/** Bytes in words, as disks, the hub and the program's own sentences count them: a GB is 10^9 bytes. */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const step = bytes >= 1e9 ? 3 : bytes >= 1e6 ? 2 : bytes >= 1e3 ? 1 : 0;
  const value = bytes / 1000 ** step;
  return `${number(value, step === 3 || (step && value < 10) ? 1 : 0)} ${["B", "kB", "MB", "GB"][step]}`;
}

export function copyButton(text) {
  const button = h("button", { type: "button", class: "link", onclick: async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = t("page.copied");
    setTimeout(() => { button.textContent = t("page.copy"); }, 1500);
  } }, t("page.copy"));
  return button;
}

const HUB = /^(?:https:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\//i;
const plain = (text) => { try { return decodeURIComponent(text); } catch { return text; } };

/** What a chain calls a model, for people: its name without folders and addresses, and where it is: file, hub, link, server. */
export function called(model) {
  const text = String(model).trim();
  const last = (path) => path.split(/[\\/]/).filter(Boolean).pop() || text;
  const url = /^(?:[a-z]+\+)?(https?):\/\/([^/?#]+)([^?#]*)(?:\?[^#]*)?(?:#(.*))?$/i.exec(text);
  if (HUB.test(text) || /^hf:\/\//i.test(text)) {
    const parts = text.replace(HUB, "").replace(/^hf:\/\//i, "").split(/[?#]/)[0].split("/").filter(Boolean);
    return { name: parts.length > 2 ? plain(parts.at(-1)) : parts.join("/") || text, where: "hub", host: parts.length > 2 ? parts.slice(0, 2).join("/") : "" };
  }
  if (url && /\.gguf$/i.test(url[3])) return { name: plain(last(url[3])), where: "link", host: url[2] };
  if (url) return { name: url[4] ? plain(url[4]) : url[2], where: "server", host: url[4] ? url[2] : "" };
  if (/^[\w][\w.-]*\/[\w][\w.-]*(@[^:\s]+)?(:[\w.-]+)?$/.test(text) && !/\.gguf$/i.test(text)) return { name: text, where: "hub", host: "" };
  const named = /^([\w.-]+)#(.+)$/.exec(text);
  if (named && !/\.gguf$/i.test(text)) return { name: named[2], where: "server", host: named[1] };
  return { name: last(text), where: "file", host: "" };
}

/** A model's name for people. */
export const short = (model) => called(model).name;
