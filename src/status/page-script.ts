/**
 * Script of the live page: fetches the page again when something happened, and every few seconds
 * while it is looked at, and carries the difference over into what is shown.
 *
 * The server makes all markup; the script never makes any, so text cannot become markup here.
 * Nodes that stay the same are left alone, so that focus, selection and open details stay.
 *
 * @module
 */

/** Content of the page's script element; its hash stands in the page's policy. */
export const pageScript = `
"use strict";
(() => {
  const refreshMs = 2000;
  const main = document.querySelector("main");
  const link = document.getElementById("link");
  const filter = document.getElementById("filter");
  let token = sessionStorage.getItem("appliance-token");
  let isLocked = main.dataset.locked !== undefined;
  let isBusy = false;
  let timer;

  const request = (path, extra) => {
    const headers = Object.assign({}, extra);
    if (token !== null) headers.Authorization = "Bearer " + token;
    return fetch(path, { headers, cache: "no-store", credentials: "omit" });
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
    const children = [...now.childNodes];
    for (const [index, child] of children.entries()) {
      const before = old.childNodes[index];
      if (before === undefined) old.append(child);
      else morph(before, child);
    }
    while (old.childNodes.length > children.length) old.lastChild.remove();
  };

  const applyFilter = () => {
    const words = filter.value.trim().toLowerCase();
    for (const row of main.querySelectorAll("tbody tr")) {
      row.hidden = words !== "" && !row.textContent.toLowerCase().includes(words);
    }
    if (words !== "") for (const more of main.querySelectorAll("details")) more.open = true;
  };

  const show = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    document.title = page.title;
    morph(main, page.querySelector("main"));
    isLocked = main.dataset.locked !== undefined;
    filter.hidden = isLocked;
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
      show(await answer.text());
      link.hidden = true;
    } catch {
      link.hidden = false;
    }
    isBusy = false;
    schedule(refreshMs);
  };

  const schedule = (delayMs) => {
    if (timer === undefined && !isLocked && !document.hidden) timer = setTimeout(refresh, delayMs);
  };

  const listen = async () => {
    let lastId;
    for (;;) {
      try {
        if (isLocked) throw new Error("locked");
        const answer = await request("/events", lastId ? { "Last-Event-ID": lastId } : {});
        if (!answer.ok) throw new Error(String(answer.status));
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          for (const found of value.matchAll(/^id: ([0-9]+)$/gm)) lastId = found[1];
          if (!value.includes("data:")) continue;
          clearTimeout(timer);
          timer = undefined;
          schedule(50);
        }
      } catch {
        // Tried again below.
      }
      await new Promise((resolve) => setTimeout(resolve, refreshMs));
    }
  };

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    token = document.getElementById("token").value.trim();
    sessionStorage.setItem("appliance-token", token);
    refresh();
  });
  document.addEventListener("visibilitychange", () => schedule(0));
  filter.addEventListener("input", applyFilter);
  filter.hidden = isLocked;
  if (isLocked && token !== null) refresh();
  else schedule(refreshMs);
  listen();
})();
`;
