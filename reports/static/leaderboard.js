"use strict";
/* The leaderboard: sorting, filters, either orientation, a row's details.

   Addresses: #/leaderboard?category=&q=&sort=&dir=&by=&layout=&density=   (all optional)
     category  only this category          q        only models whose name has this text
     sort      a row's id: models by it    by       a run's number: tasks by it, within their categories
     dir       asc                         layout   models: a row a model
     density   compact | standard | full

   The server rendered every cell; this moves them about and never makes one anew. */
(() => {
  const { h, data, go, number } = harness;
  const KEYS = ["category", "q", "sort", "dir", "by", "layout", "density"];
  const open = new Set();
  let root, info, table, columns, lines, cells, controls, figures;
  let state = {};

  function start(section) {
    root = section;
    info = data("leaderboard-data");
    table = root.querySelector("#lb-board");
    figures = leaderboardFigures(root.querySelector("#lb-figures"), info);
    if (table) collect(); else expandable(root.querySelector("#lb-single"));
    for (const numbers of root.querySelectorAll("table.lb-numbers")) sortable(numbers);
    makeControls();
    new ResizeObserver(() => figures.resize()).observe(root);
  }

  function show(query) {
    state = Object.fromEntries(KEYS.map((key) => [key, query.get(key) ?? ""]));
    for (const [key, control] of Object.entries(controls)) {
      if (document.activeElement !== control || control.tagName !== "INPUT") control.value = state[key] || control.dataset.first || "";
    }
    arrange();
  }

  function change(changes) { go("leaderboard", { ...state, ...changes }, true); }

  /* ---- the table ---- */

  function collect() {
    columns = new Map(); lines = new Map(); cells = new Map();
    for (const th of table.querySelectorAll("thead th[data-run]")) columns.set(Number(th.dataset.run), th);
    for (const th of table.querySelectorAll("tbody th[data-row]")) lines.set(th.dataset.row, th);
    for (const td of table.querySelectorAll("td[data-row]")) cells.set(`${td.dataset.row}|${td.dataset.run}`, td);
    for (const [run, th] of columns) {
      asButton(th, "Sort tasks by this model", () => nextSort("by", String(run)));
      th.querySelector(".lb-head").prepend(expander(`run:${run}`, info.runs[run].name), figures.marker(run));
    }
    for (const [row, th] of lines) {
      asButton(th, "Sort models by this row", () => nextSort("sort", row));
      th.querySelector(".lb-head").prepend(expander(row, rowOf(row).label));
    }
  }

  /** One run: a task's row opens its other metrics. */
  function expandable(single) {
    for (const line of single.querySelectorAll("tbody tr")) {
      const id = line.dataset.row;
      if (!info.metrics[id]) continue;
      const button = expander(id, rowOf(id).label);
      button.onclick = () => {
        const shown = button.getAttribute("aria-expanded") !== "true";
        button.setAttribute("aria-expanded", String(shown));
        if (shown) line.after(h("tr", { class: "lb-details" }, h("td", { colspan: line.cells.length }, h("div", { class: "lb-inner" }, parts(id, [0], true)))));
        else line.nextElementSibling.remove();
      };
      line.querySelector(".lb-head").prepend(button);
    }
  }

  function asButton(th, hint, act) {
    const name = th.querySelector(".lb-name");
    const button = h("button", { class: "lb-sort", type: "button", title: hint, on: { click: act } });
    name.replaceWith(button);
    button.append(name);
  }

  function expander(id, name) {
    const toggle = () => {
      if (!open.delete(id)) open.add(id);
      arrange();
    };
    return h("button", { class: "lb-expand", type: "button", dataset: { of: id }, "aria-expanded": "false",
      "aria-label": `Details of ${name}`, on: table ? { click: toggle } : {} });
  }

  const rowOf = (id) => info.rows.find((row) => row.id === id);
  const value = (row, run) => info.cells[info.rows.indexOf(rowOf(row))]?.[run]?.[0] ?? null;

  /** First down, then up, then as it was. */
  function nextSort(key, id) {
    const other = key === "sort" ? "by" : "sort";
    if (state[key] !== id) change({ [key]: id, [other]: "", dir: "" });
    else if (!state.dir) change({ dir: "asc" });
    else change({ [key]: "", dir: "" });
  }

  /** Sorted by a number; what has none stays last either way. */
  function sorted(items, number) {
    const sign = state.dir === "asc" ? 1 : -1;
    return [...items].sort((a, b) => {
      const [x, y] = [number(a), number(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (x - y);
    });
  }

  function shownRuns() {
    const wanted = state.q.trim().toLowerCase();
    const runs = info.order.filter((run) => info.runs[run].name.toLowerCase().includes(wanted));
    return rowOf(state.sort) ? sorted(runs, (run) => value(state.sort, run)) : runs;
  }

  function shownRows() {
    const rows = info.rows.filter((row) => !state.category || row.category === state.category);
    if (!state.by || !info.runs[Number(state.by)]) return rows;
    const groups = Map.groupBy ? Map.groupBy(rows, (row) => row.category) : grouped(rows);
    return [...groups.values()].flatMap((group) => [
      ...group.filter((row) => row.kind !== "task"),
      ...sorted(group.filter((row) => row.kind === "task"), (row) => {
        const found = value(row.id, Number(state.by));
        return found === null ? null : found / row.scale;
      }),
    ]);
  }

  function grouped(rows) {
    const groups = new Map();
    for (const row of rows) groups.set(row.category, [...(groups.get(row.category) ?? []), row]);
    return groups;
  }

  function arrange() {
    const rows = shownRows();
    const runs = shownRuns();
    const focused = document.activeElement;
    if (table) {
      const { scrollLeft, scrollTop } = table.parentElement;
      const models = state.layout === "models";
      mark(rows, runs, models);
      table.dataset.layout = models ? "models" : "tasks";
      table.dataset.density = state.density || controls.density.dataset.first;
      for (const part of [...table.tHead.rows, ...table.tBodies]) part.remove();
      if (models) byModel(rows, runs); else byTask(rows, runs);
      // Cells that are moved lose the focus, and an emptied table its place.
      if (root.contains(focused)) focused.focus({ preventScroll: true });
      table.parentElement.scrollTo(scrollLeft, scrollTop);
      const nothing = !rows.length || !runs.length;
      table.parentElement.hidden = nothing;
      root.querySelector("#lb-empty").hidden = !nothing;
      root.querySelector("#lb-said").textContent = `${runs.length} of ${info.runs.length} models, ${rows.length} rows${said()}`;
    } else {
      for (const body of root.querySelectorAll("#lb-single tbody")) body.hidden = Boolean(state.category) && body.dataset.category !== state.category;
    }
    for (const cell of root.querySelectorAll("#lb-reported [data-category]")) cell.hidden = Boolean(state.category) && cell.dataset.category !== state.category;
    figures.draw(rows, runs);
  }

  function said() {
    const direction = state.dir === "asc" ? "lowest first" : "highest first";
    if (rowOf(state.sort)) return `; models by ${rowOf(state.sort).label}, ${direction}`;
    return state.by && info.runs[Number(state.by)] ? `; tasks by ${info.runs[Number(state.by)].name}, ${direction}` : "";
  }

  /** Which header says how things are sorted, and which details are open. */
  function mark(rows, runs, models) {
    const direction = state.dir === "asc" ? "ascending" : "descending";
    for (const [id, th] of lines) set(th, "aria-sort", state.sort === id ? direction : null);
    for (const [run, th] of columns) set(th, "aria-sort", state.by === String(run) ? direction : null);
    for (const th of [...lines.values(), ...columns.values()]) {
      const button = th.querySelector(".lb-expand");
      button.hidden = models === Boolean(th.dataset.row);
      button.setAttribute("aria-expanded", String(open.has(button.dataset.of)));
      th.scope = models === Boolean(th.dataset.row) ? "col" : "row";
    }
  }

  function set(node, name, text) { if (text === null) node.removeAttribute(name); else node.setAttribute(name, text); }

  const corner = (text) => h("th", { scope: "col", class: "lb-corner" }, text);

  function byTask(rows, runs) {
    table.tHead.append(h("tr", {}, corner("Task"), runs.map((run) => columns.get(run))));
    for (const [category, group] of grouped(rows)) {
      const body = h("tbody", { dataset: { category } });
      for (const row of group) {
        body.append(h("tr", { class: `lb-${row.kind}` }, lines.get(row.id), runs.map((run) => cells.get(`${row.id}|${run}`))));
        if (open.has(row.id)) body.append(details(runs.length + 1, row.id, runs, "row"));
      }
      table.append(body);
    }
  }

  function byModel(rows, runs) {
    const groups = [...grouped(rows)];
    table.tHead.append(
      h("tr", {}, h("th", { scope: "col", rowspan: 2, class: "lb-corner" }, "Model"), groups.map(([category, group]) =>
        h("th", { scope: "colgroup", colspan: group.length, class: "lb-group" }, info.categories[category] ?? category))),
      h("tr", {}, rows.map((row) => lines.get(row.id))));
    const body = h("tbody");
    for (const run of runs) {
      body.append(h("tr", {}, columns.get(run), rows.map((row) => cells.get(`${row.id}|${run}`))));
      if (open.has(`run:${run}`)) body.append(details(rows.length + 1, rows, [run], "run"));
    }
    table.append(body);
  }

  /** The lines of the table of all numbers that a row or a model has, under it. */
  function details(width, of, runs, kind) {
    const all = root.querySelector("#lb-numbers");
    const ids = kind === "row" ? [of] : of.map((row) => row.id);
    const wanted = ids.flatMap((id) => runs.map((run) => all.querySelector(`tr[data-row="${CSS.escape(id)}"][data-run="${run}"]`)));
    const copy = h("table", { class: "lb-numbers", dataset: { details: kind } },
      all.tHead.cloneNode(true), h("tbody", {}, wanted.map((line) => line.cloneNode(true))));
    for (const button of copy.querySelectorAll("thead button")) button.replaceWith(button.textContent);
    const reported = kind === "row" ? info.reported[of] ?? [] : [];
    const more = reported.length ? h("p", { class: "soft" }, "Reported by their authors, not measured here: ",
      h("em", {}, reported.map(([name, figure]) => `${name} ${figure}`).join(" · "))) : null;
    return h("tr", { class: "lb-details" }, h("td", { colspan: width }, h("div", { class: "lb-inner" }, copy, more, kind === "row" ? parts(of, runs, false) : null)));
  }

  /** A task's other metrics and groups, models side by side. */
  function parts(id, runs, shown) {
    const metrics = info.metrics[id];
    if (!metrics) return null;
    const digits = rowOf(id).scale >= 1000 ? 0 : 1;
    const cellOf = (found) => h("td", {}, found ? [number(found[0], digits), " ",
      h("span", { class: "soft" }, `${number(found[1], digits)} – ${number(found[2], digits)}, n ${found[3]}`)] : "–");
    const line = ([label, found]) => h("tr", {}, h("th", { scope: "row" }, label), runs.map((run) => cellOf(found[run])));
    const bodies = metrics.map(({ name, groups }) => h("tbody", {}, groups.length === 1 && !groups[0][0] ? line([name, groups[0][1]])
      : [h("tr", {}, h("th", { scope: "rowgroup", colspan: runs.length + 1 }, name)), groups.map(line)]));
    return h("details", { class: "lb-parts", open: shown }, h("summary", {}, "Other metrics and groups"),
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Metric"), runs.map((run) => h("th", { scope: "col" }, info.runs[run].name)))), bodies));
  }

  /* ---- the tables of all numbers ---- */

  function sortable(numbers) {
    [...numbers.tHead.rows[0].cells].forEach((th, column) => {
      const text = th.textContent.trim();
      const press = () => sortColumn(numbers, th, column);
      th.replaceChildren(h("button", { class: "lb-sort", type: "button", on: { click: press } }, text));
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
    const input = (key, node) => {
      node.addEventListener("input", () => change({ [key]: node.value === node.dataset.first ? "" : node.value }));
      return node;
    };
    const option = ([text, label]) => h("option", { value: text }, label);
    const categories = [...new Set(info.rows.map((row) => row.category).filter(Boolean))];
    controls = {
      category: input("category", h("select", {}, [["", "All categories"], ...categories.map((name) => [name, info.categories[name] ?? name])].map(option))),
    };
    const shown = [h("label", {}, "Category", controls.category)];
    if (table) {
      controls.q = input("q", h("input", { type: "search", placeholder: "part of a name" }));
      controls.layout = input("layout", h("select", {}, [["", "Tasks"], ["models", "Models"]].map(option)));
      controls.density = input("density", h("select", { dataset: { first: table.dataset.density } },
        [["compact", "Scores"], ["standard", "Scores, intervals"], ["full", "Everything"]].map(option)));
      shown.push(h("label", {}, "Models", controls.q), h("label", {}, "Rows", controls.layout), h("label", {}, "Cells", controls.density));
    }
    const reported = root.querySelector("#lb-reported");
    const toggle = h("button", { type: "button", "aria-pressed": String(reported.open), on: { click: () => {
      reported.open = !reported.open;
      if (reported.open) reported.scrollIntoView({ block: "nearest" });
    } } }, "Reported figures");
    reported.addEventListener("toggle", () => toggle.setAttribute("aria-pressed", String(reported.open)));
    shown.push(toggle);
    if (table) shown.push(h("button", { type: "button", on: { click: () => { open.clear(); go("leaderboard", {}, true); arrange(); } } }, "Reset"));
    bar.append(...shown);
    bar.hidden = false;
  }

  harness.section("leaderboard", { start, show });
})();
