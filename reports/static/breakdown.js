"use strict";
/* The breakdown: groups × models, what became of the responses, which option was chosen.

   Addresses: #/breakdown?task=&sort=&dir=&model=&all=   (all optional)
     task   a task's name; empty: the groups of all tasks      sort  name, gap, or a run's number; dir=desc turns it
     model  a run's number: whose outcomes are shown by task   all   1: every group of all tasks, not only the first

   Scores come from leaderboard-data, which the overview's details read too. */
(() => {
  const { h, data, go, address, number, percent, marker } = harness;
  const KEYS = ["task", "sort", "dir", "model", "all"];
  const SHOWN = 40;
  const [VALUE, LOW, HIGH] = [0, 1, 2];
  const [RIGHT, WRONG] = [0, 1];
  let root, info, own, tasks, worst, controls, tip;
  let state = {};

  const many = () => info.runs.length > 1;
  const change = (changes) => go("breakdown", { ...state, ...changes }, true);
  const idOf = (group) => JSON.stringify([group.row.id, group.metric, group.value]);
  const named = (group) => group.value || "(none)";
  /** A group's name beside its task's: a value without letters needs its key ("level 5"). */
  const full = (group) => (group.by && group.value && !/\p{L}/u.test(group.value) ? `${group.by} ${group.value}` : named(group));

  function start(section) {
    root = section;
    info = data("leaderboard-data");
    own = data("breakdown-data");
    tasks = info.rows.filter((row) => row.kind === "task");
    worst = own.worst.map((ids) => new Set(ids.map((id) => JSON.stringify(id))));
    tip = root.querySelector("#bd-tip");
    for (const name of root.querySelectorAll(".bd-lowest tbody th")) name.prepend(marker(Number(name.parentElement.dataset.run)), " ");
    makeControls();
  }

  function show(query) {
    state = Object.fromEntries(KEYS.map((key) => [key, query.get(key) ?? ""]));
    for (const [key, control] of Object.entries(controls)) control.value = key === "model" ? String(model()) : state[key];
    const task = tasks.find((row) => row.name === state.task);
    root.querySelector("#bd-map").replaceChildren(heatMap(task));
    root.querySelector("#bd-outcomes").replaceChildren(outcomes(task));
    root.querySelector("#bd-letters").replaceChildren(letters(task));
    if (controls.model) controls.model.parentElement.hidden = Boolean(task);
    tip.hidden = true;
  }

  function makeControls() {
    const select = (key, options) => h("select", { on: { change: (event) => change({ [key]: event.target.value, all: "" }) } },
      options.map(([value, text]) => h("option", { value }, text)));
    const bar = root.querySelector("#bd-controls");
    controls = { task: select("task", [["", "all tasks"], ...tasks.map((row) => [row.name, row.label])]) };
    bar.append(h("label", {}, "Task", controls.task));
    if (many()) {
      controls.sort = select("sort", [["", "lowest first"], ["gap", "widest gap first"], ["name", "name"],
        ...info.order.map((run) => [String(run), `lowest of ${info.runs[run].name}`])]);
      bar.append(h("label", {}, "Sort groups by", controls.sort));
      controls.model = select("model", info.order.map((run) => [String(run), info.runs[run].name]));
      bar.append(h("label", {}, "Outcomes of", controls.model));
    } else {
      controls.sort = select("sort", [["", "lowest first"], ["name", "name"]]);
      bar.append(h("label", {}, "Sort groups by", controls.sort));
    }
    bar.hidden = false;
  }

  /* ---- groups × models ---- */

  function wholeOf(row) {
    const cells = info.cells[info.rows.indexOf(row)];
    return { row, metric: "", by: "", value: "", scale: row.scale,
      cells: cells.map((cell) => (cell && cell[VALUE] !== null ? [cell[VALUE], cell[LOW], cell[HIGH], cell[5]] : null)) };
  }
  const partsOf = (row) => (info.metrics[row.id] ?? []).filter((metric) => metric.by !== undefined)
    .flatMap((metric) => metric.groups.map(([value, cells]) => ({ row, metric: metric.name, by: metric.by, value, scale: metric.scale, cells })));

  const share = (group, run) => (group.cells[run] ? group.cells[run][VALUE] / group.scale : null);
  const shares = (group) => info.order.map((run) => share(group, run)).filter((each) => each !== null);
  const mean = (group) => { const all = shares(group); return all.length ? all.reduce((sum, each) => sum + each, 0) / all.length : null; };

  /** The best and the worst complete run of a group; null where they are not on the same samples. */
  function gap(group) {
    if (own.apart.includes(group.row.id)) return null;
    const scored = info.order.filter((run) => !info.runs[run].partial && group.cells[run]).sort((a, b) => share(group, b) - share(group, a));
    if (scored.length < 2) return null;
    const [best, last] = [scored[0], scored.at(-1)];
    return { best, last, points: 100 * (share(group, best) - share(group, last)) };
  }

  function sorted(groups) {
    const label = (group) => (state.task ? named(group) : `${group.row.label} ${full(group)}`);
    const key = state.sort === "gap" ? (group) => { const found = gap(group); return found && -found.points; }
      : /^\d+$/.test(state.sort) ? (group) => share(group, Number(state.sort)) : mean;
    const sign = state.dir === "desc" ? -1 : 1;
    const few = (group) => Math.max(...group.cells.map((cell) => (cell ? cell[3] : 0))) < own.least;
    const byName = (a, b) => label(a).localeCompare(label(b), "en", { numeric: true });
    if (state.sort === "name") return [...groups].sort((a, b) => sign * byName(a, b));
    return [...groups].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === null || y === null) return (x === null) - (y === null);  // what has no score stays last either way
      return few(a) - few(b) || sign * (x - y) || byName(a, b);
    });
  }

  function heatMap(task) {
    const bodies = [];
    let left = 0;
    if (task) {
      const parts = partsOf(task);
      bodies.push(h("tbody", {}, line(wholeOf(task), "All samples")));
      for (const metric of new Set(parts.map((group) => group.metric))) {
        const groups = sorted(parts.filter((group) => group.metric === metric));
        bodies.push(h("tbody", {}, h("tr", { class: "bd-metric" }, h("th", { scope: "rowgroup", colspan: info.runs.length + 1 + many() }, metric)),
          groups.map((group) => line(group, named(group)))));
      }
    } else {
      const groups = sorted(tasks.filter((row) => row.category !== "other").flatMap((row) => { const parts = partsOf(row); return parts.length ? parts : [wholeOf(row)]; }));
      const shown = state.all ? groups : groups.slice(0, SHOWN);
      left = groups.length - shown.length;
      bodies.push(h("tbody", {}, shown.map((group) => line(group, group.metric ? [h("span", { class: "soft" }, `${group.row.label} · `), full(group)] : group.row.label, group.metric))));
    }
    const head = h("thead", {}, h("tr", {}, header("name", "Group"), info.order.map((run) => header(String(run), info.runs[run].name, marker(run))),
      many() ? header("gap", "Gap") : null));
    const table = h("table", { class: "bd-table" }, h("caption", { class: "visually-hidden" }, `Scores by group${task ? ` of ${task.label}` : ""}`), head, bodies);
    listen(table);
    root.querySelector("#bd-said").textContent = `${table.querySelectorAll("tbody tr:not(.bd-metric)").length} groups${task ? ` of ${task.label}` : ""}`;
    return h("div", {}, h("h3", {}, `Scores by group${task ? `: ${task.label}` : ""}`),
      h("div", { class: "scroll", role: "region", "aria-label": "Scores by group", tabindex: "0" }, table),
      left ? h("button", { type: "button", class: "bd-more", on: { click: () => change({ all: "1" }) } }, `Show ${left} more groups`) : null,
      h("p", { class: "soft bd-key" }, "The darker a cell, the higher its score. ▼ marks each model's lowest groups",
        many() ? "; gap: points between the best and the worst complete model on the same samples" : "", `. Groups of fewer than ${own.least} observations come last. Arrow keys move between cells`,
        own.samples ? "; Enter opens the samples." : "."));
  }

  function header(key, text, mark) {
    const on = state.sort === key;
    const press = () => change(on ? (state.dir ? { sort: "", dir: "" } : { dir: "desc" }) : { sort: key, dir: "" });
    const button = h("button", { type: "button", class: "bd-sort", title: `${text}: sort the groups by it`, on: { click: press } }, text);
    const up = (key === "gap") === (state.dir === "desc");
    return h("th", { scope: "col", "aria-sort": on ? (up ? "ascending" : "descending") : null }, mark ?? null, button);
  }

  function line(group, label, metric) {
    return h("tr", {}, h("th", { scope: "row", title: metric || null }, label), info.order.map((run) => cellOf(group, run)), many() ? gapOf(group) : null);
  }

  function gapOf(group) {
    const found = gap(group);
    if (!found) return h("td", { class: "soft", title: own.apart.includes(group.row.id) ? "Evaluated on different samples" : null }, "–");
    const about = `best: ${info.runs[found.best].name}; worst: ${info.runs[found.last].name}`;
    return h("td", { class: "bd-gap", title: about }, number(found.points), h("span", { class: "visually-hidden" }, ` points, ${about}`));
  }

  function cellOf(group, run) {
    const cell = group.cells[run];
    if (!cell) return h("td", { class: "soft" }, "–");
    const digits = group.scale >= 1000 ? 0 : group.scale >= 10 ? 1 : 3;
    const low = worst[run].has(idOf(group));
    const ends = cell[LOW] === null ? "" : `95 % CI ${number(cell[LOW], digits)} – ${number(cell[HIGH], digits)}, `;
    const about = `${ends}n ${cell[3]}${low ? ", among its lowest" : ""}`;
    const words = `${info.runs[run].name}, ${group.row.label}${group.metric ? ` · ${full(group)}` : ""}: ${number(cell[VALUE], digits)}; ${about}`;
    const content = [number(cell[VALUE], digits), low ? h("span", { class: "bd-flag", "aria-hidden": "true" }, "▼") : null, h("span", { class: "visually-hidden" }, `; ${about}`)];
    const attributes = { class: "bd-cell", tabindex: "-1", dataset: { about: words } };
    const where = { task: group.row.name, group: group.metric ? (group.by ? `${group.by}=${group.value}` : group.value) : "", run };
    return h("td", { class: `bd-t${Math.round(8 * Math.min(1, Math.max(0, cell[VALUE] / group.scale)))}` },
      own.samples ? h("a", { ...attributes, href: address("samples", where) }, content) : h("span", attributes, content));
  }

  /* One cell is in the order of Tab; arrow keys move within the table, and a tip says what a cell holds. */
  function listen(table) {
    const grid = [...table.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll(".bd-cell")]).filter((row) => row.length);
    const first = grid[0]?.[0];
    if (first) first.tabIndex = 0;
    table.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const y = grid.findIndex((row) => row.includes(document.activeElement));
      if (event.key === "Escape") tip.hidden = true;
      if (!step || y < 0) return;
      event.preventDefault();
      const next = grid[y + step[0]]?.[Math.min(grid[y].indexOf(document.activeElement) + step[1], grid[y + step[0]].length - 1)];
      if (!next) return;
      document.activeElement.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
    const at = (event) => event.target.closest?.(".bd-cell");
    for (const kind of ["mouseover", "focusin"]) table.addEventListener(kind, (event) => say(at(event)));
    for (const kind of ["mouseleave", "focusout"]) table.addEventListener(kind, () => { tip.hidden = true; });
  }

  function say(cell) {
    tip.hidden = !cell;
    if (!cell) return;
    tip.textContent = cell.dataset.about;
    const box = cell.getBoundingClientRect();
    const below = box.bottom + 6 + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${below ? box.bottom + 6 : box.top - tip.offsetHeight - 6}px`;
  }

  /* ---- outcomes ---- */

  const model = () => (info.runs[Number(state.model || NaN)] ? Number(state.model) : info.order[0]);

  function outcomes(task) {
    const counted = (row, run) => own.counts[row.id][run];
    const lines = task ? info.order.map((run) => [marker(run), info.runs[run].name, task, run])
      : tasks.map((row) => [null, row.label, row, model()]);
    const known = lines.filter(([, , row, run]) => counted(row, run)?.some(Boolean));
    const title = task ? `Outcomes of the responses: ${task.label}` : `Outcomes of the responses${many() ? `: ${info.runs[model()].name}` : ""}`;
    if (!known.length) return h("div", {}, h("h3", {}, title), h("p", { class: "soft" }, "None is known: the answers are withheld, or the run has lost its scores."));
    const names = own.outcomes.filter((_, place) => place <= WRONG || own.outcomes[place] !== "filtered" || known.some(([, , row, run]) => counted(row, run)[place]));
    return h("div", {}, h("h3", {}, title), h("div", { class: "scroll", role: "region", "aria-label": title, tabindex: "0" },
      h("table", { class: "bd-outcomes" }, h("caption", { class: "visually-hidden" }, `${title}, shares of all responses`),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, task ? "Model" : "Task"), h("td", {}),
          names.map((name) => h("th", { scope: "col" }, h("span", { class: `bd-key-${name}`, "aria-hidden": "true" }), name)), h("th", { scope: "col" }, "responses"))),
        h("tbody", {}, known.map(([mark, label, row, run]) => outcomeLine(mark, label, row, run, counted(row, run), names))))),
      h("p", { class: "soft bd-key" }, "Right and wrong: an answer was parsed. Unparsed: none was found; truncated: cut by the token limit before one; failed: no response, or the scorer itself failed (excluded from n)."));
  }

  function outcomeLine(mark, label, row, run, counts, names) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const part = (name) => counts[own.outcomes.indexOf(name)];
    const cell = (name) => {
      const text = part(name) ? percent(part(name) / total) : "0";
      const loud = part(name) >= 0.05 * total && !["right", "wrong"].includes(name);
      return h("td", { class: loud ? "warn" : null }, part(name) && own.samples ? h("a", { href: address("samples", { task: row.name, run, outcome: name }) }, text) : text);
    };
    const bar = h("td", { class: "bd-bar", "aria-hidden": "true" }, h("span", {}, names.filter(part).map((name) => {
      const piece = h("span", { class: `bd-o-${name}`, title: `${name}: ${part(name)} of ${total}` });
      piece.style.flexGrow = part(name);
      return piece;
    })));
    return h("tr", {}, h("th", { scope: "row" }, mark, mark ? " " : null, label), bar, names.map(cell), h("td", {}, total));
  }

  /* ---- letters ---- */

  /** The references × parsed letters of a run: of a task, or of all tasks together. */
  function matrix(rows, run) {
    const names = [...new Set(rows.flatMap((row) => own.letters[row.id].names))].sort();
    const found = names.map(() => Array(names.length + 2).fill(0));
    for (const row of rows) {
      const { names: letters, runs } = own.letters[row.id];
      (runs[run] ?? []).forEach((counts, y) => counts.forEach((count, x) => {
        const place = x < letters.length ? names.indexOf(letters[x]) : names.length + x - letters.length;
        found[names.indexOf(letters[y])][place] += count;
      }));
    }
    return { names, counts: found, total: found.flat().reduce((sum, count) => sum + count, 0) };
  }

  function letters(task) {
    const rows = (task ? [task] : tasks).filter((row) => own.letters[row.id]);
    if (!rows.length) return "";
    const of = task ? task.label : `${rows.length} multiple-choice task${rows.length === 1 ? "" : "s"}`;
    const runs = task ? info.order : [model()];
    const made = runs.map((run) => [run, matrix(rows, run)]).filter(([, found]) => found.total);
    if (!made.length) return "";
    return h("div", {}, h("h3", {}, `Chosen options: ${of}`), h("div", { class: "bd-matrices" }, made.map(([run, found]) => confusion(run, found, of))),
      h("p", { class: "soft bd-key" }, "Rows: the reference; columns: the parsed letter, in responses. The last row has each column's share: a letter far above its share of the references is chosen by habit."));
  }

  function confusion(run, { names, counts, total }, of) {
    const last = counts.some((row) => row[names.length]) ? [...names, "other", "none"] : [...names, "none"];
    const column = (name, row) => (name === "none" ? row[names.length + 1] : name === "other" ? row[names.length] : row[names.indexOf(name)]);
    const sum = (row) => row.reduce((all, count) => all + count, 0);
    const cell = (name, row, y) => {
      const count = column(name, row);
      const tint = count ? Math.max(1, Math.round((8 * count) / sum(row))) : 0;
      return h("td", { class: `bd-t${tint}${names[y] === name ? " bd-diagonal" : ""}` }, count);
    };
    return h("div", { class: "scroll", role: "region", "aria-label": `Chosen options of ${info.runs[run].name}`, tabindex: "0" }, h("table", { class: "bd-letters" },
      h("caption", {}, marker(run), " ", info.runs[run].name, h("span", { class: "visually-hidden" }, `: reference and parsed letter, ${of}`)),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Reference"), last.map((name) => h("th", { scope: "col" }, name)), h("th", { scope: "col" }, "share"))),
      h("tbody", {}, counts.map((row, y) => (sum(row) ? h("tr", {}, h("th", { scope: "row" }, names[y]), last.map((name) => cell(name, row, y)), h("td", { class: "soft" }, percent(sum(row) / total))) : null))),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "share"), last.map((name) => h("td", { class: "soft" }, percent(sum(counts.map((row) => column(name, row))) / total))), h("td", {})))));
  }

  harness.section("breakdown", { start, show });
})();
