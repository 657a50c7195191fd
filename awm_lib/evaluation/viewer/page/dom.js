"use strict";
// Small helpers. Data becomes text nodes only, never markup.

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const link = (path, ...children) => el("a", { href: `#/${path.map(encodeURIComponent).join("/")}` }, ...children);
const number = (value) => Number(value).toLocaleString("en-US", { maximumFractionDigits: 2 });
const share = (value) => `${(100 * value).toFixed(1)} %`;

function estimate(found) {
  if (!found) return el("span", { class: "soft" }, "-");
  return el("span", {}, share(found.mean), " ", el("small", { class: "soft" }, `${(100 * found.low).toFixed(1)} to ${(100 * found.high).toFixed(1)}`));
}

function points(found) {
  const signed = (value) => `${value >= 0 ? "+" : ""}${(100 * value).toFixed(1)}`;
  const kind = found.low > 0 ? "good" : found.high < 0 ? "bad" : "";
  return el("span", { class: kind }, signed(found.mean), " ", el("small", { class: "soft" }, `${signed(found.low)} to ${signed(found.high)}`));
}

// A table; a column is [title, function of a row, class].
function table(columns, rows, attributes = {}) {
  const head = el("tr", {}, columns.map(([title, , kind]) => el("th", { class: kind }, title)));
  const body = rows.map((row) => el("tr", {}, columns.map(([, show, kind]) => el("td", { class: kind }, show(row)))));
  return el("div", { class: "scroll" }, el("table", attributes, el("thead", {}, head), el("tbody", {}, body)));
}

function bar(part, whole, kind = "good") {
  const width = whole ? Math.round((100 * part) / whole) : 0;
  return el("progress", { class: `meter ${kind}`, max: 100, value: width, title: `${part} of ${whole}` });
}

const badge = (text, kind = "") => el("span", { class: `badge ${kind}` }, text);

// JSON as people write it: what fits in a line stays in a line.
function json(value, indent = "") {
  if (typeof value === "string" && indent === "") return value;
  const flat = JSON.stringify(value) ?? "null";
  if (value === null || typeof value !== "object" || flat.length + indent.length <= 100) return flat;
  const deeper = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Object.entries(value).map(([key, item]) =>
    deeper + (Array.isArray(value) ? "" : `${JSON.stringify(key)}: `) + json(item, deeper));
  return `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

function card(title, ...children) {
  return el("section", { class: "card" }, title ? el("h2", {}, title) : null, ...children);
}
