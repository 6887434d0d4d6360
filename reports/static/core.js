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

  /* A run's mark: its colour and shape, by its number in the report, the same on every tab. Ten of each, and a hundred
     pairs: the shapes shift by one with every ten runs. Shapes fit into a circle of radius 5. */
  const SHAPES = [
    "M0-4.2A4.2 4.2 0 1 1 0 4.2A4.2 4.2 0 1 1 0-4.2Z",  // circle
    "M-3.8-3.8H3.8V3.8H-3.8Z",  // square
    "M0-5.2L5.2 0L0 5.2L-5.2 0Z",  // diamond
    "M0-4.8L4.8 3.8H-4.8Z",  // triangle up
    "M0 4.8L4.8-3.8H-4.8Z",  // triangle down
    "M-1.6-4.8H1.6V-1.6H4.8V1.6H1.6V4.8H-1.6V1.6H-4.8V-1.6H-1.6Z",  // plus
    "M-4.5-2.3L-2.3-4.5L0-2.2L2.3-4.5L4.5-2.3L2.2 0L4.5 2.3L2.3 4.5L0 2.2L-2.3 4.5L-4.5 2.3L-2.2 0Z",  // cross
    "M0-5.4L1.4-1.7L5.2-1.7L2.2 .7L3.3 4.4L0 2.2L-3.3 4.4L-2.2 .7L-5.2-1.7L-1.4-1.7Z",  // star
    "M0-4.8A4.8 4.8 0 1 1 0 4.8A4.8 4.8 0 1 1 0-4.8ZM0-2.4A2.4 2.4 0 1 0 0 2.4A2.4 2.4 0 1 0 0-2.4Z",  // ring
    "M-4.6-4.2L4.6-4.2L1 0L4.6 4.2L-4.6 4.2L-1 0Z",  // hourglass
  ];
  const colour = (run) => `var(--c${(run % 10) + 1})`;
  /** A run's shape as the data of an SVG path around 0. */
  const shape = (run) => SHAPES[(run + Math.floor(run / 10)) % 10];
  /** A run's mark as an SVG path around (x, y). */
  function mark(run, x, y, title) {
    const made = svg("path", { d: shape(run), transform: `translate(${x} ${y})`, class: "mark" }, title ? svg("title", {}, title) : null);
    made.style.fill = colour(run);
    return made;
  }
  /** A run's mark beside its name. */
  const marker = (run) => svg("svg", { class: "marker", viewBox: "-6 -6 12 12", "aria-hidden": "true" }, mark(run, 0, 0));

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
    if (shown.hidden) scrollTo(0, 0);  // another tab begins at its top
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
  /** A difference, with its sign. */
  const signed = (value) => (value === null ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`);
  const probability = (p) => (p === null ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3));
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
  return { h, svg, colour, shape, mark, marker, data, inflate, address, go, number, signed, probability, percent, section: (id, own) => sections.set(id, own) };
})();
