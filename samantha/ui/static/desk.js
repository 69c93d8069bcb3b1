// The buttons above the editor: run what it holds, or the clipboard, or the last response's code; load, copy, save.
import { h, t, onLanguage, onNews, ready, tabId, tell } from "./base.js";

export async function mount({ element, props, server }) {
  await ready;
  let code = "";
  let running = false;
  addEventListener("samantha-editor", (event) => { code = event.detail || ""; tell("editor", code); });

  const said = h("p", { class: "status", role: "status", hidden: true });
  function say(answer, good = "") {
    const problem = answer.problem || (answer.problem_key ? t(answer.problem_key, answer.values) : "");
    said.className = problem ? "status problem" : "status";
    said.setAttribute("role", problem ? "alert" : "status");
    said.textContent = problem || good;
    said.hidden = !said.textContent;
    return !problem;
  }
  const ask = async (name, ...given) => {
    const answer = await server[name]([tabId(), ...given]);
    say(answer);
    return answer;
  };
  async function clipboard() {
    let text = "";
    try {
      text = await navigator.clipboard.readText();
    } catch {
      say({ problem: t("desk.clipboard_closed") });
      return;
    }
    await ask("run_text", text, t("desk.clipboard"));
  }
  async function load() {
    const answer = await ask("last_code");
    if (answer.code) props.value = { fill: answer.code, at: Date.now() };
  }
  async function copy() {
    const answer = await ask("last_code");
    if (!answer.code) return;
    await navigator.clipboard.writeText(answer.code);
    say({}, t("desk.code_copied", { step: answer.step }));
  }
  const runEditor = () => (code.trim() ? ask("run_text", code, t("desk.editor")) : ask("run_last", t("desk.last")));
  const buttons = {
    run: h("button", { type: "button", class: "small primary", id: "code-run", onclick: runEditor }),
    run_clipboard: h("button", { type: "button", class: "small", id: "code-clipboard", onclick: clipboard }),
    stop: h("button", { type: "button", class: "small", id: "code-stop", onclick: () => ask("stop") }),
    load: h("button", { type: "button", class: "small", id: "code-load", onclick: load }),
    copy: h("button", { type: "button", class: "small", id: "code-copy", onclick: copy }),
    clear: h("button", { type: "button", class: "small", id: "code-clear", onclick: () => ask("clear") }),
  };
  const hint = h("p", { class: "note" });
  element.replaceChildren(h("div", { class: "toolbar", role: "toolbar" }, Object.values(buttons)), hint, said);
  const draw = () => {
    element.querySelector(".toolbar").setAttribute("aria-label", t("desk.title"));
    for (const [name, button] of Object.entries(buttons)) {
      button.textContent = t(`desk.${name}`);
      button.title = t(`desk.${name}_help`);
    }
    buttons.stop.disabled = !running;
    buttons.run.disabled = buttons.run_clipboard.disabled = running;
    hint.textContent = t("desk.hint");
  };
  onLanguage(draw);
  onNews("desk", (now) => { running = now.running; draw(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.closest?.("#editor")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!running) setTimeout(runEditor, 60);
  }, true);
}
