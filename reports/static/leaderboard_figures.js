"use strict";
/* The leaderboard's figures: dots with whiskers (or a radar), response length, score against length and cost.
   Every figure's numbers are in the tables, which its caption names. */
const leaderboardFigures = (root, info) => {
  const { h, svg, number } = harness;
  const [VALUE, LOW, HIGH, TOKENS, SECONDS] = [0, 1, 2, 3, 4];
  const SHAPES = [
    "M0-4.2A4.2 4.2 0 1 1 0 4.2A4.2 4.2 0 1 1 0-4.2Z", "M-3.8-3.8H3.8V3.8H-3.8Z", "M0-5.2L5.2 0L0 5.2L-5.2 0Z",
    "M0-4.8L4.6 3.6H-4.6Z", "M0 4.8L4.6-3.6H-4.6Z",
  ];
  const position = new Map(info.order.map((run, place) => [run, place]));
  const view = { radar: false, zoom: false, lit: null, row: "" };
  let [rows, runs] = [[], []];
  let width = 0;

  const rowIndex = new Map(info.rows.map((row, index) => [row.id, index]));
  const cell = (row, run) => info.cells[rowIndex.get(row.id)][run];
  const colour = (run) => `var(--c${(position.get(run) % 10) + 1})`;
  const faded = (run) => (view.lit !== null && view.lit !== run ? 0.15 : 1);

  /** A run's mark: colour and shape together tell up to forty apart. */
  function shape(run, x, y, title) {
    const made = svg("path", { d: SHAPES[position.get(run) % SHAPES.length], transform: `translate(${x} ${y})`, class: "lb-mark" }, title ? svg("title", {}, title) : null);
    made.style.fill = colour(run);
    made.style.opacity = faded(run);
    return made;
  }
  const marker = (run) => svg("svg", { class: "lb-marker", viewBox: "-6 -6 12 12", "aria-hidden": "true" }, shape(run, 0, 0));

  function stroked(run, line, thickness) {
    line.style.stroke = colour(run);
    line.style.strokeWidth = thickness;
    line.style.opacity = faded(run);
    return line;
  }

  const text = (x, y, words, attributes) => svg("text", { x, y, ...attributes }, words);
  /** A grid of so many columns. */
  function columns(box, across) {
    box.style.gridTemplateColumns = `repeat(${across}, auto)`;
    return box;
  }
  const picture = (w, height, label, ...children) =>
    svg("svg", { width: w, height, viewBox: `0 0 ${w} ${height}`, role: "img", "aria-label": label }, children);

  /** Round steps that cover a range, about so many. */
  function steps(low, high, count) {
    const raw = (high - low) / count || 1;
    const base = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * base).find((each) => each >= raw * 0.999);
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)));
    return found;
  }
  /** A scale with its ticks; logarithmic where the values span more than a factor of 30. */
  function axis(values, from, to, zero) {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    if (!zero && least > 0 && most / least > 30) {
      const [a, b] = [Math.log10(least) - 0.05, Math.log10(most) + 0.05];
      const ticks = [];
      for (let power = Math.floor(a); power <= b; power += 1) for (const factor of [1, 3]) {
        const at = factor * 10 ** power;
        if (Math.log10(at) >= a && Math.log10(at) <= b) ticks.push(at);
      }
      return { at: (value) => from + (to - from) * (Math.log10(Math.max(value, least)) - a) / (b - a), ticks, note: ", log scale" };
    }
    const high = most > 0 ? most * 1.06 : 1;
    return { at: (value) => from + (to - from) * value / high, ticks: steps(0, high, 5), note: "" };
  }

  /* ---- scores: dots with whiskers, or a radar ---- */

  function domain(shown) {
    if (!view.zoom) return [0, 100];
    const ends = shown.flatMap((row) => runs.flatMap((run) => {
      const found = cell(row, run);
      return found && found[VALUE] !== null ? [found[LOW], found[HIGH]].map((each) => 100 * each / row.scale) : [];
    }));
    if (!ends.length) return [0, 100];
    const [low, high] = [Math.max(0, Math.floor(Math.min(...ends) / 5) * 5), Math.min(100, Math.ceil(Math.max(...ends) / 5) * 5)];
    return low < high ? [low, high] : [0, 100];
  }

  function facet(title, shown, w) {
    const lane = runs.length <= 3 ? 15 : runs.length <= 6 ? 12 : 10;
    const band = lane * runs.length + 24;
    const [left, right, top] = [8, w - 10, 22];
    const height = top + band * shown.length + 22;
    const [low, high] = domain(shown);
    const at = (percent) => left + (right - left) * (percent - low) / (high - low);
    const parts = [text(left, 13, title, { class: "lb-title" })];
    for (const tick of steps(low, high, 4)) {
      parts.push(svg("line", { class: "axis", x1: at(tick), x2: at(tick), y1: top, y2: height - 18 }),
        text(at(tick), height - 4, String(tick), { class: "lb-tick", "text-anchor": "middle" }));
    }
    shown.forEach((row, place) => {
      const y = top + place * band;
      parts.push(text(left, y + 14, row.scale === 100 ? row.label : `${row.label}, in % of ${row.scale}`, { class: "lb-row" }));
      runs.forEach((run, index) => parts.push(...dot(row, run, at, y + 24 + lane * index)));
    });
    return picture(w, height, `${title}: scores with 95 % intervals of ${runs.length} models; the numbers are in the table`, parts);
  }

  function dot(row, run, at, y) {
    const found = cell(row, run);
    if (!found || found[VALUE] === null) return [];
    const [value, low, high] = found.slice(0, 3).map((each) => 100 * each / row.scale);
    const digits = row.scale >= 1000 ? 0 : 1;
    const title = `${info.runs[run].name}, ${row.label}: ${number(found[VALUE], digits)} (${number(found[LOW], digits)} – ${number(found[HIGH], digits)})`;
    return [
      stroked(run, svg("line", { x1: at(low), x2: at(high), y1: y, y2: y }), 2),
      ...[low, high].map((end) => stroked(run, svg("line", { x1: at(end), x2: at(end), y1: y - 3, y2: y + 3 }), 1.5)),
      shape(run, at(value), y, title),
    ];
  }

  function scores() {
    const box = h("div", { class: "lb-facets" });
    const heads = rows.filter((row) => row.kind !== "task");
    const groups = [["Means", heads.length > 1 ? heads : []]];
    for (const category of new Set(rows.map((row) => row.category))) {
      const members = rows.filter((row) => row.category === category && row.kind === "task");
      groups.push([info.categories[category] ?? category, members]);
    }
    const used = groups.filter(([, members]) => members.length);
    const across = Math.max(1, Math.min(used.length, Math.floor((width + 24) / 300)));
    const w = Math.min(640, Math.floor((width - 24 * (across - 1)) / across) - 1);
    used.forEach(([title, members]) => {
      const made = facet(title, members, w);
      if (across > 2 && members.length > 4) made.classList.add("lb-tall");
      box.append(made);
    });
    return columns(box, across);
  }

  function radar() {
    const categories = rows.filter((row) => row.kind === "category");
    const spokes = categories.length >= 3 ? categories : rows.filter((row) => row.kind === "task");
    if (spokes.length < 3) return h("p", { class: "soft" }, "A radar needs three categories or tasks.");
    const [w, height] = [Math.min(width, 620), Math.min(width, 460)];
    const radius = Math.min(w / 2 - 90, height / 2 - 40);
    const [cx, cy] = [w / 2, height / 2];
    const point = (place, share) => {
      const angle = 2 * Math.PI * place / spokes.length - Math.PI / 2;
      return [cx + radius * share * Math.cos(angle), cy + radius * share * Math.sin(angle)];
    };
    const ring = (share) => spokes.map((_, place) => point(place, share).join(",")).join(" ");
    const parts = [0.25, 0.5, 0.75, 1].flatMap((share) => [
      svg("polygon", { points: ring(share), class: "axis", fill: "none" }),
      text(cx + 3, cy - radius * share - 2, String(100 * share), { class: "lb-tick" }),
    ]);
    spokes.forEach((row, place) => {
      const [x, y] = point(place, 1);
      const [tx, ty] = point(place, 1.07);
      const anchor = Math.abs(tx - cx) < 12 ? "middle" : tx > cx ? "start" : "end";
      parts.push(svg("line", { class: "axis", x1: cx, y1: cy, x2: x, y2: y }), text(tx, ty + (ty > cy ? 8 : 0), row.label, { "text-anchor": anchor }));
    });
    for (const run of runs) {
      const known = spokes.map((row, place) => [row, place, cell(row, run)]).filter(([, , found]) => found && found[VALUE] !== null);
      const at = known.map(([row, place, found]) => point(place, found[VALUE] / row.scale));
      if (known.length === spokes.length) {
        parts.push(stroked(run, svg("polygon", { points: at.map((pair) => pair.join(",")).join(" "), fill: "none" }, svg("title", {}, info.runs[run].name)), 1.8));
      }
      known.forEach(([row, , found], place) => parts.push(shape(run, ...at[place], `${info.runs[run].name}, ${row.label}: ${number(found[VALUE])}`)));
    }
    return picture(w, height, `Radar of ${spokes.map((row) => row.label).join(", ")} for ${runs.length} models; the numbers are in the table`, parts);
  }

  function legend() {
    const press = (run) => { view.lit = view.lit === run ? null : run; redraw(); focusLegend(run); };
    return h("div", { class: "lb-legend", role: "group", "aria-label": "Highlight a model" }, runs.map((run) =>
      h("button", { type: "button", dataset: { lit: run }, "aria-pressed": String(view.lit === run), on: { click: () => press(run) } },
        marker(run), info.runs[run].name, info.runs[run].partial ? " (partial)" : "")));
  }
  const focusLegend = (run) => root.querySelector(`.lb-legend [data-lit="${run}"]`)?.focus();

  function scoreFigure() {
    const toggle = (key, words) => h("button", { type: "button", dataset: { view: key }, "aria-pressed": String(view[key]),
      on: { click: () => { view[key] = !view[key]; redraw(); root.querySelector(`[data-view="${key}"]`)?.focus(); } } }, words);
    const caption = view.radar
      ? "A radar hides the intervals and its area depends on the order of the axes; the dots say more."
      : "Dots are scores, whiskers 95 % intervals, in per cent. The numbers are in the table above.";
    return h("figure", { class: "lb-wide-figure" },
      h("div", { class: "lb-bar-of-figure" }, h("h3", {}, "Scores"), toggle("radar", "Radar"), view.radar ? null : toggle("zoom", "Zoom the axes")),
      runs.length > 1 ? legend() : null, view.radar ? radar() : scores(), h("figcaption", { class: "soft" }, caption));
  }

  /* ---- response length by task ---- */

  function lengthFigure() {
    const shown = rows.filter((row) => row.kind === "task" && runs.some((run) => (cell(row, run)?.[TOKENS] ?? null) !== null));
    if (!shown.length) return null;
    const values = shown.flatMap((row) => runs.map((run) => cell(row, run)?.[TOKENS] ?? null).filter((each) => each !== null));
    const [left, w, top, pitch] = [96, Math.min(width, 900), 8, 22];
    const height = top + pitch * shown.length + 24;
    const x = axis(values, left, w - 16);
    const parts = x.ticks.flatMap((tick) => [
      svg("line", { class: "axis", x1: x.at(tick), x2: x.at(tick), y1: top, y2: height - 20 }),
      text(x.at(tick), height - 6, String(tick), { class: "lb-tick", "text-anchor": "middle" }),
    ]);
    shown.forEach((row, place) => {
      const y = top + pitch * (place + 0.5);
      parts.push(text(left - 10, y + 4, row.label, { "text-anchor": "end" }), svg("line", { class: "axis", x1: left, x2: w - 16, y1: y, y2: y, "stroke-dasharray": "2 3" }));
      for (const run of runs) {
        const tokens = cell(row, run)?.[TOKENS] ?? null;
        if (tokens !== null) parts.push(shape(run, x.at(tokens), y, `${info.runs[run].name}, ${row.label}: ${number(tokens)} tokens`));
      }
    });
    return h("figure", { class: "lb-wide-figure" }, h("h3", {}, "Response length by task"),
      picture(w, height, `Mean response length in tokens by task for ${runs.length} models; the numbers are under All numbers`, parts),
      h("figcaption", { class: "soft" }, `Mean tokens of a response${x.note}. The numbers are in ${runs.length > 1 ? "“All numbers”" : "the table above"}.`));
  }

  /* ---- score against length and cost ---- */

  function scatter(title, column, unit, points, w) {
    const known = points.filter(({ found }) => found && found[VALUE] !== null && found[column] !== null);
    if (!known.length) return null;
    const [left, right, top, bottom, height] = [38, w - 14, 10, 268, 306];
    const x = axis(known.map(({ found }) => found[column]), left, right);
    const y = (percent) => bottom - (bottom - top) * percent / 100;
    const parts = [];
    for (const tick of [0, 25, 50, 75, 100]) {
      parts.push(svg("line", { class: "axis", x1: left, x2: right, y1: y(tick), y2: y(tick) }), text(left - 6, y(tick) + 4, String(tick), { class: "lb-tick", "text-anchor": "end" }));
    }
    for (const tick of x.ticks) parts.push(text(x.at(tick), bottom + 16, String(tick), { class: "lb-tick", "text-anchor": "middle" }));
    parts.push(text((left + right) / 2, height - 4, unit + x.note, { class: "lb-tick", "text-anchor": "middle" }));
    const taken = [];
    for (const { run, name, found, scale } of known) {
      const [px, value, low, high] = [x.at(found[column]), ...found.slice(0, 3).map((each) => y(100 * each / scale))];
      const whisker = stroked(run, svg("line", { x1: px, x2: px, y1: low, y2: high }), 1.5);
      if (known.length > 10) whisker.style.opacity = 0.35 * faded(run);
      parts.push(whisker);
      parts.push(shape(run, px, value, `${name}: ${number(found[VALUE])} at ${number(found[column], 2)} ${unit}`));
      const short = name.length > 22 ? `${name.slice(0, 21)}…` : name;
      const [end, from] = px > (left + right) / 2 ? ["end", px - 9] : ["start", px + 9];
      const spot = [end === "end" ? from - 6.2 * short.length : from, value - 10, 6.2 * short.length, 13];
      const free = taken.every(([tx, ty, tw, th]) => spot[0] > tx + tw || spot[0] + spot[2] < tx || spot[1] > ty + th || spot[1] + spot[3] < ty);
      if (free && faded(run) === 1) { taken.push(spot); parts.push(text(from, value + 4, short, { "text-anchor": end, class: "lb-tick" })); }
    }
    return h("figure", {}, h("h4", {}, title),
      picture(w, height, `${title}: ${known.length} points; the numbers are in the tables`, parts));
  }

  function costFigures() {
    const single = info.runs.length === 1;
    const first = rows.find((row) => row.kind === "mean") ?? rows.find((row) => row.kind === "category") ?? rows[0];
    const chosen = rows.find((row) => row.id === view.row) ?? first;
    const points = single
      ? rows.filter((row) => row.kind === "task").map((row) => ({ run: 0, name: row.label, found: cell(row, 0), scale: row.scale }))
      : runs.map((run) => ({ run, name: info.runs[run].name, found: cell(chosen, run), scale: chosen.scale }));
    const across = width >= 720 ? 2 : 1;
    const w = Math.min(620, Math.floor((width - 24 * (across - 1)) / across) - 1);
    const figures = [scatter("Score against response length", TOKENS, "tokens", points, w), scatter("Score against latency", SECONDS, "s", points, w)];
    if (!figures.some(Boolean)) return null;
    const select = h("select", { on: { change: () => { view.row = select.value; redraw(); root.querySelector(".lb-cost select")?.focus(); } } },
      rows.map((row) => h("option", { value: row.id, selected: row.id === chosen.id }, row.label)));
    return h("div", { class: "lb-cost lb-wide-figure" }, h("div", { class: "lb-bar-of-figure" }, h("h3", {}, "Score against length and cost"),
      single ? null : h("label", { class: "soft" }, "Score of ", select)), columns(h("div", { class: "lb-facets" }, figures), across),
      h("p", { class: "soft" }, single ? "A point is a task: score in per cent, mean tokens and mean seconds of its responses."
        : "A point is a model: score in per cent with its 95 % interval. Tokens and seconds of a mean are the plain means of its tasks'."));
  }

  function redraw() {
    width = Math.floor(root.clientWidth);
    if (!width) return;
    root.replaceChildren(...(rows.length && runs.length ? [scoreFigure(), lengthFigure(), costFigures()].filter(Boolean) : []));
  }

  return {
    marker,
    draw(newRows, newRuns) {
      rows = newRows.filter((row) => row.category !== "other");  // in units of their own
      runs = newRuns;
      root.hidden = false;
      redraw();
    },
    resize() { if (Math.floor(root.clientWidth) !== width) redraw(); },
  };
};
