// The REST documentation, drawn from /openapi.json.
import { badge, byId, el, request, toolBadges, typeOf } from "/assets/dom.js";

let api = {};

async function start() {
  const answer = await request("/openapi.json");
  if (!answer.ok) {
    byId("title").textContent = answer.data.error.message;
    return;
  }
  api = answer.data;
  document.title = `${api.info.title} – REST documentation`;
  byId("title").textContent = api.info.title;
  byId("description").textContent = api.info.summary;
  const operations = Object.entries(api.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation, id: `${method}${path.replace(/\W+/g, "-")}` })));
  byId("contents").replaceChildren(...groups(operations));
  byId("main").replaceChildren(el("p", { class: "lead" }, api.info.description), ...operations.map(view));
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function groups(operations) {
  const found = new Map();
  for (const item of operations) {
    const tag = item.operation.tags?.[0] ?? "other";
    found.set(tag, [...(found.get(tag) ?? []), item]);
  }
  return [...found].flatMap(([tag, items]) => [
    el("h2", {}, tag.replaceAll("_", " ")),
    ...items.map(({ path, id, operation }) => el("a", { href: `#${id}`, title: operation.summary }, el("span", {}, operation.operationId ?? path),
      operation["x-effect"] === "write" ? badge("write") : null)),
  ]);
}

const resolve = (value) => (value.$ref ? value.$ref.slice(2).split("/").reduce((at, key) => at[key], api) : value);

function view({ path, method, operation, id }) {
  const body = operation.requestBody?.content["application/json"];
  const effect = operation["x-effect"];
  return el("section", { class: "card operation", id },
    el("div", { class: "pad" },
      el("div", { class: "head" }, badge(method), el("code", {}, path), effect ? toolBadges(effect, operation["x-destructive"], operation["x-idempotent"]) : null),
      el("p", {}, [operation.summary.replace(/\.$/, ""), operation.description].filter(Boolean).join(". "))),
    body ? properties("Arguments", body.schema) : null,
    operation.parameters ? parameters(operation.parameters) : null,
    properties("Result", operation.responses["200"].content["application/json"].schema),
    effect ? errors(operation.responses) : null,
    el("h3", {}, "Example"),
    el("pre", {}, command(path, method, body)));
}

function properties(title, schema) {
  const list = schema.properties?.items?.items?.properties ? { ...schema, properties: { total: schema.properties.total, ...prefixed(schema.properties.items.items.properties) } } : schema;
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(list.properties ?? {}).map(([name, value]) => line(name, value, title === "Arguments" && required.has(name)));
  if (!rows.length) return title === "Arguments" ? null : [el("h3", {}, title), el("p", { class: "pad empty" }, typeOf(schema))];
  return [el("h3", {}, title), table(rows)];
}

const prefixed = (columns) => Object.fromEntries(Object.entries(columns).map(([name, value]) => [`items[].${name}`, value]));

const parameters = (list) => [el("h3", {}, "Parameters"), table(list.map(({ name, schema, required, in: place }) => line(name, { description: `in ${place}`, ...schema }, required)))];

const line = (name, schema, required) => el("tr", {},
  el("td", {}, el("code", {}, name), required ? el("b", { class: "status bad", title: "required" }, " *") : null),
  el("td", {}, el("code", {}, typeOf(schema))),
  el("td", {}, [schema.description, schema.default !== undefined ? `default ${JSON.stringify(schema.default)}` : ""].filter(Boolean).join(" · ")));

const table = (rows) => el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, rows)));

const errors = (responses) => [el("h3", {}, "Errors"), table(Object.entries(responses).filter(([status]) => status !== "200").map(([status, response]) =>
  el("tr", {}, el("td", {}, el("code", {}, status)), el("td", {}, resolve(response).description.replaceAll("`", "")))))];

function command(path, method, body) {
  const url = `${location.origin}${path}`;
  if (method === "get") return `curl -s ${url}`;
  return body ? `curl -s ${url} -d '${JSON.stringify(body.example ?? {}).replaceAll("'", "'\\''")}'` : `curl -s -X POST ${url}`;
}

start();
