"use strict";
// Runs, one run, an environment of it, and two runs beside each other.

const CLASS_KIND = { agent: "bad", environment: "warn", infrastructure: "warn" };

async function showRuns() {
  const { runs } = await load("runs");
  if (!runs.length) return [card("Runs", el("p", {}, "There are none yet: python scripts/evaluate.py --agent oracle"))];
  const columns = [
    ["run", (run) => link(["run", run.name], run.name)],
    ["agent", (run) => [run.agent, run.model ? el("small", { class: "soft" }, ` ${run.model}`) : null]],
    ["", (run) => (run.finished ? null : badge("goes on", "warn"))],
    ["environments", (run) => number(run.environments), "number"],
    ["trials", (run) => number(run.trials), "number"],
    ["not counted", (run) => number(run.masked), "number"],
    ["success", (run) => estimate(run.success), "number"],
  ];
  return [card("Runs", table(columns, runs, { id: "runs" })), runs.length > 1 ? card("Compare", chooser(runs)) : null];
}

function chooser(runs) {
  const select = (id, chosen) =>
    el("select", { id }, runs.map((run, at) => el("option", { value: run.name, selected: at === chosen }, run.name)));
  const go = () => {
    location.hash = `#/compare/${encodeURIComponent(document.getElementById("one").value)}/${encodeURIComponent(document.getElementById("other").value)}`;
  };
  return el("p", { class: "row" }, select("one", 0), " against ", select("other", 1), el("button", { id: "compare", onclick: go }, "Compare"));
}

async function showRun(name) {
  const run = await load("run", name);
  const summary = run.summary;
  const counted = summary.trials - summary.masked;
  const figure = (title, value, note) =>
    el("div", { class: "figure" }, el("small", {}, title), el("b", {}, value), note ? el("small", { class: "soft" }, note) : null);
  const means = summary.means ?? {};
  const success = summary.overall.success;
  const figures = el("div", { class: "figures", id: "figures" },
    figure("success", success ? share(success.mean) : "-", success ? `${share(success.low)} to ${share(success.high)}` : null),
    figure("complete", number(summary.complete), `of ${number(counted)} trials`),
    figure("not counted", number(summary.masked), "errors that are not the agent's"),
    run.running ? figure("running", number(run.running)) : null,
    summary.overall.at.map((at) => figure(`pass@${at.k}, pass^${at.k}`, `${share(at.any.mean)}, ${share(at.all.mean)}`)),
    means.calls !== undefined ? figure("calls per trial", number(means.calls)) : null,
    means.reward !== undefined ? figure("reward", number(means.reward), `format ${number(means.format_reward)}`) : null,
    summary.total_tokens ? figure("tokens", number(summary.total_tokens), summary.total_cost ? `$${number(summary.total_cost)}` : null) : null);
  const failures = table([
    ["reason", (item) => item.kind],
    ["whose", (item) => badge(item.error_class, CLASS_KIND[item.error_class])],
    ["trials", (item) => number(item.trials), "number"],
    ["", (item) => bar(item.trials, summary.trials, "bad")],
  ], summary.failures, { id: "failures" });
  return [
    card(null, figures),
    summary.failures.length ? card("Why trials failed", failures) : null,
    card("Environments", environments(name, run.environments)),
    groups(summary.groups),
    card("Settings", el("pre", {}, json(run.settings))),
  ];
}

function environments(name, rows) {
  const columns = [
    ["environment", (row) => link(["run", name, row.scenario], row.scenario)],
    ["category", (row) => row.category],
    ["complete", (row) => `${row.complete} of ${row.trials - row.masked}`, "number"],
    ["", (row) => bar(row.complete, row.trials - row.masked)],
    ["", (row) => [row.masked ? badge(`${row.masked} not counted`, "warn") : null, row.running ? badge(`${row.running} running`, "warn") : null]],
  ];
  const place = el("div", { id: "environments" }, table(columns, rows));
  const filter = (event) => {
    const words = event.target.value.toLowerCase();
    place.replaceChildren(table(columns, rows.filter((row) => `${row.scenario} ${row.category}`.toLowerCase().includes(words))));
  };
  return [el("input", { id: "filter", type: "search", placeholder: "filter by name or category", oninput: filter }), place];
}

function groups(found) {
  const kinds = [...new Set(found.map((group) => group.by))];
  return kinds.map((kind) => card(`By ${kind}`, table([
    [kind, (group) => group.name],
    ["tasks", (group) => number(group.tasks), "number"],
    ["trials", (group) => number(group.trials), "number"],
    ["success", (group) => estimate(group.success), "number"],
    ["", (group) => bar(group.complete, group.trials)],
  ], found.filter((group) => group.by === kind))));
}

async function showEnvironment(name, scenario) {
  const { tasks } = await load("environment", name, scenario);
  return tasks.map((task) => card(null,
    el("p", { class: "row" }, el("b", {}, task.task), badge(task.kind), task.level ? badge(task.level) : null),
    el("p", { class: "lead" }, task.instruction),
    el("div", { class: "row" }, task.trials.map((trial) => link(["run", name, scenario, task.task, String(trial.number)], trialBadge(trial))))));
}

function trialBadge(trial) {
  if (trial.running) return badge(`${trial.number}: running`, "warn");
  const text = trial.complete ? "complete" : trial.failure ?? trial.stop;
  return badge(`${trial.number}: ${text}, ${trial.calls} calls`, trial.complete ? "good" : trial.masked ? "warn" : "bad");
}

async function showComparison(one, other) {
  const found = await load("compare", one, other);
  const row = (task) => [task.scenario, task.task];
  return [
    card(`${one} against ${other}`,
      el("div", { class: "figures", id: "comparison" },
        [[one, estimate(found.success_one)], [other, estimate(found.success_other)], ["difference in points", points(found.difference)],
          ["better, worse, same", `${number(found.better)}, ${number(found.worse)}, ${number(found.tasks - found.better - found.worse)}`],
          ["tasks in common", number(found.tasks)]].map(([title, value]) => el("div", { class: "figure" }, el("small", {}, title), el("b", {}, value))))),
    card("Where", table([
      ["by", (group) => group.by], ["group", (group) => group.name], ["tasks", (group) => number(group.tasks), "number"],
      ["difference", (group) => points(group.difference), "number"],
    ], found.groups)),
    card("Tasks that differ", table([
      ["task", (task) => row(task).join(" ")],
      [one, (task) => link(["run", one, ...row(task), "1"], share(task.one)), "number"],
      [other, (task) => link(["run", other, ...row(task), "1"], share(task.other)), "number"],
    ], found.differing, { id: "differing" })),
  ];
}
