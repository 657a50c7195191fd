// A form for a tool's arguments, made from their JSON Schema. Nothing is checked here: the server says what is wrong,
// and a person can see how it says it.
import { el, typeOf } from "/assets/dom.js";

export function toolForm(tool, onCall) {
  const properties = Object.entries(tool.input_schema.properties ?? {});
  const required = new Set(tool.input_schema.required ?? []);
  const fields = properties.map(([name, schema]) => field(name, schema, required.has(name)));
  const raw = el("textarea", { id: "raw", "aria-label": "Arguments as JSON", spellcheck: "false" });
  const byField = el("div", { id: "fields" }, fields.length ? fields.map((item) => item.node) : el("p", { class: "empty" }, "No arguments."));
  const asJson = el("div", { hidden: true }, raw);
  const toggle = el("button", { type: "button", class: "quiet", id: "as-json", onclick: () => {
    if (asJson.hidden) raw.value = JSON.stringify(read(fields), null, 2);
    asJson.hidden = !asJson.hidden;
    byField.hidden = !byField.hidden;
    toggle.textContent = asJson.hidden ? "Edit as JSON" : "Edit as form";
  } }, "Edit as JSON");
  return el("form", { class: "pad", novalidate: true, id: "call", onsubmit: (event) => {
    event.preventDefault();
    onCall(asJson.hidden ? JSON.stringify(read(fields)) : raw.value);
  } }, byField, asJson, el("div", { class: "buttons" }, el("button", { type: "submit", id: "send" }, "Call"), toggle));
}

function field(name, schema, required) {
  const id = `arg-${name}`;
  const hint = schema.default !== undefined ? `default ${JSON.stringify(schema.default)}` : required ? "" : "optional";
  let input;
  if (schema.enum || schema.type === "boolean") {
    const values = schema.enum ?? ["true", "false"];
    input = el("select", { id, name }, el("option", { value: "" }, hint ? `(${hint})` : "(choose)"), values.map((value) => el("option", {}, value)));
  } else {
    const placeholder = schema.format === "date" ? "YYYY-MM-DD" : schema.type === "array" ? "[…]  or  a, b, c" : hint;
    input = el("input", { id, name, placeholder, autocomplete: "off", inputmode: ["integer", "number"].includes(schema.type) ? "decimal" : null });
  }
  const label = el("label", { for: id }, name, required ? el("b", { title: "required" }, " *") : null);
  const about = [schema.description, typeOf(schema)].filter(Boolean).join(" · ");
  return { name, schema, input, node: el("div", { class: "field" }, label, input, el("p", {}, about)) };
}

// An empty field is an argument that is not given.
function read(fields) {
  return Object.fromEntries(fields.filter(({ input }) => input.value !== "").map(({ name, schema, input }) => [name, value(input.value, schema)]));
}

// The text as the schema's type where it is one, else as it stands, for the server to judge.
function value(text, schema) {
  const kind = [schema.type].flat()[0];
  if (kind === "string") return text;
  if (kind === "array") {
    if (!text.trim().startsWith("[")) return text.split(",").map((part) => value(part.trim(), schema.items ?? {}));
  } else if ((kind === "integer" || kind === "number") && !/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text.trim())) {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
