"use strict";
/* The training page: curves of runs over steps, overall and by family, and rollouts; kept up to date while a server shows it.

   Address: #/training?stage=&x=hours&log=x.y&smooth=&hide=<run>.<run>&rows=<figure>.<figure>&own=1&bands=1&big=<panel>&zoom=<from>_<to>
   and of the rollouts run=&step=&family=&sort=&raw=1 */
harness.section("training", (() => {
  const { h, data, go } = harness;
  const OVERALL = ["reward", "value", "length", "entropy", "eval", "acceptance", "grad_norm", "learning_rate", "loss", "unparsed", "truncated", "clip_share", "skipped_updates"];
  const keyed = (figure) => figure.key.replaceAll(".", "-");
  let page, root, tools, rollouts, state, drawing = 0, charts = [];

  function start(section) {
    root = section;
    page = data("training-data");
    rollouts = trainingRollouts(section.querySelector("[data-rollouts]"), page, (changed) => { Object.assign(state.rollouts, changed); write(); });
    tools = build(section.querySelector("[data-tools]"));
    new ResizeObserver(() => { if (!root.hidden) for (const chart of charts) chart.drawn.resize(); }).observe(root.querySelector("[data-charts]"));
    addEventListener("beforeprint", () => { for (const chart of charts) chart.drawn.draw(); });
    const repaint = () => { trainingColours.clear(); if (!root.hidden) render(); };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    if (page.live) live.follow(page.live, update, root.querySelector("[data-live-status]"));
  }

  /** What is new of the runs: tables, curves, and the rollouts of the last step. */
  function update(found) {
    live.replace(root, found.html);
    const { rollouts: steps, ...curves } = found.data; // the index of rollouts grows, and keeps what is not sent again
    Object.assign(page, curves);
    const added = rollouts.add(steps, found.blocks);
    if (tools.legend.length !== page.runs.length || tools.stages !== stages().join()) tools = build(root.querySelector("[data-tools]"));
    if (root.hidden) return;
    sync();
    render();
    if (added) rollouts.show(state.rollouts);
  }

  function stages() {
    return [...new Set(page.runs.flatMap((run) => run.stages.map((stage) => stage.name)))];
  }

  /** The runs that have the stage shown, with their place in the legend. */
  function visible() {
    return page.runs
      .map((run, index) => ({ name: run.name, index, stage: run.stages.find((stage) => stage.name === state.stage) }))
      .filter((run) => run.stage && !state.hide.has(run.index));
  }

  function read(query) {
    const names = stages();
    const rows = query.get("rows");
    const asked = query.get("stage");
    const longest = Math.max(0, ...page.runs.flatMap((run) => run.stages.map((stage) => stage.step.length)));
    const smooth = Number(query.get("smooth") ?? (longest >= TRAINING_FEW ? 0.6 : 0));
    const log = (query.get("log") ?? "").split(".");
    const zoom = (query.get("zoom") ?? "").split("_").map(Number);
    return {
      stage: names.includes(asked) ? asked : names.find((name) => name === "g2rpo") ?? names[0],
      x: query.get("x") === "hours" ? "hours" : "step",
      logX: log.includes("x"),
      logY: log.includes("y"),
      smooth: Number.isFinite(smooth) ? Math.min(0.99, Math.max(0, smooth)) : 0,
      hide: new Set((query.get("hide") ?? "").split(".").filter(Boolean).map(Number)),
      rows: rows === null ? null : new Set(rows.split(".")),
      own: query.get("own") === "1",
      bands: query.get("bands") === "1",
      big: query.get("big") ?? "",
      zoom: zoom.length === 2 && zoom[0] < zoom[1] ? zoom : null,
      rollouts: Object.fromEntries(["run", "step", "family", "sort", "raw"].map((name) => [name, query.get(name) ?? ""])),
    };
  }

  function write() {
    go("training", {
      stage: state.stage, x: state.x === "hours" ? "hours" : "", log: [state.logX && "x", state.logY && "y"].filter(Boolean).join("."),
      smooth: state.smooth, hide: [...state.hide].join("."), rows: state.rows === null ? "" : [...state.rows].join("."), own: state.own ? 1 : "",
      bands: state.bands ? 1 : "", big: state.big, zoom: state.zoom ? state.zoom.map((end) => Number(end.toPrecision(5))).join("_") : "", ...state.rollouts,
    }, true);
  }

  /** The controls; each changes the state and writes the address. */
  function build(host) {
    const change = (set) => (event) => { set(event.target); write(); };
    const check = (set) => h("input", { type: "checkbox", on: { change: change(set) } });
    const stage = h("select", { on: { change: change((t) => { state.stage = t.value; state.big = ""; state.zoom = null; }) } }, stages().map((name) => h("option", { value: name }, name)));
    const x = h("select", { on: { change: change((t) => { state.x = t.value; state.zoom = null; }) } }, h("option", { value: "step" }, "steps"), h("option", { value: "hours" }, "hours"));
    const smoothText = h("output", {}, "");
    const smooth = h("input", {
      type: "range", min: 0, max: 0.99, step: 0.01,
      on: { input: (event) => { state.smooth = Number(event.target.value); smoothText.textContent = state.smooth.toFixed(2); cancelAnimationFrame(drawing); drawing = requestAnimationFrame(render); }, change: write },
    });
    const logX = check((t) => { state.logX = t.checked; });
    const logY = check((t) => { state.logY = t.checked; });
    const own = check((t) => { state.own = t.checked; });
    const bands = check((t) => { state.bands = t.checked; });
    const whole = h("button", { type: "button", hidden: true, on: { click: () => { state.zoom = null; write(); } } }, "Whole range");
    const legend = page.runs.map((run, index) => h("button", {
      type: "button", on: { click: () => { if (!state.hide.delete(index)) state.hide.add(index); write(); } },
    }, trainingSwatch(index), h("bdi", {}, run.name), " ", h("span", { class: "tag" }, "")));
    host.replaceChildren(
      h("h3", {}, "Curves"),
      h("div", { class: "training-legend", role: "group", "aria-label": "Runs shown" }, legend),
      h("div", { class: "controls" },
        h("label", {}, "Stage", stage), h("label", {}, "Over", x),
        h("label", {}, h("span", {}, "Smoothing ", smoothText), smooth),
        h("label", { class: "training-check" }, logX, "log x"),
        h("label", { class: "training-check" }, logY, "log y"),
        h("label", { class: "training-check" }, own, "separate scales"),
        h("label", { class: "training-check" }, bands, "whole bands"), whole),
      h("p", { class: "soft training-hint" }, "Point at a chart to read all of them at that step, drag to zoom in, double-click to zoom out. Keyboard: ← → Home End Esc move the cursor, ↑ ↓ go to the next chart, Enter enlarges. Thin line: as logged; thick line: smoothed (~). Values are as logged."),
    );
    return { stage, x, smooth, smoothText, logX, logY, own, bands, whole, legend, stages: stages().join() };
  }

  function sync() {
    tools.stage.value = state.stage;
    tools.x.value = state.x;
    tools.smooth.value = state.smooth;
    tools.smoothText.textContent = state.smooth.toFixed(2);
    for (const name of ["logX", "logY", "own", "bands"]) tools[name].checked = state[name];
    tools.whole.hidden = !state.zoom;
    tools.legend.forEach((button, index) => {
      button.setAttribute("aria-pressed", String(!state.hide.has(index)));
      const own = page.runs[index].stages.find((stage) => stage.name === state.stage);
      button.disabled = !own;
      const tag = button.querySelector(".tag");
      tag.hidden = !own || own.state === "complete";
      tag.textContent = own?.state ?? "";
      tag.className = `tag ${{ running: "training-running", failed: "bad", stopped: "warn" }[own?.state] ?? ""}`;
    });
  }

  /** The lines of a figure: of a family, or overall where none is named. */
  function lines(figure, family) {
    return visible().flatMap(({ name, index, stage }) => {
      const y = (family === null ? stage.overall : stage.families[family])?.[figure.key];
      if (!y) return [];
      const place = new Map(stage.step.map((step, at) => [step, stage[state.x][at]]));
      const intervals = figure.key !== "eval" ? [] : (stage.intervals[family ?? "all"] ?? []).flatMap(([step, low, high]) => (
        place.has(step) ? [[place.get(step), low, high]] : []));
      return [{ name, mark: index, x: stage[state.x], y, intervals }];
    });
  }

  function bandsOf(figure, family) {
    const found = new Map();
    if (family === null) return [];
    for (const { stage } of visible()) {
      for (const band of stage.bands[family]?.[figure.key] ?? []) found.set(band.join(), band);
    }
    return [...found.values()].flatMap((band) => (band.length === 4
      ? [{ low: band[0], high: band[3], soft: true }, { low: band[1], high: band[2], soft: false }]
      : [{ low: band[0], high: band[1], soft: false }]));
  }

  function bandText(bands) {
    const text = trainingNumbers.tick;
    return bands.filter((band) => !band.soft).map((band) => {
      const outer = bands.find((other) => other.soft && other.low <= band.low && other.high >= band.high);
      return outer ? `band ${text(band.low)}–${text(band.high)}, 0 at ${text(outer.low)} and ${text(outer.high)}` : `band ${text(band.low)}–${text(band.high)}`;
    }).join("; ");
  }

  function families() {
    const found = new Set(visible().flatMap(({ stage }) => Object.keys(stage.families)));
    const known = page.families.filter((name) => found.delete(name));
    return [...known, ...[...found].sort()];
  }

  /** The figures by family: those chosen, else the usual ones, as far as they are logged. */
  function rowsOf(names) {
    const logged = page.figures.filter((figure) => names.some((name) => lines(figure, name).length));
    const measured = logged.some((figure) => figure.key === "gradient_share");
    const usual = (figure) => figure.shown && !(figure.key === "loss_share" && measured);
    return { logged, shown: logged.filter((figure) => (state.rows === null ? usual(figure) : state.rows.has(keyed(figure)))) };
  }

  function render() {
    const focused = document.activeElement?.closest?.("[data-panel]")?.dataset.panel;
    const at = charts.find((chart) => chart.at !== undefined)?.at;
    for (const chart of charts) chart.drawn.destroy();
    charts = [];
    const host = root.querySelector("[data-charts]");
    const names = families();
    const { logged, shown } = rowsOf(names);
    const perTask = !names.some((name) => page.families.includes(name));
    const overall = page.figures.filter((figure) => OVERALL.includes(figure.key) && lines(figure, null).length && (figure.key !== "skipped_updates" || lines(figure, null).some((line) => line.y.some(Boolean))));
    overall.sort((a, b) => OVERALL.indexOf(a.key) - OVERALL.indexOf(b.key));
    const averaged = [...new Set(visible().map(({ stage }) => stage.every))].filter((every) => every > 1).map((every) => {
      const names = visible().filter(({ stage }) => stage.every === every).map(({ name }) => name);
      return `${names.length === visible().length ? "Each point" : `${names.join(", ")}: each point`} is the mean of ${every} steps, the last one excepted`;
    });
    host.replaceChildren(
      averaged.length ? h("p", { class: "soft" }, averaged.join(" · ")) : "",
      overall.length ? "" : h("p", {}, "Nothing is logged here yet."),
      h("h4", {}, "Overall"), row(overall.map((figure) => ({ figure, family: null }))),
      ...(logged.length ? [h("h4", {}, perTask ? "By task" : "By family"), chooser(logged, shown)] : []),
      ...shown.flatMap((figure) => [
        h("h5", { class: "training-title" }, title(figure), " ", h("span", { class: "soft" }, figure.note)),
        row(names.map((family) => ({ figure, family }))),
      ]),
    );
    for (const chart of charts) chart.make();
    const again = charts.find((chart) => chart.id === focused);
    if (again) { again.drawn.element.focus({ preventScroll: true }); if (at !== undefined) { again.at = at; again.drawn.point(at); } }
  }

  const title = (figure) => `${figure.title}${figure.unit ? ` (${figure.unit})` : ""}`;

  function chooser(logged, shown) {
    return h("div", { class: "training-rows", role: "group", "aria-label": "Charts by family" }, logged.map((figure) => h("button", {
      type: "button", "aria-pressed": String(shown.includes(figure)),
      on: { click: () => {
        const keys = new Set(shown.map(keyed));
        if (!keys.delete(keyed(figure))) keys.add(keyed(figure));
        state.rows = keys.size ? keys : new Set(["none"]);
        write();
        root.querySelectorAll(".training-rows button")[logged.indexOf(figure)]?.focus();
      } },
    }, figure.title)));
  }

  /** A grid of panels; one of them is in the tab order, the arrows go between them. */
  function row(cells) {
    const grid = h("div", { class: "training-grid-of-panels" });
    const domain = shared(cells);
    const own = cells.map(({ figure, family }) => {
      const id = `${keyed(figure)}-${family ?? "all"}`;
      const host = h("div");
      const wide = state.big === id;
      const label = family === null ? "all families" : page.labels[family] ?? family;
      const bands = bandsOf(figure, family);
      const words = bandText(bands);
      grid.append(h("figure", { class: wide ? "training-panel training-wide" : "training-panel", dataset: { panel: id } },
        h("figcaption", {}, h("span", { class: "training-name" }, family === null ? title(figure) : label),
          words ? h("span", { class: "soft" }, words) : null,
          h("button", { type: "button", class: "training-enlarge", "aria-label": wide ? "Smaller" : `Enlarge ${figure.title}, ${label}`, on: { click: () => enlarge(id) } }, wide ? "−" : "+")),
        host));
      const chart = { id, figure, label, make: () => {
        chart.drawn = new TrainingPlot(host, {
          title: figure.title, unit: figure.unit, label, xs: state.x, lines: lines(figure, family), bands, bandText: words,
          bounds: figure.bounds, wholeBands: state.bands, domain, smooth: ["learning_rate", "eval"].includes(figure.key) ? 0 : state.smooth, wide,
          reference: figure.key.endsWith("_share") && figure.key !== "clip_share" && family !== null ? 1 / cells.length : null,
          logX: state.logX, logY: state.logY, zoom: state.zoom, onZoom: (zoom) => { state.zoom = zoom; write(); },
        });
        listen(chart, own);
      } };
      charts.push(chart);
      return chart;
    });
    return grid;
  }

  /** One scale for the panels of a row, unless its values are too far apart to share one. */
  function shared(cells) {
    if (state.own || cells.length < 2 || cells[0].family === null || cells[0].figure.key === "length") return null;
    const figure = cells[0].figure;
    const all = cells.flatMap(({ family }) => lines(figure, family));
    const bands = cells.flatMap(({ family }) => bandsOf(figure, family));
    return all.length ? trainingRange(all, { bands, wholeBands: state.bands, bounds: figure.bounds, log: state.logY }) : null;
  }

  function enlarge(id) {
    state.big = state.big === id ? "" : id;
    write();
    const panel = root.querySelector(`[data-panel="${CSS.escape(id)}"]`);
    panel?.scrollIntoView({ block: "nearest" });
    panel?.querySelector(".training-plot").focus();
  }

  function listen(chart, own) {
    const { element } = chart.drawn;
    element.setAttribute("tabindex", own[0] === chart ? "0" : "-1");
    element.addEventListener("keydown", (event) => keys(event, chart, own));
  }

  function keys(event, chart, own) {
    const neighbour = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (neighbour) {
      const next = own[own.indexOf(chart) + neighbour];
      if (next) { chart.drawn.element.setAttribute("tabindex", "-1"); next.drawn.element.setAttribute("tabindex", "0"); next.drawn.element.focus(); }
    } else if (event.key === "Enter") enlarge(chart.id);
    else if (event.key === "Escape") { chart.at = undefined; chart.drawn.point(null); }
    else {
      const xs = chart.drawn.stops;
      const at = xs.indexOf(chart.at);
      const place = { ArrowLeft: at < 0 ? xs.length - 1 : at - 1, ArrowRight: at + 1, Home: 0, End: xs.length - 1 }[event.key];
      if (place === undefined || !xs.length) return;
      for (const other of charts) other.at = undefined;
      chart.at = xs[Math.min(xs.length - 1, Math.max(0, place))];
      chart.drawn.point(chart.at);
      root.querySelector("[data-said]").textContent = `${chart.figure.title}, ${chart.label}, ${state.x} ${trainingNumbers.tick(chart.at)}: ${chart.drawn.read(chart.at)}`;
    }
    event.preventDefault();
  }

  function show(query) {
    state = read(query);
    sync();
    render();
    rollouts.show(state.rollouts);
  }
  return { start, show };
})());
