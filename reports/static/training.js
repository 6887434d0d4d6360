"use strict";
/* The training page: curves of runs over steps, overall and by family.

   Address: #/training?stage=&x=hours&smooth=&hide=<run>.<run>&rows=<figure>.<figure>&own=1&bands=1&big=<panel> */
harness.section("training", (() => {
  const { h, data, go } = harness;
  const OVERALL = ["reward", "value", "length", "entropy", "acceptance", "grad_norm", "learning_rate", "loss", "eval", "unparsed", "truncated", "clip_share", "skipped_updates"];
  const WORDS = { general_vqa: "general VQA" };
  const style = (index) => `training-s${(index % 8) + 1} training-d${Math.floor(index / 8) % 3}`;
  let page, root, tools, state, drawing = 0, charts = [];

  function start(section) {
    root = section;
    page = data("training-data");
    tools = build(section.querySelector("[data-tools]"));
    let pending = 0;
    addEventListener("resize", () => { clearTimeout(pending); pending = setTimeout(() => { if (!root.hidden) render(); }, 150); });
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
    const smooth = Number(query.get("smooth") ?? (longest >= 30 ? 0.6 : 0));
    return {
      stage: names.includes(asked) ? asked : names.find((name) => name === "g2rpo") ?? names[0],
      x: query.get("x") === "hours" ? "hours" : "step",
      smooth: Number.isFinite(smooth) ? Math.min(0.99, Math.max(0, smooth)) : 0,
      hide: new Set((query.get("hide") ?? "").split(".").filter(Boolean).map(Number)),
      rows: rows === null ? null : new Set(rows.split(".")),
      own: query.get("own") === "1",
      bands: query.get("bands") === "1",
      big: query.get("big") ?? "",
    };
  }

  function write() {
    go("training", {
      stage: state.stage, x: state.x === "hours" ? "hours" : "", smooth: state.smooth, hide: [...state.hide].join("."),
      rows: state.rows === null ? "" : [...state.rows].map((key) => key.replaceAll(".", "-")).join("."), own: state.own ? 1 : "", bands: state.bands ? 1 : "", big: state.big,
    }, true);
  }

  /** The controls; each changes the state and writes the address. */
  function build(host) {
    const change = (update) => (event) => { update(event.target); write(); };
    const stage = h("select", { on: { change: change((t) => { state.stage = t.value; state.big = ""; }) } }, stages().map((name) => h("option", { value: name }, name)));
    const x = h("select", { on: { change: change((t) => { state.x = t.value; }) } }, h("option", { value: "step" }, "steps"), h("option", { value: "hours" }, "hours"));
    const smoothText = h("output", {}, "");
    const smooth = h("input", {
      type: "range", min: 0, max: 0.99, step: 0.01,
      on: { input: (event) => { state.smooth = Number(event.target.value); smoothText.textContent = state.smooth.toFixed(2); cancelAnimationFrame(drawing); drawing = requestAnimationFrame(render); }, change: write },
    });
    const own = h("input", { type: "checkbox", on: { change: change((t) => { state.own = t.checked; }) } });
    const bands = h("input", { type: "checkbox", on: { change: change((t) => { state.bands = t.checked; }) } });
    const legend = page.runs.map((run, index) => h("button", {
      type: "button", on: { click: () => { if (!state.hide.delete(index)) state.hide.add(index); write(); } },
    }, h("span", { class: `training-swatch ${style(index)}` }), run.name, h("span", { class: "tag warn", hidden: true }, "unfinished")));
    host.replaceChildren(
      h("div", { class: "training-legend", role: "group", "aria-label": "Runs shown" }, legend),
      h("div", { class: "controls" },
        h("label", {}, "Stage", stage), h("label", {}, "Over", x),
        h("label", {}, h("span", {}, "Smoothing ", smoothText), smooth),
        h("label", { class: "training-check" }, own, "each panel its own scale"),
        h("label", { class: "training-check" }, bands, "scales show whole bands")),
      h("p", { class: "soft training-hint" }, "Point at a figure to read all of them there; or focus one and use ← → (Home, End, Esc), ↑ ↓ for its neighbours, Enter to enlarge."),
    );
    return { stage, x, smooth, smoothText, own, bands, legend };
  }

  function sync() {
    tools.stage.value = state.stage;
    tools.x.value = state.x;
    tools.smooth.value = state.smooth;
    tools.smoothText.textContent = state.smooth.toFixed(2);
    tools.own.checked = state.own;
    tools.bands.checked = state.bands;
    tools.legend.forEach((button, index) => {
      button.setAttribute("aria-pressed", String(!state.hide.has(index)));
      const own = page.runs[index].stages.find((stage) => stage.name === state.stage);
      button.disabled = !own;
      button.querySelector(".tag").hidden = !own || own.finished;
    });
  }

  /** The lines of a figure: of a family, or overall where none is named. */
  function lines(figure, family) {
    return visible().flatMap(({ name, index, stage }) => {
      const y = (family === null ? stage.overall : stage.families[family])?.[figure.key];
      return y ? [{ name, style: style(index), x: stage[state.x], y }] : [];
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
    const text = trainingTicks.bound;
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

  /** The shown figures by family: those asked for, else the usual ones, as far as they are logged. */
  function rowsOf(names) {
    const logged = page.figures.filter((figure) => names.some((name) => lines(figure, name).length));
    const shown = logged.filter((figure) => (state.rows === null ? figure.shown && figure.key !== "loss_share" || (figure.key === "loss_share" && !logged.some((other) => other.key === "gradient_share")) : state.rows.has(figure.key.replaceAll(".", "-"))));
    return { logged, shown };
  }

  function render() {
    charts = [];
    const host = root.querySelector("[data-charts]");
    const names = families();
    const { logged, shown } = rowsOf(names);
    const perTask = !names.some((name) => page.families.includes(name));
    const overall = page.figures.filter((figure) => OVERALL.includes(figure.key) && lines(figure, null).length && (figure.key !== "skipped_updates" || lines(figure, null).some((line) => line.y.some(Boolean))));
    overall.sort((a, b) => OVERALL.indexOf(a.key) - OVERALL.indexOf(b.key));
    const averaged = [...new Set(visible().map(({ stage }) => stage.every))].filter((every) => every > 1).map((every) => {
      const names = visible().filter(({ stage }) => stage.every === every).map(({ name }) => name);
      return `${names.length === visible().length ? "Each point" : `${names.join(", ")}: each point`} is the mean of ${every} steps`;
    });
    host.replaceChildren(
      averaged.length ? h("p", { class: "soft" }, averaged.join(" · ")) : "",
      overall.length ? "" : h("p", {}, "Nothing is logged here yet."),
      h("h3", {}, "Overall"), row(overall.map((figure) => ({ figure, family: null }))),
      ...(logged.length ? [h("h3", {}, perTask ? "By task" : "By family"), chooser(logged, shown)] : []),
      ...shown.flatMap((figure) => [
        h("h4", { class: "training-title" }, title(figure), " ", h("span", { class: "soft" }, figure.note)),
        row(names.map((family) => ({ figure, family }))),
      ]),
    );
    for (const chart of charts) chart.make();
  }

  const title = (figure) => `${figure.title}${figure.unit ? ` (${figure.unit})` : ""}`;

  function chooser(logged, shown) {
    return h("div", { class: "training-rows", role: "group", "aria-label": "Figures shown by family" }, logged.map((figure) => h("button", {
      type: "button", "aria-pressed": String(shown.includes(figure)),
      on: { click: () => {
        const keys = new Set(shown.map((one) => one.key.replaceAll(".", "-")));
        const key = figure.key.replaceAll(".", "-");
        if (!keys.delete(key)) keys.add(key);
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
      const id = `${figure.key.replaceAll(".", "-")}-${family ?? "all"}`;
      const host = h("div");
      const wide = state.big === id;
      const label = family === null ? "all families" : WORDS[family] ?? family;
      const bands = bandsOf(figure, family);
      const said = bandText(bands);
      grid.append(h("figure", { class: wide ? "training-panel training-wide" : "training-panel", dataset: { panel: id } },
        h("figcaption", {}, h("span", { class: "training-name" }, family === null ? title(figure) : label),
          said ? h("span", { class: "soft" }, said) : null,
          h("button", { type: "button", class: "training-enlarge", "aria-label": wide ? "Smaller" : `Enlarge ${figure.title}, ${label}`, on: { click: () => enlarge(id) } }, wide ? "−" : "+")),
        host));
      const chart = { id, figure, label, make: () => {
        chart.drawn = new TrainingChart(host, {
          title: figure.title, unit: figure.unit, label, xs: state.x, xLabel: state.x === "step" ? "step" : "hours",
          lines: lines(figure, family), bands, bandText: said, bounds: figure.bounds, wholeBands: state.bands,
          domain, smooth: figure.key === "learning_rate" ? 0 : state.smooth, wide,
          reference: figure.key.endsWith("_share") && figure.key !== "clip_share" && family !== null ? 1 / cells.length : null,
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
    return all.length ? TrainingChart.range(all, { bands, wholeBands: state.bands, bounds: figure.bounds }) : null;
  }

  function enlarge(id) {
    state.big = state.big === id ? "" : id;
    write();
    const panel = root.querySelector(`[data-panel="${CSS.escape(id)}"]`);
    panel?.scrollIntoView({ block: "nearest" });
    panel?.querySelector("svg").focus();
  }

  function point(x) {
    for (const chart of charts) chart.drawn.read(x);
  }

  function listen(chart, own) {
    const { svg } = chart.drawn;
    svg.setAttribute("tabindex", own[0] === chart ? "0" : "-1");
    let frame = 0;
    svg.addEventListener("pointermove", (event) => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const box = svg.getBoundingClientRect();
        point(snap(chart, chart.drawn.back(((event.clientX - box.left) / box.width) * chart.drawn.width)));
      });
    });
    svg.addEventListener("pointerleave", () => { cancelAnimationFrame(frame); point(null); });
    svg.addEventListener("keydown", (event) => keys(event, chart, own));
  }

  /** The nearest place at which a line of the chart has a value. */
  function snap(chart, x) {
    const places = chart.drawn.lines.map((line) => line.x[TrainingChart.nearest(line, x)]).filter((place) => place !== undefined);
    return places.length ? places.reduce((best, place) => (Math.abs(place - x) < Math.abs(best - x) ? place : best)) : null;
  }

  function keys(event, chart, own) {
    const neighbour = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (neighbour) {
      const next = own[own.indexOf(chart) + neighbour];
      if (next) { chart.drawn.svg.setAttribute("tabindex", "-1"); next.drawn.svg.setAttribute("tabindex", "0"); next.drawn.svg.focus(); }
    } else if (event.key === "Enter") enlarge(chart.id);
    else if (event.key === "Escape") { chart.at = undefined; point(null); }
    else {
      const xs = [...new Set(chart.drawn.lines.flatMap((line) => line.x.filter((x, index) => line.y[index] !== null && x !== null)))].sort((a, b) => a - b);
      const at = xs.indexOf(chart.at);
      const place = { ArrowLeft: at < 0 ? xs.length - 1 : at - 1, ArrowRight: at + 1, Home: 0, End: xs.length - 1 }[event.key];
      if (place === undefined || !xs.length) return;
      chart.at = xs[Math.min(xs.length - 1, Math.max(0, place))];
      point(chart.at);
      root.querySelector("[data-said]").textContent = `${chart.figure.title}, ${chart.label}, ${state.x} ${trainingTicks.text(chart.at, state.x === "step" ? 1 : 0.01)}: ${chart.drawn.read(chart.at)}`;
    }
    event.preventDefault();
  }

  function show(query) {
    state = read(query);
    sync();
    render();
  }
  return { start, show };
})());
