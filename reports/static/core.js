"use strict";
/* What every section uses: elements without innerHTML, data blocks, the address, numbers.

   A section registers itself: harness.section("samples", { start(root) {…}, show(query) {…} }).
   `start` runs once, when the section is first shown; `show` at each change of its address,
   with its URLSearchParams. Addresses are "#/<section>?key=value". */
const harness = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const sections = new Map();
  const started = new Set();

  /** An element. Attributes: `class`, `on` ({event: listener}), `dataset`, true/false/null, else text. Children: nodes or text. */
  function element(namespace, tag, attributes, children) {
    const made = namespace ? document.createElementNS(namespace, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
      else if (name === "dataset") Object.assign(made.dataset, value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }
  const h = (tag, attributes, ...children) => element(null, tag, attributes, children);
  const svg = (tag, attributes, ...children) => element(SVG, tag, attributes, children);

  /** The JSON of a data block; null where the page has none of that id. */
  const parsed = new Map();
  function data(id) {
    if (!parsed.has(id)) {
      const block = document.getElementById(id);
      parsed.set(id, block ? JSON.parse(block.textContent) : null);
    }
    return parsed.get(id);
  }

  /** Base64 of gzipped UTF-8 JSON, read back. */
  async function inflate(text) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let place = 0; place < raw.length; place++) bytes[place] = raw.charCodeAt(place);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  /** The address of a section with a query ({key: value}; empty values are left out). */
  function address(section, query) {
    const kept = Object.entries(query ?? {}).filter(([, value]) => value !== "" && value !== null && value !== undefined);
    const text = new URLSearchParams(kept).toString();
    return `#/${section}${text ? "?" + text : ""}`;
  }
  /** Go to an address; `replace` leaves no step in the history. */
  function go(section, query, replace) {
    const where = address(section, query);
    if (where === location.hash) return;
    if (replace) { history.replaceState(null, "", where); route(); } else location.hash = where;
  }

  function route() {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
    const all = [...document.querySelectorAll("[data-section]")];
    const shown = all.find((section) => section.dataset.section === path) ?? all[0];
    if (!shown) return;
    const id = shown.dataset.section;
    for (const section of all) section.hidden = section !== shown;
    for (const tab of document.querySelectorAll("[data-tab]")) {
      if (tab.dataset.tab === id) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    const own = sections.get(id);
    if (own && !started.has(id)) { started.add(id); own.start?.(shown); }
    own?.show?.(new URLSearchParams(query ?? ""));
  }

  /** A number with so many decimals, "–" where there is none. */
  const number = (value, decimals = 1) => (value === null || value === undefined ? "–" : value.toFixed(decimals));
  const percent = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)} %`);

  /** The theme: automatic, or what was chosen, kept where the browser lets a file keep anything. */
  function theme() {
    const select = document.getElementById("theme");
    if (!select) return;
    const stored = (write) => { try { return write === undefined ? localStorage.getItem("harness-theme") : localStorage.setItem("harness-theme", write); } catch { return null; } };
    const apply = () => { if (select.value) document.documentElement.dataset.theme = select.value; else delete document.documentElement.dataset.theme; };
    select.value = stored() ?? "";
    select.addEventListener("change", () => { stored(select.value); apply(); });
    apply();
    select.parentElement.hidden = false;
  }

  addEventListener("hashchange", route);
  addEventListener("DOMContentLoaded", theme);
  addEventListener("DOMContentLoaded", route);
  return { h, svg, data, inflate, address, go, number, percent, section: (id, own) => sections.set(id, own) };
})();
