// Small helpers shared by the pages. Data becomes text nodes only, never markup.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

// The body of an answer, with its status. A server that is gone is an answer too, so that the page can say so.
export async function request(path, body) {
  const started = performance.now();
  try {
    const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body };
    const response = await fetch(path, options);
    const data = await response.json();
    return { ok: response.ok, status: response.status, data, ms: performance.now() - started };
  } catch (error) {
    const message = `the server does not answer (${error.message})`;
    return { ok: false, status: 0, data: { error: { kind: "unreachable", message } }, ms: performance.now() - started };
  }
}

export function cell(value) {
  if (value === null || value === undefined) return el("span", { class: "null" }, "null");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export const badge = (text, kind = text) => el("span", { class: `badge ${kind}` }, text);

export function toolBadges(effect, destructive, idempotent) {
  return [badge(effect), destructive ? badge("destructive") : null, effect === "write" && idempotent ? badge("idempotent") : null];
}

// What a JSON Schema allows, in a few words.
export function typeOf(schema) {
  if (schema.enum) return schema.enum.map((item) => JSON.stringify(item)).join(" | ");
  const kinds = [schema.type ?? "any"].flat();
  const words = kinds.map((kind) => (kind === "array" && schema.items ? `array of ${typeOf(schema.items)}` : kind));
  const parts = [words.join(" or ")];
  if (schema.format) parts.push(schema.format);
  if (schema.minimum !== undefined) parts.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined) parts.push(`at most ${schema.maximum}`);
  if (schema.maxLength !== undefined) parts.push(`up to ${schema.maxLength} characters`);
  return parts.join(", ");
}

export function rowsTable(columns, rows) {
  const numeric = (column) => rows.some((row) => typeof row[column.name] === "number");
  const kinds = columns.map((column) => (numeric(column) ? "number" : null));
  const head = columns.map((column, at) =>
    el("th", { class: kinds[at] }, column.name, column.type ? el("small", {}, column.type) : null));
  const body = rows.map((row) => el("tr", {}, columns.map((column, at) => el("td", { class: kinds[at] }, cell(row[column.name])))));
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body)));
}
