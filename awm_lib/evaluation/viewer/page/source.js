"use strict";
// Where data comes from: a server that reads the runs as they are, or, in an export, scripts beside the page.

const received = {};
const loading = {};

// Scripts of an export call this.
function receive(pieces) {
  Object.assign(received, pieces);
}

function loadScript(path) {
  loading[path] ??= new Promise((resolve, reject) => {
    const script = el("script", { src: path });
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${path} is missing`));
    document.head.append(script);
  });
  return loading[path];
}

const isExport = location.protocol === "file:" || document.documentElement.hasAttribute("data-export");

async function load(...path) {
  const key = path.join("/");
  const data = isExport ? await fromScripts(key, path) : await fromServer(path);
  if (data.error) throw new Error(data.error.message);
  return data;
}

async function fromServer(path) {
  let response;
  try {
    response = await fetch(`data/${path.map(encodeURIComponent).join("/")}`);
  } catch (error) {
    throw new Error(`the viewer does not answer (${error.message}); was it stopped?`);
  }
  return response.json();
}

async function fromScripts(key, path) {
  await loadScript("data/index.js");
  if (!(key in received) && path.length > 2) await loadScript(`data/${path[1]}/${path[2]}.js`);
  if (!(key in received)) throw new Error(`the export has no ${key}`);
  return received[key];
}
