// Hands the Chain tab's fields to the server, which renders the prompt of the first step. Draws nothing.
// It is told "first-prompt" and tells "first-prompt-begun": the number of the task, or a problem.
import { news, tabId, tell } from "./base.js";

export async function mount({ props, watch }) {
  news.addEventListener("first-prompt", () => { props.value = { tab: tabId(), at: Date.now() }; });
  watch("value", () => {
    const value = props.value || {};
    if (!("at" in value) && Object.keys(value).length) tell("first-prompt-begun", value);
  });
}
