// The page of one episode: its tools, its tables, and what has changed since the start.
import { badge, byId, cell, el, request, rowsTable, toolBadges } from "/assets/dom.js";
import { toolForm } from "/assets/form.js";

const PAGE = 50;
const KINDS = ["tools", "tables"];
let tools = [];
let state = { tables: [] };
let seen = new Set();

async function start() {
  tools = (await request("/tools")).data.tools ?? [];
  await refresh();
  byId("title").textContent = state.title ?? "The server does not answer";
  byId("description").textContent = state.description ?? "";
  document.title = `${state.scenario} – environment`;
  byId("tool-count").textContent = tools.length;
  byId("table-count").textContent = state.tables.length;
  byId("filter").addEventListener("input", list);
  for (const kind of KINDS) byId(`tab-${kind}`).addEventListener("click", () => turnTo(kind));
  byId("reset").addEventListener("click", reset);
  window.addEventListener("hashchange", show);
  list();
  await show();
}

async function refresh() {
  const [now, changed] = await Promise.all([request("/state"), request("/state/changes")]);
  if (now.ok) state = now.data;
  facts();
  showChanges(changed.ok ? changed.data.changes : []);
}

async function reset() {
  await request("/reset", "");
  seen = new Set();
  await refresh();
  list();
  await show();
}

function facts() {
  const pairs = { Scenario: state.scenario, Clock: state.now, User: `${state.user?.name} (id ${state.user?.id})`, Calls: state.calls };
  byId("facts").replaceChildren(...Object.entries(pairs).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { id: `fact-${name.toLowerCase()}` }, String(value)))));
}

function list() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const fits = (...texts) => texts.join(" ").toLowerCase().includes(wanted);
  const groups = new Map();
  for (const tool of tools.filter((item) => fits(item.name, item.summary, ...item.tags))) {
    const tag = tool.tags[0] ?? "other";
    groups.set(tag, [...(groups.get(tag) ?? []), tool]);
  }
  byId("tools").replaceChildren(...[...groups].flatMap(([tag, items]) => [
    groups.size > 1 ? el("h3", {}, tag.replaceAll("_", " ")) : "",
    ...items.map((tool) => link(`#tool/${tool.name}`, tool.name, tool.effect === "write" ? badge("write") : null, tool.summary)),
  ]));
  byId("tables").replaceChildren(...state.tables.filter((table) => fits(table.name)).map((table) =>
    link(`#table/${table.name}`, table.name, el("small", {}, table.rows))));
  mark();
}

function turnTo(chosen) {
  for (const kind of KINDS) {
    byId(kind).hidden = kind !== chosen;
    byId(`tab-${kind}`).setAttribute("aria-selected", kind === chosen);
  }
}

const link = (href, text, extra, title) => el("a", { href, title }, el("span", {}, text), extra);

function mark() {
  for (const item of document.querySelectorAll(".side a")) {
    if (item.getAttribute("href") === location.hash) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
}

async function show() {
  const [, kind, name] = /^#(tool|table)\/(\w+)$/.exec(location.hash) ?? [];
  const tool = kind === "table" ? null : tools.find((item) => item.name === name) ?? tools[0];
  if (kind === "table") byId("main").replaceChildren(...(await tableView(name, 0)));
  else if (tool) byId("main").replaceChildren(...toolView(tool));
  else byId("main").replaceChildren(el("p", { class: "empty" }, "There are no tools to show."));
  if (kind) turnTo(`${kind}s`);
  mark();
}

function toolView(tool) {
  const result = el("div", { id: "result" });
  const call = async (body) => {
    const answer = await request(`/tools/${tool.name}`, body);
    await refresh();
    list();
    result.replaceChildren(resultView(answer));
  };
  return [
    el("div", { class: "head" }, el("h2", {}, tool.name), toolBadges(tool.effect, tool.destructive, tool.idempotent)),
    el("p", { class: "lead" }, [tool.summary.replace(/\.$/, ""), tool.description].filter(Boolean).join(". ")),
    el("section", { class: "card" }, el("h3", {}, "Arguments"), toolForm(tool, call)),
    result,
  ];
}

function resultView(answer) {
  const status = el("span", { class: `status ${answer.ok ? "ok" : "bad"}`, id: "status" }, answer.ok ? "done" : answer.data.error?.kind ?? "error");
  const head = el("h3", {}, "Result", status, el("span", { class: "right" }, `${answer.status || "–"} · ${answer.ms.toFixed(1)} ms`));
  if (!answer.ok) return el("section", { class: "card" }, head, el("p", { class: "problem" }, answer.data.error?.message ?? ""));
  const items = answer.data?.items;
  const parts = [];
  if (Array.isArray(items) && items.length && typeof items[0] === "object") {
    parts.push(rowsTable(Object.keys(items[0]).map((name) => ({ name })), items));
    parts.push(el("p", { class: "pager" }, `${items.length} of ${answer.data.total ?? items.length}`));
  } else {
    parts.push(el("pre", {}, JSON.stringify(answer.data, null, 2)));
  }
  return el("section", { class: "card" }, head, parts);
}

async function tableView(name, offset) {
  const answer = await request(`/state/tables/${name}?limit=${PAGE}&offset=${offset}`);
  if (!answer.ok) return [el("section", { class: "card" }, el("p", { class: "problem" }, answer.data.error.message))];
  const { columns, rows, total } = answer.data;
  const turn = async (to) => byId("main").replaceChildren(...(await tableView(name, to)));
  const last = Math.min(offset + rows.length, total);
  const pager = el("div", { class: "pager" },
    el("button", { type: "button", class: "quiet", disabled: offset === 0, onclick: () => turn(Math.max(0, offset - PAGE)) }, "Previous"),
    el("button", { type: "button", class: "quiet", disabled: last >= total, onclick: () => turn(offset + PAGE) }, "Next"),
    el("span", {}, total ? `rows ${offset + 1}–${last} of ${total}` : "no rows"));
  return [
    el("div", { class: "head" }, el("h2", {}, name)),
    el("p", { class: "lead" }, `${total} rows, ${columns.length} columns`),
    el("section", { class: "card" }, rowsTable(columns, rows), pager),
  ];
}

function showChanges(changes) {
  byId("change-count").textContent = changes.length || "";
  const now = new Set(changes.map((change) => JSON.stringify(change)));
  const nodes = changes.map((change) => changeView(change, !seen.has(JSON.stringify(change))));
  seen = now;
  byId("changes").replaceChildren(...(nodes.length ? nodes.reverse() : [el("p", { class: "empty" }, "Nothing has changed. Rows that a call inserts, updates or deletes appear here.")]));
}

function changeView({ table, kind, key, before, after }, fresh) {
  const columns = Object.keys(after ?? before ?? {});
  const shown = kind === "update" ? columns.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name])) : columns;
  const row = (name) => el("tr", {}, el("th", {}, name), el("td", {},
    before ? el("del", {}, cell(before[name])) : null, before && after ? " → " : null, after ? el("ins", {}, cell(after[name])) : null));
  const id = [key].flat().map((part) => (part !== null && typeof part === "object" ? Object.values(part).join(", ") : String(part))).join(", ");
  return el("div", { class: `change${fresh ? " fresh" : ""}` },
    el("div", {}, badge(kind), el("a", { href: `#table/${table}` }, table), el("span", {}, id)),
    el("table", {}, el("tbody", {}, shown.map(row))));
}

start();
