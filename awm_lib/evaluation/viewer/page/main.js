"use strict";
// Which page an address shows. While a run goes on, its pages are drawn anew every two seconds if their data changed.

const REFRESH_MS = 2000;
let drawn = "";

function route() {
  return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
}

async function view(path) {
  const [kind, ...rest] = path;
  if (kind === "compare" && rest.length === 2) return showComparison(...rest);
  if (kind === "run" && rest.length === 1) return showRun(...rest);
  if (kind === "run" && rest.length === 2) return showEnvironment(...rest);
  if (kind === "run" && rest.length === 4) return showTrial(...rest);
  return showRuns();
}

function trail(path) {
  const parts = [link([], "Evaluations")];
  if (path[0] === "run") {
    const names = path.slice(1);
    names.slice(0, 2).forEach((name, at) => parts.push(link(["run", ...names.slice(0, at + 1)], name)));
    if (names.length === 4) parts.push(el("span", {}, `${names[2]}, trial ${names[3]}`));
  } else if (path[0] === "compare") {
    parts.push(el("span", {}, `${path[1]} against ${path[2]}`));
  }
  document.getElementById("trail").replaceChildren(...parts);
}

async function draw(fresh) {
  const path = route();
  const main = document.getElementById("main");
  let found;
  try {
    found = (await view(path)).flat().filter(Boolean);
  } catch (error) {
    found = [card(null, el("p", { class: "problem" }, error.message))];
  }
  if (route().join("/") !== path.join("/")) return; // the person has gone on meanwhile
  const next = found.map((node) => node.outerHTML).join("");
  if (fresh || next !== drawn) {
    drawn = next;
    main.replaceChildren(...found);
    document.title = ["Evaluations", ...path.slice(1)].join(" / ");
  }
  if (fresh) {
    trail(path);
    window.scrollTo(0, 0);
  }
}

async function refresh() {
  if (!isExport && !document.hidden) {
    const { runs } = await load("runs").catch(() => ({ runs: [] }));
    const [kind, name] = route();
    const watched = kind === "run" ? runs.filter((run) => run.name === name) : runs;
    const live = watched.some((run) => !run.finished);
    const wasLive = !document.getElementById("live").hidden;
    document.getElementById("live").hidden = !live;
    const typing = document.activeElement?.id === "filter";
    if ((live || wasLive) && !typing) await draw(false);
  }
  setTimeout(refresh, REFRESH_MS);
}

window.addEventListener("hashchange", () => draw(true));
draw(true).then(refresh);
