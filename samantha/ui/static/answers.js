// What the Learn tab looks at: the answers of a run as they come over the stream, and which token is selected.
// Every part of the tab reads it and listens; only the stream writes it. Nothing is drawn here.
import { news, tell } from "./base.js";

/** One token of an answer, as the stream sends it: [id, text, rank, probability, surprisal, entropy, forced]. */
export const ID = 0, TEXT = 1, RANK = 2, PROBABILITY = 3, SURPRISAL = 4, ENTROPY = 5, FORCED = 6;

export const learned = {
  run: "", opened: false, candidates: 10, pace: { speed: "off", waiting: false, left: 0, to_unlikely: false },
  answers: new Map(), chosen: null, position: -1, following: true,
};

const PAUSE = 60; // milliseconds between two drawings at least
const SHARE = 5; // a drawing that took long is followed by a pause of so many times as long
const FOLLOWED = 2; // so many pauses lie between two tokens that are told while the newest is followed

const listeners = new Set();
const afterwards = [];
let changed = new Set();
let drawing = 0;
let took = 0;
let drawn = 0;
let due = 0;
let timer = 0;

/** Calls back now and, once a frame at most, after changes, with what changed: "pace", "answers", "tokens", "chosen", "selected". */
export function onLearned(listener) {
  listeners.add(listener);
  listener(new Set(["pace", "answers", "tokens", "chosen", "selected"]));
  run(afterwards);
}

/** Runs when everybody has drawn: whatever reads or sets a place on the page, so that it is laid out once. */
export const afterDrawing = (act) => { afterwards.push(act); };

const pause = () => Math.max(PAUSE, SHARE * took);

/** What changed is drawn at the next frame; news of the stream no more often than the machine can draw with ease. */
function told(...what) {
  what.forEach((one) => changed.add(one));
  plan(performance.now());
}

function streamed(what) {
  what.forEach((one) => changed.add(one));
  if (what.size) plan(drawn + pause());
}

function plan(at) {
  if (drawing && drawing.at <= at) return;
  if (drawing) clearTimeout(drawing.timer);
  drawing = { at, timer: setTimeout(() => requestAnimationFrame(draw), Math.max(0, at - performance.now())) };
}

function draw() {
  drawing = 0;
  const what = changed;
  changed = new Set();
  if (!what.size) return;
  const begun = performance.now();
  listeners.forEach((listener) => listener(what));
  run(afterwards);
  setTimeout(() => { drawn = performance.now(); took = drawn - begun; }); // after this frame was laid out and painted
}

const run = (acts) => acts.splice(0).forEach((act) => act());

const key = (step, branch) => `${step}.${branch}`;

/** The answer that is looked at, if there is one. */
export const answer = () => learned.answers.get(learned.chosen) || null;

/** The token that is looked at, if there is one. */
export const token = () => answer()?.tokens[learned.position] || null;

export const unlikely = (one) => one[RANK] > 1;

/** Takes in an update of the stream. */
export function applyLearned(update) {
  const what = new Set();
  const before = JSON.stringify([learned.pace, learned.candidates, learned.opened]);
  Object.assign(learned, { pace: update.pace, candidates: update.candidates, opened: update.opened });
  if (before !== JSON.stringify([learned.pace, learned.candidates, learned.opened])) what.add("pace");
  if (update.clear) {
    Object.assign(learned, { run: update.run, answers: new Map(), chosen: null, position: -1, following: true });
    what.add("answers").add("chosen").add("selected");
  }
  learned.run = update.run;
  for (const change of update.answers || []) take(change, what);
  streamed(what);
  if (what.has("answers")) tellAnswers();
  if (learned.following) follow();
}

function take(change, what) {
  const name = key(change.step, change.branch);
  if (!learned.answers.has(name)) begin(change, name, what);
  const one = learned.answers.get(name);
  if ("model" in change || one.reason !== change.reason) what.add("answers");
  for (const [field, value] of Object.entries(change)) if (field !== "tokens" && field !== "from") one[field] = value;
  if (!change.tokens) return;
  one.tokens.length = Math.min(one.tokens.length, change.from);
  one.tokens.push(...change.tokens);
  if (learned.following && learned.chosen !== name) turn(name, what);
  if (learned.chosen === name) what.add("tokens");
}

function begin(change, name, what) {
  const parent = change.parent === null ? null : learned.answers.get(key(change.step, change.parent));
  learned.answers.set(name, { tokens: parent ? parent.tokens.slice(0, change.position) : [], traced: false, reason: "" });
  if (learned.following) turn(name, what);
}

/** Another answer is followed; none of its tokens was told yet. */
function turn(name, what) {
  Object.assign(learned, { chosen: name, position: -1 });
  what.add("chosen");
}

/** Whether tokens come so slowly that each one is looked at. */
function unhurried() {
  const { speed, left, to_unlikely: toUnlikely } = learned.pace;
  return speed === "next" ? !toUnlikely && left < 2 : speed >= 0.3;
}

/** The newest token, told at most every few pauses, so that nobody asks for more than can be seen. */
function follow() {
  const tokens = answer()?.tokens || [];
  if (tokens.length - 1 === learned.position) return;
  if (unhurried()) {
    clearTimeout(timer);
    timer = 0;
    put(tokens.length - 1);
    return;
  }
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    due = performance.now() + FOLLOWED * pause();
    if (learned.following) put((answer()?.tokens.length || 0) - 1);
  }, Math.max(0, due - performance.now()));
}

function put(position) {
  learned.position = position;
  told("selected");
  const one = answer();
  if (!one || position < 0) tell("learn-token", null);
  else tell("learn-token", { run: learned.run, step: one.step, branch: one.branch, position });
}

function tellAnswers() {
  const answers = [...learned.answers.values()].map((one) =>
    ({ step: one.step, branch: one.branch, parent: one.parent, position: one.position, model: one.model, traced: one.traced,
       tokens: one.tokens.length, reason: one.reason }));
  tell("learn-answers", { run: learned.run, opened: learned.opened, answers });
}

/** The user selects a token of the answer that is looked at. */
export function select(position) {
  const count = answer()?.tokens.length || 0;
  if (!count) return;
  learned.following = false;
  put(Math.max(0, Math.min(count - 1, position)));
}

/** The user looks at another answer; its first token that is its own is selected, or the one at `position`. */
export function look(step, branch, position = null) {
  const name = key(step, branch);
  const one = learned.answers.get(name);
  if (!one) return;
  Object.assign(learned, { chosen: name, following: false });
  told("chosen");
  put(Math.max(0, Math.min(one.tokens.length - 1, position ?? one.position)));
}

/** The newest token is followed again. */
export function followNewest() {
  learned.following = true;
  const newest = [...learned.answers.keys()].at(-1);
  if (newest && newest !== learned.chosen) {
    learned.chosen = newest;
    told("chosen");
  }
  put((answer()?.tokens.length || 0) - 1);
}

news.addEventListener("learn-look", ({ detail }) => { if (detail.run === learned.run) look(detail.step, detail.branch, detail.position); });
