// The head of the page: name, memory, language, dark or light; and the page's keyboard.
import { h, t, ready, language, setLanguage, onLanguage, tabId, news, onNews, tell, number } from "./base.js";

const THEME = "samantha-theme";
const LANGUAGE = "samantha-language";

export async function mount({ element, props, server }) {
  await ready;
  applyTheme(localStorage.getItem(THEME));
  const built = props.built;
  const kept = localStorage.getItem(LANGUAGE) || props.kept;
  const first = kept || ((navigator.language || "en").slice(0, 2) === "pt" ? "pt" : "en");
  const memory = h("span", { class: "pill", id: "memory" });
  const languages = ["en", "pt"].map((name) =>
    h("button", { type: "button", lang: name, onclick: () => choose(name) }, name.toUpperCase()));
  const group = h("span", { class: "pill switch", role: "group" }, languages);
  const theme = h("button", { type: "button", class: "pill", id: "theme", onclick: toggleTheme }, "◐");
  const sandbox = h("span", { class: "pill good", id: "sandbox", hidden: !props.isolated });
  const codePill = h("button", { type: "button", class: "pill", id: "code-access", hidden: true, onclick: () => codeClick() });
  element.replaceChildren(h("header", { class: "top" }, h("span", { class: "brand" }, "Samantha"),
    h("span", { class: "pills" }, h("span", { id: "offline", role: "alert" }), codePill, sandbox, memory, group, theme)));

  function choose(name, keep = true) {
    if (keep) localStorage.setItem(LANGUAGE, name);
    setLanguage(name);
    props.value = { tab: tabId(), language: name, keep, relabel: keep || name !== built };
  }
  let last = null;
  let access = null;
  /** What code may do, always in sight; one click ends full access. */
  async function codeClick() {
    if (access?.full) {
      const answer = await server.no_full([tabId()]);
      if (answer.access) tell("access", answer.access);
    } else document.querySelector("#access section")?.scrollIntoView({ block: "center" });
  }
  function drawAccess() {
    codePill.hidden = !access;
    if (!access) return;
    const mode = access.full ? "full" : access.proof.mode;
    codePill.className = `pill ${{ full: "danger", isolated: "good", none: "danger" }[mode] || ""}`;
    codePill.textContent = t(`access.pill_${mode}`);
    codePill.title = t(access.full ? "access.switch_off_help" : `access.mode_${mode}`);
  }
  const draw = () => {
    languages.forEach((button) => button.setAttribute("aria-pressed", String(button.lang === language())));
    group.setAttribute("aria-label", t("page.language"));
    theme.title = t("page.theme");
    theme.setAttribute("aria-label", t("page.theme"));
    sandbox.textContent = t("page.isolated");
    sandbox.title = t("page.isolated_help");
    memory.title = t("page.memory_help");
    memory.hidden = !last;
    drawAccess();
    if (last) memory.textContent = t("page.memory",
      { used: number(last.used / 1e9, 1), total: number(last.total / 1e9, 1) });
  };
  onLanguage(draw);
  news.addEventListener("memory", (event) => { last = event.detail; draw(); });
  onNews("access", (now) => { access = now; drawAccess(); });
  news.addEventListener("running", (event) => buttons(event.detail));
  choose(first, false);
  document.addEventListener("keydown", keyboard, true);
  document.addEventListener("keypress", keyboard, true);
}

function applyTheme(name) {
  const dark = name ? name === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.body.classList.toggle("dark", dark);
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
}

function toggleTheme() {
  const name = document.body.classList.contains("dark") ? "light" : "dark";
  localStorage.setItem(THEME, name);
  applyTheme(name);
}

function buttons(running) {
  document.body.classList.toggle("running", running);
  for (const id of ["skip", "stop"]) {
    const button = document.getElementById(id);
    if (button) button.disabled = !running;
  }
}

const press = (id) => document.getElementById(id)?.click();

/** Enter in a field of the inputs starts, Shift+Enter is a new line, Esc closes what is open, else stops. */
function keyboard(event) {
  if (event.isComposing) return;
  const field = event.target.closest?.("#inputs textarea, #counts input");
  if (field && event.key === "Enter" && !event.ctrlKey && !event.altKey && !event.metaKey) {
    event.stopPropagation();
    if (event.type === "keypress" || event.shiftKey) return;
    event.preventDefault();
    field.dispatchEvent(new Event("change", { bubbles: true }));
    setTimeout(() => press("start"), 0);
  } else if (event.key === "Escape") {
    const shown = [...document.querySelectorAll("[data-closes]")].filter((one) => one.offsetParent);
    const open = shown.find((one) => one.closest(".grown, .rows")) || shown.at(-1);
    if (open) open.click();
    else if (document.body.classList.contains("running")) press("stop");
  }
}
