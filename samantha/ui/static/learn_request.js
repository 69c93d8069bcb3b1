// How the Learn tab talks to the server: changes are posted, questions are asked; a refusal is one sentence.
import { t, tabId } from "./base.js";

/** The sentence of an answer that is a refusal, or nothing. */
const problemOf = (answer) => answer.problem || (answer.problem_key ? t(answer.problem_key, answer.values) : "");

/** Posts a change: the sentence on why it was refused, or nothing. */
export async function request(path, sent = {}) {
  try {
    const answer = await fetch(`/samantha/learn/${path}`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ tab: tabId(), ...sent }),
    });
    return problemOf(await answer.json());
  } catch {
    return t("page.offline");
  }
}

/** Asks a question: the answer, with its sentence as `problem` where it was refused. */
export async function question(path, sent) {
  try {
    const answer = await fetch(`/samantha/learn/${path}?${new URLSearchParams({ tab: tabId(), ...sent })}`);
    const found = await answer.json();
    return { ...found, problem: problemOf(found) };
  } catch {
    return { problem: t("page.offline") };
  }
}
