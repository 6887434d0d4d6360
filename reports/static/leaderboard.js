"use strict";
/* The overview: sorting, a baseline, a category's benchmarks, a model's details.

   Addresses: #/leaderboard?q=&sort=&dir=&base=&ci=&open=   (all optional)
     q     only models whose name has this text     sort  a column's id: models by it, dir=asc lowest first
     base  a run's number: every cell is the difference from it, with p     ci    1: intervals in the cells
     open  categories whose benchmarks are shown, with commas

   The server rendered every score; this moves rows, shows columns, and adds differences from compare-data. */
(() => {
  const { h, data, go, number, signed, probability, marker } = harness;
  const KEYS = ["q", "sort", "dir", "base", "ci", "open"];
  const details = new Set();
  let root, info, table, lines, controls, figures;
  let state = {};

  const rowOf = (id) => info.rows.find((row) => row.id === id);
  const place = (id) => info.rows.findIndex((row) => row.id === id);
  const value = (id, run) => info.cells[place(id)]?.[run]?.[0] ?? null;
  const opened = () => new Set(state.open.split(",").filter(Boolean));
  const change = (changes) => go("leaderboard", { ...state, ...changes }, true);

  function start(section) {
    root = section;
    info = data("leaderboard-data");
    table = root.querySelector("#lb-board");
    figures = leaderboardFigures(root.querySelector("#lb-figures"), info, entryOf);
    if (table) collect(); else expandable(root.querySelector("#lb-single"));
    for (const numbers of root.querySelectorAll("table.lb-numbers")) sortable(numbers);
    makeControls();
    const top = document.querySelector(".top");
    const resized = new ResizeObserver(() => {
      document.documentElement.style.setProperty("--top", `${top.getBoundingClientRect().height}px`);
      figures.resize();
    });
    resized.observe(root);
    resized.observe(top); // also when the typeface is there
  }

  function show(query) {
    state = Object.fromEntries(KEYS.map((key) => [key, query.get(key) ?? ""]));
    for (const [key, control] of Object.entries(controls)) {
      if (control.type === "checkbox") control.checked = Boolean(state[key]);
      else if (document.activeElement !== control || control.tagName !== "INPUT") control.value = state[key];
    }
    arrange();
  }

  /* ---- the table of models ---- */

  function collect() {
    lines = new Map([...table.tBodies[0].rows].map((line) => [Number(line.dataset.run), line]));
    for (const th of table.tHead.querySelectorAll("th[data-row]")) {
      const row = rowOf(th.dataset.row);
      asButton(th, "Sort the models by this column", () => nextSort(row.id));
      const tasks = info.rows.filter((other) => other.kind === "task" && other.category === row.category);
      if (row.kind === "category" && tasks.length) {
        th.querySelector(".lb-head").prepend(expander(`Benchmarks of ${row.label}`, () => {
          const shown = opened();
          if (!shown.delete(row.category)) shown.add(row.category);
          change({ open: [...shown].join(",") });
        }, { of: row.category }));
      }
    }
    for (const [run, line] of lines) {
      line.cells[0].querySelector(".lb-head").prepend(expander(`Details of ${info.runs[run].name}`, () => {
        if (!details.delete(run)) details.add(run);
        arrange();
      }, { run }), marker(run));
    }
  }

  function asButton(th, hint, act) {
    const name = th.querySelector(".lb-name");
    const button = h("button", { class: "lb-sort", type: "button", title: `${th.title ? `${th.title}. ` : ""}${hint}`, on: { click: act } });
    name.replaceWith(button);
    button.append(name);
  }

  const expander = (label, act, dataset) => h("button", { class: "lb-expand", type: "button", dataset, "aria-expanded": "false", "aria-label": label, on: { click: act } });

  /** First down, then up, then as it was. */
  function nextSort(id) {
    if (state.sort !== id) change({ sort: id, dir: "" });
    else if (!state.dir) change({ dir: "asc" });
    else change({ sort: "", dir: "" });
  }

  function shownRuns() {
    const wanted = state.q.trim().toLowerCase();
    const runs = info.order.filter((run) => info.runs[run].name.toLowerCase().includes(wanted));
    if (!rowOf(state.sort)) return runs;
    const sign = state.dir === "asc" ? 1 : -1;
    return [...runs].sort((a, b) => {
      const [x, y] = [value(state.sort, a), value(state.sort, b)];
      if (x === null || y === null) return (x === null) - (y === null);  // what has no score stays last either way
      return sign * (x - y);
    });
  }

  function arrange() {
    const runs = table ? shownRuns() : info.order;
    if (table) {
      const focused = document.activeElement;
      const shown = opened();
      const single = (row) => info.rows.filter((other) => other.category === row.category).length === 1;
      for (const node of table.querySelectorAll("[data-row]")) {
        const row = rowOf(node.dataset.row);
        node.hidden = row.kind === "task" && !single(row) && !shown.has(row.category);
        if (node.tagName === "TH") set(node, "aria-sort", state.sort !== row.id ? null : state.dir === "asc" ? "ascending" : "descending");
      }
      for (const button of table.querySelectorAll(".lb-expand")) {
        const on = button.dataset.of ? shown.has(button.dataset.of) : details.has(Number(button.dataset.run));
        button.setAttribute("aria-expanded", String(on));
      }
      set(table, "data-intervals", state.ci ? "" : null);
      for (const line of table.querySelectorAll(".lb-details")) line.remove();
      for (const [run, line] of lines) if (!runs.includes(run)) line.remove();
      for (const run of runs) {
        table.tBodies[0].append(lines.get(run));
        if (details.has(run)) table.tBodies[0].append(detailsOf(run));
      }
      differences(runs);
      if (root.contains(focused)) focused.focus({ preventScroll: true });  // a line that is moved loses the focus
      table.hidden = !runs.length;
      root.querySelector("#lb-empty").hidden = Boolean(runs.length);
      root.querySelector("#lb-shown").textContent = `${runs.length} of ${info.runs.length} models${sorting()}`;
    }
    figures.draw(info.rows, runs);
  }

  function sorting() {
    const by = rowOf(state.sort);
    const base = info.runs[Number(state.base || -1)];
    return (by ? `, by ${by.label}, ${state.dir === "asc" ? "lowest" : "highest"} first` : "") + (base ? `, compared with ${base.name}` : "");
  }
  function set(node, name, text) { if (text === null) node.removeAttribute(name); else node.setAttribute(name, text); }

  /* ---- differences from a baseline ---- */

  function entryOf(base, run, row) {
    const pair = data("compare-data")?.pairs.find((each) => each.a === Math.min(base, run) && each.b === Math.max(base, run));
    if (!pair || pair.why !== undefined) return null;
    const entry = row.kind === "mean" ? pair.all
      : row.kind === "category" ? pair.groups.find((group) => group.mean.name === row.name)?.mean
        : pair.groups.flatMap((group) => group.tasks).find((task) => task.name === row.name);
    if (!entry || entry.d[0] === null) return null;
    const sign = pair.a === base ? 1 : -1;
    return { difference: sign * entry.d[0], p: entry.p, certain: sign * entry.certain };
  }

  function differences(runs) {
    for (const node of table.querySelectorAll(".lb-delta")) node.remove();
    const base = state.base === "" ? null : Number(state.base);
    set(table, "data-base", base === null || !info.runs[base] ? null : "");
    if (base === null || !info.runs[base]) return;
    for (const run of runs) for (const cell of lines.get(run).cells) {
      const row = rowOf(cell.dataset.row);
      if (row) cell.append(difference(base, run, row));
    }
  }

  function difference(base, run, row) {
    if (run === base) return h("span", { class: "lb-delta soft" }, number(value(row.id, run), row.scale >= 1000 ? 0 : 1));
    const entry = entryOf(base, run, row);
    if (!entry) return h("span", { class: "lb-delta soft", title: "Not compared" }, "–");
    const tone = entry.certain > 0 ? " good" : entry.certain < 0 ? " bad" : "";
    return h("span", { class: `lb-delta${tone}` }, signed(entry.difference), h("span", { class: "soft" }, `p ${probability(entry.p)}`));
  }

  /* ---- details ---- */

  /** The lines of the table of all numbers that a model has, under it. */
  function detailsOf(run) {
    const all = root.querySelector("#lb-numbers");
    const copy = h("table", { class: "lb-numbers", dataset: { details: "run" } }, all.tHead.cloneNode(true),
      h("tbody", {}, [...all.querySelectorAll(`tr[data-run="${run}"]`)].map((line) => line.cloneNode(true))));
    for (const button of copy.querySelectorAll("thead button")) button.replaceWith(button.textContent);
    const groups = info.rows.map((row) => [row, parts(row.id, [run], false, row.label)]).filter(([, made]) => made).map(([, made]) => made);
    return h("tr", { class: "lb-details" }, h("td", { colspan: lines.get(run).cells.length }, h("div", { class: "lb-inner" }, copy, groups)));
  }

  /** One run: a task's row opens its other metrics. */
  function expandable(single) {
    for (const line of single.querySelectorAll("tbody tr")) {
      const id = line.dataset.row;
      if (!info.metrics[id]) continue;
      const button = expander(`Details of ${rowOf(id).label}`, () => {
        const shown = button.getAttribute("aria-expanded") !== "true";
        button.setAttribute("aria-expanded", String(shown));
        if (shown) line.after(h("tr", { class: "lb-details" }, h("td", { colspan: line.cells.length }, h("div", { class: "lb-inner" }, parts(id, [0], true)))));
        else line.nextElementSibling.remove();
      });
      line.querySelector(".lb-head").prepend(button);
    }
  }

  /** A task's other metrics and groups. */
  function parts(id, runs, shown, title) {
    const metrics = info.metrics[id];
    if (!metrics) return null;
    const digits = rowOf(id).digits;
    const interval = (found) => (found[1] === null ? "" : `${number(found[1], digits)} – ${number(found[2], digits)}, `);
    const cellOf = (found) => h("td", {}, found ? [number(found[0], digits), " ",
      h("span", { class: "soft" }, `${interval(found)}n ${found[3]}`)] : "–");
    const line = ([label, found]) => h("tr", {}, h("th", { scope: "row" }, label), runs.map((run) => cellOf(found[run])));
    const bodies = metrics.map(({ name, groups }) => h("tbody", {}, groups.length === 1 && !groups[0][0] ? line([name, groups[0][1]])
      : [h("tr", {}, h("th", { scope: "rowgroup", colspan: runs.length + 1 }, name)), groups.map(line)]));
    return h("details", { class: "lb-parts", open: shown }, h("summary", {}, `${title ? `${title}: other` : "Other"} metrics and groups`),
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Metric"), runs.map((run) => h("th", { scope: "col" }, info.runs[run].name)))), bodies));
  }

  /* ---- the tables of all numbers ---- */

  function sortable(numbers) {
    [...numbers.tHead.rows[0].cells].forEach((th, column) => {
      const text = th.textContent.trim();
      th.replaceChildren(h("button", { class: "lb-sort", type: "button", on: { click: () => sortColumn(numbers, th, column) } }, text));
    });
  }

  function sortColumn(numbers, th, column) {
    const up = th.getAttribute("aria-sort") === "descending";
    for (const other of th.parentElement.cells) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (line) => {
      const text = line.cells[column].textContent.trim();
      const found = /^[<(]?(-?\d+(\.\d+)?)/.exec(text);
      return found ? Number(found[1]) : column < 2 && text ? text : null;
    };
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      return (up ? 1 : -1) * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
    };
    for (const body of numbers.tBodies) {
      for (const line of body.querySelectorAll(".lb-details")) line.remove();
      const all = [...body.rows];
      for (const button of body.querySelectorAll(".lb-expand")) button.setAttribute("aria-expanded", "false");
      const fixed = numbers.id === "lb-single" ? all.filter((line) => !line.classList.contains("lb-task")) : [];
      body.append(...fixed, ...all.filter((line) => !fixed.includes(line)).sort(compare));
    }
  }

  /* ---- controls ---- */

  function makeControls() {
    const bar = root.querySelector("#lb-controls");
    controls = {};
    if (table) {
      const on = (key, node, read) => { node.addEventListener("input", () => change({ [key]: read(node) })); return node; };
      const options = info.order.map((run) => h("option", { value: run }, info.runs[run].name));
      controls.q = on("q", h("input", { type: "search", placeholder: "part of a name" }), (node) => node.value);
      controls.base = on("base", h("select", {}, h("option", { value: "" }, "none"), options), (node) => node.value);
      controls.ci = on("ci", h("input", { type: "checkbox" }), (node) => (node.checked ? "1" : ""));
      bar.append(h("label", {}, "Models", controls.q), h("label", {}, "Baseline: Δ and p (Holm)", controls.base),
        h("label", { class: "lb-check" }, controls.ci, " 95 % intervals"));
      const categories = info.rows.filter((row) => row.kind === "category").map((row) => row.category);
      bar.append(h("button", { type: "button", on: { click: () => change({ open: opened().size < categories.length ? categories.join(",") : "" }) } }, "All benchmarks"));
    }
    bar.append(h("span", { class: "lb-copy", role: "group", "aria-label": "Copy the table" }, [["markdown", "Markdown"], ["latex", "LaTeX"], ["csv", "CSV"]].map(copier)));
    bar.hidden = false;
  }

  function copier([kind, name]) {
    const button = h("button", { type: "button", on: { click: async () => {
      try {
        await navigator.clipboard.writeText(data("leaderboard-copies")[kind]);
        button.textContent = "Copied";
      } catch { button.textContent = "Not allowed"; }
      setTimeout(() => { button.textContent = `Copy ${name}`; }, 1500);
    } } }, `Copy ${name}`);
    return button;
  }

  harness.section("leaderboard", { start, show });
})();
