// How the Learn tab talks to the server: changes are posted, questions are asked; a refusal is one sentence.
import { act, look, problemOf } from "./asking.js";

/** Posts a change: the sentence on why it was refused, or nothing. */
export const request = async (path, sent = {}) => problemOf(await act(path, sent));

/** Asks a question: the answer, with its sentence as `problem` where it was refused. */
export async function question(path, sent) {
  const found = await look(path, sent);
  return { ...found, problem: problemOf(found) };
}
