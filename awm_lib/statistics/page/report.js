// The index of environments: searched and sorted over short rows, listed a page at a time, opened on demand.
// Texts reach the page as text only (textContent), so nothing in an environment can run here.
"use strict";
(() => {
  const PAGE = 40;
  const SVG = "http://www.w3.org/2000/svg";
  const { block, tools, environments } = JSON.parse(document.getElementById("index").textContent);
  const FIELDS = ["name", "title", "category", "niche", "about", "tools", "tables", "rows", "tasks", "calls", "hard", "passed", "has"];
  const all = environments.map((row, place) => {
    const one = { place };
    FIELDS.forEach((field, at) => { one[field] = row[at]; });
    one.text = [one.name, one.title, one.category, one.niche, one.about].join(" ").toLowerCase();
    return one;
  });
  const ORDERS = { category: "", tools: "tools", tables: "tables", rows: "rows", "calls per task": "calls", "hard tasks": "hard" };
  const blocks = new Map();
  const $ = (id) => document.getElementById(id);
  let shown = [];
  let listed = 0;

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function draw(tag, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  const badge = (kind, text = kind) => make("span", { class: `badge ${kind}` }, text);
  const many = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

  // Details are packed, some environments together; a block is unpacked once.
  function details(place) {
    const number = Math.floor(place / block);
    if (!blocks.has(number)) {
      const bytes = Uint8Array.from(atob($(`block${number}`).textContent), (letter) => letter.charCodeAt(0));
      const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      blocks.set(number, new Response(plain).json());
    }
    return blocks.get(number).then((list) => list[place % block]);
  }

  // --- the list ---------------------------------------------------------------------------------------------------

  function matches(one, words, ids) {
    return words.every((word, at) => one.text.includes(word) || one.has.some((tool) => ids[at].has(tool)));
  }

  function refresh() {
    const words = $("query").value.toLowerCase().split(/\s+/).filter(Boolean);
    const ids = words.map((word) => new Set(tools.flatMap((tool, at) => (tool.includes(word) ? [at] : []))));
    const category = $("category").value;
    const field = ORDERS[$("order").value];
    shown = all.filter((one) => (!category || one.category === category) && matches(one, words, ids));
    if (field) shown.sort((a, b) => b[field] - a[field] || a.place - b.place);
    $("found").textContent = `${shown.length.toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
    $("list").replaceChildren();
    listed = 0;
    more();
  }

  function more() {
    $("list").append(...shown.slice(listed, listed + PAGE).map(entry));
    listed = Math.min(listed + PAGE, shown.length);
    $("more").hidden = listed >= shown.length;
  }

  function entry(one) {
    const head = make("button", { type: "button", "aria-expanded": "false" },
      make("span", {}, make("b", {}, one.title), make("span", { class: "name" }, one.name)),
      make("span", { class: "sizes" },
        `${many(one.tools, "tool")} · ${many(one.tables, "table")} · ${many(one.rows, "row")} · ${many(one.tasks, "task")}`,
        ...(one.passed ? [] : [" ", badge("failed", "not certified")])),
      make("span", { class: "about" }, one.about));
    const box = make("div", { class: "env", "data-name": one.name }, head);
    head.addEventListener("click", () => toggle(box, head, one));
    return box;
  }

  function toggle(box, head, one) {
    const open = !box.hasAttribute("data-open");
    box.toggleAttribute("data-open", open);
    head.setAttribute("aria-expanded", String(open));
    if (!open) {
      box.querySelector(".body")?.remove();
      return Promise.resolve();
    }
    const body = make("div", { class: "body" });
    box.append(body);
    return details(one.place).then(
      (found) => body.append(...content(one, found)),
      (error) => body.append(make("p", { class: "bad" }, `The details cannot be unpacked in this browser: ${error.message}`)),
    );
  }

  // --- one environment --------------------------------------------------------------------------------------------

  function content(one, found) {
    const facts = [one.category, one.niche, found.modules.length ? `modules: ${found.modules.join(", ")}` : ""].filter(Boolean);
    const parts = [make("p", { class: "note" }, facts.join(" · "))];
    for (const reason of found.reasons) parts.push(make("p", { class: "bad" }, reason));
    const tables = tableList(found.schema);
    parts.push(make("h3", {}, `Schema: ${many(found.schema.length, "table")}`), diagram(found.schema, tables), tables);
    parts.push(make("h3", {}, many(found.tasks.length, "task")), make("ul", { class: "tasks" }, ...found.tasks.map(task)));
    parts.push(make("h3", {}, many(found.tools.length, "tool")), toolTable(found.tools));
    return parts;
  }

  function task(one) {
    const facts = make("div", { class: "facts" }, make("code", {}, one.task), badge(one.level), badge(one.kind),
      ...(one.answer ? [`answers with: ${one.answer}`] : []), ...(one.passed ? [] : [badge("failed", "not proven")]));
    const calls = one.calls.map(([tool, refused, when]) => `${tool}${refused ? ` (refused: ${refused})` : ""}${when ? " (if needed)" : ""}`);
    return make("li", {}, facts, make("p", {}, one.instruction), make("p", { class: "calls" }, calls.join(" → ")));
  }

  function toolTable(list) {
    const rows = list.map(([name, effect, destructive, parameters, checks, summary]) => make("tr", {},
      make("th", { scope: "row" }, name), make("td", {}, destructive ? badge("destructive") : badge(effect)),
      make("td", { class: "n" }, String(parameters)), make("td", { class: "n" }, String(checks)), make("td", {}, summary)));
    const head = make("tr", {}, ...["tool", "effect"].map((name) => make("th", {}, name)),
      ...["parameters", "rules"].map((name) => make("th", { class: "n" }, name)), make("th", {}, "summary"));
    return make("div", { class: "scroll" }, make("table", { class: "tools" }, make("thead", {}, head), make("tbody", {}, ...rows)));
  }

  function tableList(schema) {
    return make("div", { class: "tables" }, ...schema.map(([name, count, columns]) => make("div", { "data-table": name },
      make("b", {}, name, make("small", {}, `  ${many(count, "row")}`)),
      ...columns.map(([column, type, key, refers]) => make("span", {}, key ? `${column} ◆ ` : `${column} `,
        make("i", {}, refers ? `${type} → ${refers}` : type))))));
  }

  // Tables in layers: to the right of everything that they refer to. A reference back to a table that is still being
  // placed (a cycle, or a table's own key) does not count.
  function layers(schema) {
    const refers = new Map(schema.map(([name, , columns]) => [name,
      [...new Set(columns.filter((column) => column[3]).map((column) => column[3].split(".")[0]))].filter((to) => to !== name)]));
    const depth = new Map();
    const place = (name, path) => {
      if (depth.has(name)) return depth.get(name);
      const below = (refers.get(name) ?? []).filter((to) => refers.has(to) && !path.includes(to));
      const found = below.length ? 1 + Math.max(...below.map((to) => place(to, [...path, name]))) : 0;
      depth.set(name, found);
      return found;
    };
    for (const [name] of schema) place(name, []);
    return { refers, depth };
  }

  function diagram(schema, tables) {
    const { refers, depth } = layers(schema);
    const columns = [];
    for (const row of schema) (columns[depth.get(row[0])] ??= []).push(row);
    const boxes = new Map();
    let left = 4;
    let height = 0;
    for (const column of columns) {
      // Near what they refer to, so that fewer lines cross.
      const near = (name) => {
        const places = refers.get(name).filter((to) => boxes.has(to)).map((to) => boxes.get(to).y);
        return places.length ? places.reduce((a, b) => a + b) / places.length : Infinity;
      };
      column.sort((a, b) => near(a[0]) - near(b[0]) || 0);
      const width = Math.max(...column.map(([name, count]) => name.length * 7.1 + String(count).length * 6 + 30));
      column.forEach(([name, count], at) => boxes.set(name, { x: left, y: 4 + at * 36, width, count }));
      left += width + 64;
      height = Math.max(height, column.length * 36);
    }
    const svg = draw("svg", { width: left - 56, height: height + 4, role: "img", "aria-label": `diagram of ${schema.length} tables` });
    const lines = [];
    for (const [from, list] of refers) {
      for (const to of list) {
        const [a, b] = [boxes.get(from), boxes.get(to)];
        if (!a || !b) continue;
        const [x1, y1, x2, y2] = [a.x, a.y + 13, b.x + b.width, b.y + 13];
        const bend = Math.max(24, Math.abs(x1 - x2) / 2);
        const line = draw("path", { d: `M${x1} ${y1} C${x1 - bend} ${y1} ${x2 + bend} ${y2} ${x2} ${y2}` });
        lines.push([from, to, line]);
        svg.append(line);
      }
    }
    for (const [name, box] of boxes) {
      const group = draw("g", { "data-table": name },
        draw("rect", { x: box.x, y: box.y, width: box.width, height: 26, rx: 5 }),
        draw("text", { x: box.x + 9, y: box.y + 17 }, name),
        draw("text", { class: "rows", x: box.x + box.width - 8, y: box.y + 17, "text-anchor": "end" }, String(box.count)));
      const light = (on) => {
        group.classList.toggle("on", on);
        tables.querySelector(`[data-table="${CSS.escape(name)}"]`)?.classList.toggle("on", on);
        for (const [from, to, line] of lines) if (from === name || to === name) line.classList.toggle("on", on);
      };
      group.addEventListener("mouseenter", () => light(true));
      group.addEventListener("mouseleave", () => light(false));
      group.addEventListener("click", () => tables.querySelector(`[data-table="${CSS.escape(name)}"]`)?.scrollIntoView({ block: "center" }));
      svg.append(group);
    }
    return make("div", { class: "diagram" }, svg);
  }

  // --- the map ----------------------------------------------------------------------------------------------------

  // Pointing at a dot says its name and lights its category.
  function wire(map) {
    const dots = [...map.querySelectorAll("circle")];
    const hint = $("pointed").textContent;
    map.addEventListener("mouseover", (event) => {
      const dot = event.target.closest("circle");
      map.classList.toggle("lit", dot !== null);
      $("pointed").textContent = dot ? dot.querySelector("title").textContent : hint;
      if (dot) for (const other of dots) other.classList.toggle("on", other.dataset.group === dot.dataset.group);
    });
    map.addEventListener("mouseleave", () => { map.classList.remove("lit"); $("pointed").textContent = hint; });
    map.addEventListener("click", (event) => {
      const dot = event.target.closest("circle");
      if (dot) location.hash = dot.dataset.name;
    });
  }

  // --- start ------------------------------------------------------------------------------------------------------

  // #e_commerce_33 opens that environment.
  function follow() {
    const one = all.find((each) => each.name === decodeURIComponent(location.hash.slice(1)));
    if (!one) return;
    $("query").value = one.name;
    $("category").value = "";
    refresh();
    const box = $("list").querySelector(`[data-name="${CSS.escape(one.name)}"]`);
    toggle(box, box.querySelector("button"), one).then(() => box.scrollIntoView());
  }

  for (const name of [...new Set(all.map((one) => one.category))]) $("category").append(make("option", { value: name }, name));
  for (const name of Object.keys(ORDERS)) $("order").append(make("option", { value: name }, name));
  for (const [id, event] of [["query", "input"], ["category", "change"], ["order", "change"]]) $(id).addEventListener(event, refresh);
  $("more").addEventListener("click", more);
  new IntersectionObserver((entries) => { if (entries.some((each) => each.isIntersecting)) more(); }, { rootMargin: "600px" }).observe($("more"));
  window.addEventListener("hashchange", follow);
  for (const map of document.querySelectorAll("svg.map")) wire(map);
  refresh();
  follow();
})();
