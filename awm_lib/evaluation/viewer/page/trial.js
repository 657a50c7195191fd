"use strict";
// One trial, step by step: what was said, called, answered, and which rows changed.

const KIND_CLASS = { insert: "good", update: "warn", delete: "bad" };

async function showTrial(name, scenario, task, number_) {
  const data = await load("trial", name, scenario, task, number_);
  if (data.running) return [card("Replies so far", replies(data.replies))];
  const trial = data.trajectory;
  return [head(trial), verdict(trial), card("Steps", steps(trial)), conversation(trial)];
}

function replies(found) {
  return found.map((reply, at) => step(at + 1, reply.text, (reply.tool_calls ?? []).map((call) =>
    el("div", { class: "call" }, el("b", {}, call.name), el("pre", {}, call.arguments)))));
}

function head(trial) {
  const failure = trial.failure;
  const rewards = trial.rewards;
  const facts = [
    ["ended", trial.stop],
    ["reward", rewards.masked ? "masked" : String(rewards.outcome ?? 0)],
    ["format reward", rewards.masked ? "masked" : String(rewards.format ?? 0)],
    ["calls", String((trial.calls ?? []).length)],
    trial.turns ? ["replies", String(trial.turns.length)] : null,
    trial.turns ? ["tokens", number(trial.turns.reduce((sum, turn) => sum + (turn.prompt_tokens ?? 0) + (turn.completion_tokens ?? 0), 0))] : null,
    trial.turns ? ["seconds", number(trial.turns.reduce((sum, turn) => sum + (turn.seconds ?? 0), 0))] : null,
  ];
  return card(null,
    el("p", { class: "lead" }, trial.instruction),
    el("p", { class: "row", id: "outcome" }, failure
      ? [badge(failure.kind, CLASS_KIND[failure.error_class]), badge(failure.error_class), failure.message]
      : badge("complete", "good")),
    el("div", { class: "figures" }, facts.filter(Boolean).map(([title, value]) =>
      el("div", { class: "figure" }, el("small", {}, title), el("b", {}, value)))));
}

// Texts of replies come before the calls that they made; agents without a model have calls only.
function steps(trial) {
  const said = (trial.messages ?? []).filter((message) => message.role === "assistant");
  const calls = trial.calls ?? [];
  const last = Math.max(said.length, ...calls.map((call) => call.turn), 0);
  const found = [];
  for (let turn = 1; turn <= last; turn += 1) {
    const made = calls.filter((call) => call.turn === turn);
    const problems = (trial.problems ?? []).filter((problem) => problem.turn === turn);
    found.push(step(turn, said[turn - 1]?.content, [made.map(showCall), problems.map((problem) =>
      el("p", { class: "row" }, badge(problem.kind, CLASS_KIND[problem.error_class]), problem.message))]));
  }
  if (!said.length && trial.reply) found.push(step(last + 1, trial.reply, []));
  return found.length ? found : el("p", { class: "soft" }, "There are none.");
}

function step(turn, text, children) {
  return el("article", { class: "step" }, el("span", { class: "turn" }, String(turn)),
    el("div", { class: "body" }, text ? el("div", { class: "said" }, text) : null, ...children));
}

function showCall(call) {
  const result = json(call.result);
  return el("div", { class: "call" },
    el("p", { class: "row" }, el("b", {}, call.tool), call.error ? badge(call.error, "bad") : null,
      call.seconds ? el("small", { class: "soft" }, `${(1000 * call.seconds).toFixed(1)} ms`) : null),
    el("pre", { class: "arguments" }, json(call.arguments)),
    el("details", { open: result.length < 600 }, el("summary", {}, `result, ${number(result.length)} characters`), el("pre", { class: "result" }, result)),
    (call.changes ?? []).map((change) => showChange(change)));
}

function showChange(change, note) {
  const before = change.before ?? {};
  const after = change.after ?? change.cells ?? {};
  const names = change.kind === "update" && change.before ? Object.keys(after).filter((name) => json(after[name]) !== json(before[name])) : Object.keys(change.kind === "delete" ? before : after);
  const rows = names.map((name) => el("tr", {}, el("th", {}, name),
    el("td", {}, name in before ? el("del", {}, json(before[name] ?? null)) : null, " ", name in after ? el("ins", {}, json(after[name] ?? null)) : null)));
  return el("div", { class: "change" },
    el("p", { class: "row" }, badge(change.kind, KIND_CLASS[change.kind]), el("code", {}, `${change.table} ${[change.key].flat().join(", ")}`), note ?? null),
    el("table", {}, el("tbody", {}, rows)));
}

function verdict(trial) {
  if (!trial.verdict) return card("Verdict", el("p", { class: "soft" }, "There is none."));
  const evidence = trial.verdict.evidence ?? {};
  const missing = new Set((evidence.missing ?? []).map((change) => json(change)));
  const list = (changes, note) => (changes ?? []).length ? changes.map((change) => showChange(change, note?.(change))) : el("p", { class: "soft" }, "none");
  const answer = evidence.answer;
  return card("Verdict",
    el("p", { class: "row", id: "verdict" }, badge(trial.verdict.result, trial.verdict.result === "complete" ? "good" : "bad"),
      el("span", {}, `partial ${number(trial.verdict.partial)}`),
      evidence.goal === undefined || evidence.goal === null ? null : el("span", {}, `goal ${evidence.goal ? "reached" : "not reached"}`),
      answer ? el("span", {}, `answer ${json(answer.submitted)}, expected ${json(answer.expected)} `, badge(answer.right ? "right" : "wrong", answer.right ? "good" : "bad")) : null),
    evidence.unproven ? el("p", {}, evidence.unproven) : null,
    el("div", { class: "columns" },
      el("div", { id: "expected" }, el("h3", {}, "expected changes, as stored"), list(evidence.expected, (change) => (missing.has(json(change)) ? badge("missing", "bad") : badge("made", "good")))),
      el("div", { id: "actual" }, el("h3", {}, "actual changes, as stored"), list(trial.final?.changes)),
      (evidence.unexpected ?? []).length ? el("div", { id: "unexpected" }, el("h3", {}, "of these, not expected"), list(evidence.unexpected)) : null));
}

function conversation(trial) {
  if (!(trial.messages ?? []).length) return null;
  return card("Conversation, as the model had it", el("details", {}, el("summary", {}, `${trial.messages.length} messages`),
    trial.messages.map((message) => el("div", { class: "message" }, badge(message.role),
      el("pre", {}, message.content ?? "", message.tool_calls ? json(message.tool_calls) : "")))));
}
