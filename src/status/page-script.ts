/**
 * Script of the live page: fetches the page again when something happened, and every few seconds
 * while it is looked at, and carries the difference over into what is shown. With a write token it
 * drains and enables real servers.
 *
 * The server makes all markup; the script never makes any, so text cannot become markup here.
 * Nodes that stay the same are left alone, so that focus, selection and open details stay; rows
 * are known by their key, so that a button never becomes that of another real server.
 *
 * @module
 */

/** Content of the page's script element; its hash stands in the page's policy. */
export const pageScript = `
"use strict";
(() => {
  const refreshMs = 2000;
  const main = document.querySelector("main");
  const at = (id) => document.getElementById(id);
  const link = at("link");
  const filter = at("filter");
  const told = at("told");
  const access = at("access");
  let token = sessionStorage.getItem("appliance-token");
  let writeToken;
  let isLocked = main.dataset.locked !== undefined;
  let isBusy = false;
  let tookMs = 0;
  let timer;
  let dueMs;

  const request = (path, extra, signal) => {
    const headers = Object.assign({}, extra);
    if (token !== null) headers.Authorization = "Bearer " + token;
    return fetch(path, { headers, cache: "no-store", credentials: "omit", signal });
  };

  const keyOf = (node) => (node === null ? undefined : node.dataset?.key);
  const place = (parent, node, before) => {
    // Keeps focus where the browser can.
    if (parent.moveBefore) parent.moveBefore(node, before);
    else parent.insertBefore(node, before);
  };
  const morphChildren = (old, now) => {
    const children = [...now.childNodes];
    const wanted = new Set(children.map(keyOf));
    const kept = new Map();
    for (const child of [...old.childNodes]) {
      const key = keyOf(child);
      if (key === undefined) continue;
      if (wanted.has(key)) kept.set(key, child);
      else child.remove();
    }
    for (const [index, child] of children.entries()) {
      const there = old.childNodes[index] ?? null;
      const key = keyOf(child);
      const free = keyOf(there) === undefined ? there : null;
      const same = key === undefined ? free : (kept.get(key) ?? null);
      kept.delete(key);
      if (same === null) {
        old.insertBefore(child, there);
        continue;
      }
      if (same !== there) place(old, same, there);
      morph(same, child);
    }
    while (old.childNodes.length > children.length) old.lastChild.remove();
  };

  const keptAttributes = ["open", "hidden"];
  const morph = (old, now) => {
    if (old.nodeName !== now.nodeName || old.id !== now.id) return old.replaceWith(now);
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== now.data) old.data = now.data;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!now.hasAttribute(name) && !keptAttributes.includes(name)) old.removeAttribute(name);
    }
    for (const { name, value } of now.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    morphChildren(old, now);
  };

  let isFiltered = false;
  const applyFilter = () => {
    const words = filter.value.trim().toLowerCase();
    if (words === "" && !isFiltered) return;
    isFiltered = words !== "";
    const has = (node) => node.textContent.toLowerCase().includes(words);
    for (const service of main.querySelectorAll(".service")) {
      const isNamed = has(service.querySelector("h2"));
      let isFound = isNamed;
      for (const row of service.querySelectorAll("tbody tr")) {
        const isShown = isNamed || has(row);
        row.hidden = !isShown;
        isFound ||= isShown;
      }
      service.hidden = !isFound;
      const more = service.querySelector("details");
      if (isFiltered && isFound && more !== null) more.open = true;
    }
  };

  const showControls = () => {
    filter.hidden = isLocked;
    if (access !== null) access.hidden = isLocked;
  };

  const show = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    if (document.title !== page.title) document.title = page.title;
    morph(main, page.querySelector("main"));
    isLocked = main.dataset.locked !== undefined;
    showControls();
    applyFilter();
  };

  const refresh = async () => {
    clearTimeout(timer);
    timer = undefined;
    if (isBusy) return schedule(200);
    isBusy = true;
    try {
      const answer = await request("/", { Accept: "text/html" });
      if (!answer.ok && answer.status !== 401) throw new Error(String(answer.status));
      const text = await answer.text();
      const startMs = performance.now();
      show(text);
      tookMs = performance.now() - startMs;
      link.hidden = true;
    } catch {
      link.hidden = false;
    }
    isBusy = false;
    // A page that takes long is shown less often: the reader's device has other things to do.
    schedule(Math.max(refreshMs, 10 * tookMs));
  };

  const schedule = (delayMs) => {
    if (isLocked || document.hidden) return;
    const wantedMs = performance.now() + delayMs;
    if (timer !== undefined && dueMs <= wantedMs) return;
    clearTimeout(timer);
    dueMs = wantedMs;
    timer = setTimeout(refresh, delayMs);
  };

  // A browser makes few connections to one host: a page that nobody looks at must not keep one.
  let following;
  const listen = async () => {
    let lastId;
    for (;;) {
      try {
        if (isLocked || document.hidden) throw new Error("not looked at");
        following = new AbortController();
        const extra = lastId ? { "Last-Event-ID": lastId } : {};
        const answer = await request("/events", extra, following.signal);
        if (!answer.ok) throw new Error(String(answer.status));
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          for (const found of value.matchAll(/^id: ([0-9]+)$/gm)) lastId = found[1];
          if (value.includes("data:")) schedule(Math.max(50, 2 * tookMs));
        }
      } catch {
        // Tried again below.
      }
      await new Promise((resolve) => setTimeout(resolve, refreshMs));
    }
  };

  let toldTimer;
  const tell = (text, isBad) => {
    clearTimeout(toldTimer);
    // What went well need not stay over the page.
    if (!isBad) toldTimer = setTimeout(() => told.replaceChildren(), 10000);
    told.textContent = text;
    told.classList.toggle("bad", isBad);
  };
  const forget = () => {
    writeToken = undefined;
    at("allow").hidden = false;
    at("allowed").hidden = true;
    delete document.documentElement.dataset.write;
  };
  const post = async (change) => {
    const headers = { Authorization: "Bearer " + writeToken, "Content-Type": "application/json" };
    const body = JSON.stringify(change);
    const answer = await fetch("/servers/change", {
      method: "POST", headers, body, cache: "no-store", credentials: "omit",
    });
    return { status: answer.status, result: await answer.json() };
  };
  const allow = async () => {
    const field = at("write-token");
    writeToken = field.value.trim();
    field.value = "";
    try {
      // Changes nothing: a body without a change is refused with 400, but a wrong token before.
      const { status, result } = await post({});
      if (status !== 400) throw new Error(result.message);
      at("allow").hidden = true;
      at("allowed").hidden = false;
      document.documentElement.dataset.write = "";
      tell("Changes are allowed on this page.", false);
      at("forget").focus();
    } catch (error) {
      forget();
      tell("Not allowed: " + error.message, true);
      field.focus();
    }
  };
  const change = async (button) => {
    const { action, server, service } = button.dataset;
    const what = server + " of " + service;
    if (writeToken === undefined) return;
    if (action === "drain" && !confirm("Drain " + what + "? It gets nothing new.")) return;
    try {
      const { status, result } = await post({ action, server, service });
      if (status === 401 || status === 403) forget();
      if (status !== 200) throw new Error(result.message);
      const done = (action === "drain" ? "Drained " : "Enabled ") + what + ".";
      tell(result.warning === undefined ? done : done + " " + result.warning, false);
    } catch (error) {
      tell("Nothing was changed: " + error.message, true);
    }
    refresh();
  };

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.id === "allow") return void allow();
    token = at("token").value.trim();
    sessionStorage.setItem("appliance-token", token);
    refresh();
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button === null) return;
    if (button.id === "forget") {
      forget();
      tell("The token is forgotten.", false);
    } else if (button.dataset.action !== undefined) change(button);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) following?.abort();
    schedule(0);
  });
  filter.addEventListener("input", applyFilter);
  showControls();
  if (isLocked && token !== null) refresh();
  else schedule(refreshMs);
  listen();
})();
`;
