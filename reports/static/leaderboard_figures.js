"use strict";
/* The leaderboard's figures: dots with whiskers (or a radar), response length, score against length, latency and training step.
   Every figure's numbers are in the tables, which its caption names. */
const leaderboardFigures = (root, info, entryOf) => {
  const { h, svg, number, signed, probability, colour, marker } = harness;
  const [VALUE, LOW, HIGH, TOKENS, SECONDS] = [0, 1, 2, 3, 4];
  const RADAR = 4;  // models: more lines than that cannot be told apart
  const view = { radar: false, full: false, lit: null, row: "" };
  let [rows, runs] = [[], []];
  let width = 0;

  const rowIndex = new Map(info.rows.map((row, index) => [row.id, index]));
  const cell = (row, run) => info.cells[rowIndex.get(row.id)][run];
  const faded = (run) => (view.lit !== null && view.lit !== run ? 0.15 : 1);
  function shape(run, x, y, title) {
    const made = harness.mark(run, x, y, title);
    made.style.opacity = faded(run);
    return made;
  }

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
  /** A scale fitted to its values, with its ticks; logarithmic where they span more than a factor of 30. */
  function axis(values, from, to) {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    if (least > 0 && most / least > 30) {
      const [a, b] = [Math.log10(least) - 0.05, Math.log10(most) + 0.05];
      const ticks = [];
      for (let power = Math.floor(a); power <= b; power += 1) for (const factor of [1, 3]) {
        const at = factor * 10 ** power;
        if (Math.log10(at) >= a && Math.log10(at) <= b) ticks.push(at);
      }
      return { at: (value) => from + (to - from) * (Math.log10(Math.max(value, least)) - a) / (b - a), ticks, note: ", log scale" };
    }
    const room = (most - least) * 0.08 || most * 0.1 || 1;
    const [low, high] = [Math.max(0, least - room), most + room];
    return { at: (value) => from + (to - from) * (value - low) / (high - low), ticks: steps(low, high, 5), note: "" };
  }

  /* ---- scores: dots with whiskers, or a radar ---- */

  function domain(shown) {
    if (view.full) return [0, 100];
    const ends = shown.flatMap((row) => runs.flatMap((run) => {
      const found = cell(row, run);
      return found && found[VALUE] !== null ? found.slice(VALUE, HIGH + 1).filter((end) => end !== null).map((each) => 100 * each / row.scale) : [];
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
        text(at(tick), height - 4, `${tick} %`, { class: "lb-tick", "text-anchor": tick === high ? "end" : tick === low ? "start" : "middle" }));
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
    return found[LOW] === null ? [shape(run, at(value), y, title)] : [
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
    box.append(...used.map(([title, members]) => facet(title, members, w)));
    const [first, others] = [box.firstChild, Math.ceil((used.length - 1) / (across - 1))];
    if (across > 1 && others > 1 && used[0][1].length > 4) {  // the means, as high as the tasks beside them
      first.style.gridRow = `1 / span ${others}`;
      box.style.gridTemplateRows = `repeat(${others - 1}, max-content) 1fr`;
    }
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

  /** The models by mark and name; a click fades the others. `of`: the figure that it belongs to. */
  function legend(of) {
    if (runs.length < 2) return null;
    const press = (run) => { view.lit = view.lit === run ? null : run; redraw(); root.querySelector(`[data-legend="${of}"] [data-lit="${run}"]`)?.focus(); };
    return h("div", { class: "lb-legend", role: "group", "aria-label": `${of}: highlight a model`, dataset: { legend: of } }, runs.map((run) =>
      h("button", { type: "button", dataset: { lit: run }, "aria-pressed": String(view.lit === run), on: { click: () => press(run) } },
        marker(run), info.runs[run].name, info.runs[run].apart ? ` (${info.runs[run].apart})` : "")));
  }

  /** A figure with its title, what changes it, its legend, and buttons that save it. */
  function framed(title, tools, content, caption) {
    const name = runs.length === 1 ? `${title}: ${info.runs[runs[0]].name}` : title;
    const figure = h("figure", { class: "lb-wide-figure" }, h("div", { class: "lb-bar-of-figure" }, h("h3", {}, title), tools, saveButtons(() => figure, name, runs, info.runs)),
      legend(title), content, h("figcaption", { class: "soft" }, caption));
    return figure;
  }

  function scoreFigure() {
    const toggle = (key, words) => h("button", { type: "button", dataset: { view: key }, "aria-pressed": String(view[key]),
      on: { click: () => { view[key] = !view[key]; redraw(); root.querySelector(`[data-view="${key}"]`)?.focus(); } } }, words);
    const round = view.radar && runs.length <= RADAR;
    return framed("Scores", [runs.length <= RADAR ? toggle("radar", "Radar") : null, round ? null : toggle("full", "Axes from 0 to 100 %")],
      round ? radar() : scores(), round
        ? "A radar hides the intervals and its area depends on the order of the axes; the dots say more."
        : "Dots are scores, whiskers 95 % intervals. The numbers are in the table above.");
  }

  /* ---- response length by task ---- */

  function lengthFigure() {
    const shown = rows.filter((row) => row.kind === "task" && runs.some((run) => (cell(row, run)?.[TOKENS] ?? null) !== null));
    if (!shown.length) return null;
    const values = shown.flatMap((row) => runs.map((run) => cell(row, run)?.[TOKENS] ?? null).filter((each) => each !== null));
    const [left, w, top, pitch] = [96, Math.min(width, 900), 8, 22];
    const height = top + pitch * shown.length + 40;
    const x = axis(values, left, w - 16);
    const parts = x.ticks.flatMap((tick) => [
      svg("line", { class: "axis", x1: x.at(tick), x2: x.at(tick), y1: top, y2: height - 36 }),
      text(x.at(tick), height - 22, String(tick), { class: "lb-tick", "text-anchor": "middle" }),
    ]);
    shown.forEach((row, place) => {
      const y = top + pitch * (place + 0.5);
      parts.push(text(left - 10, y + 4, row.label, { "text-anchor": "end" }), svg("line", { class: "axis", x1: left, x2: w - 16, y1: y, y2: y, "stroke-dasharray": "2 3" }));
      for (const run of runs) {
        const tokens = cell(row, run)?.[TOKENS] ?? null;
        if (tokens !== null) parts.push(shape(run, x.at(tokens), y, `${info.runs[run].name}, ${row.label}: ${number(tokens)} tokens`));
      }
    });
    parts.push(text(w - 16, height - 4, `tokens${x.note}`, { class: "lb-tick", "text-anchor": "end" }));
    return framed("Response length by task", null,
      picture(w, height, `Mean response length in tokens by task for ${runs.length} models; the numbers are under All numbers`, parts),
      `Mean tokens of a response. The numbers are in ${info.runs.length > 1 ? "“All numbers”" : "the table above"}.`);
  }

  /* ---- score against length and cost ---- */

  /** A model's name without its organisation, where that still tells it from the others. */
  function short(run) {
    const last = (name) => name.slice(name.lastIndexOf("/") + 1);
    const name = last(info.runs[run].name);
    return runs.filter((other) => last(info.runs[other].name) === name).length === 1 ? name : info.runs[run].name;
  }

  const ruler = h("canvas").getContext("2d");
  /** The spot of each label: beside its point where that is free, else farther away, with a line between them.
      Spots are [x, y, width, height] of the text. */
  function spots(points, box) {
    ruler.font = "11px Inter, system-ui, sans-serif";
    const taken = points.map(({ x, y }) => [x - 6, y - 6, 12, 12]);
    const overlap = ([x, y, w, high]) => taken.reduce((sum, [tx, ty, tw, th]) =>
      sum + Math.max(0, Math.min(x + w, tx + tw) - Math.max(x, tx)) * Math.max(0, Math.min(y + high, ty + th) - Math.max(y, ty)), 0)
      + 1e4 * (x < box[0] || y < box[1] || x + w > box[2] || y + high > box[3]);
    return points.map(({ x, y, name }) => {
      const w = ruler.measureText(name).width + 2;
      const near = [[x + 9, y - 7], [x - 9 - w, y - 7], [x - w / 2, y - 22], [x - w / 2, y + 9]];
      const far = [20, 34, 48, 64, 84, 110].flatMap((radius) => Array.from({ length: 16 }, (_, turn) => (turn * Math.PI) / 8)
        .map((angle) => [x + radius * Math.cos(angle) - (Math.cos(angle) < -0.3 ? w : Math.cos(angle) < 0.3 ? w / 2 : 0), y + radius * Math.sin(angle) - 7]));
      const ranked = [...near, ...far].map(([left, top]) => [left, top, w, 14]);
      const found = ranked.find((spot) => overlap(spot) === 0) ?? ranked.reduce((best, spot) => (overlap(spot) < overlap(best) ? spot : best));
      taken.push(found);
      return found;
    });
  }

  function labels(points, box) {
    return spots(points, box).flatMap(([left, top, w], place) => {
      const { x, y, name, run } = points[place];
      const nearest = [Math.min(Math.max(x, left), left + w), Math.min(Math.max(y, top + 2), top + 12)];
      const away = Math.hypot(nearest[0] - x, nearest[1] - y) > 11;
      const made = [away ? svg("line", { class: "lb-leader", x1: x, y1: y, x2: nearest[0], y2: nearest[1] }) : null,
        text(left + w / 2, top + 11, name, { "text-anchor": "middle", class: "lb-label" })].filter(Boolean);
      for (const part of made) part.style.opacity = faded(run);
      return made;
    });
  }

  /** The points that no other beats in both: less of x, more of y; from left to right. */
  function frontier(points) {
    let best = -Infinity;
    return [...points].sort((a, b) => a.at - b.at || b.score - a.score).filter(({ score }) => score > best && ((best = score), true));
  }

  const PARETO = { name: "Pareto line", css: "lb-pareto", of: frontier };
  const COURSE = { name: "In the order of steps", css: "lb-course", of: (points) => [...points].sort((a, b) => a.at - b.at) };

  /** Points with a score at a place, labelled, and a line through some of them. */
  function scatter(title, unit, candidates, w, line = PARETO) {
    const known = candidates.filter(({ found, at }) => found && found[VALUE] !== null && at !== null)
      .map((point) => ({ ...point, score: 100 * point.found[VALUE] / point.scale }));
    if (!known.length) return null;
    const [left, right, top, bottom, height] = [46, w - 14, 22, 288, 326];
    const x = axis(known.map(({ at }) => at), left, right);
    const ends = known.flatMap(({ found, scale, score }) => [score, ...[found[LOW], found[HIGH]].filter((end) => end !== null).map((end) => 100 * end / scale)]);
    const [low, high] = [Math.max(0, Math.floor(Math.min(...ends) / 5) * 5), Math.min(100, Math.ceil(Math.max(...ends) / 5) * 5)];
    const y = (score) => bottom - (bottom - top) * (score - low) / (high - low || 1);
    const parts = [text(left - 38, 12, "score, %", { class: "lb-tick" })];
    for (const tick of steps(low, high || 1, 5)) {
      parts.push(svg("line", { class: "axis", x1: left, x2: right, y1: y(tick), y2: y(tick) }), text(left - 6, y(tick) + 4, String(tick), { class: "lb-tick", "text-anchor": "end" }));
    }
    for (const tick of x.ticks) parts.push(svg("line", { class: "axis", x1: x.at(tick), x2: x.at(tick), y1: bottom, y2: bottom + 4 }), text(x.at(tick), bottom + 17, String(tick), { class: "lb-tick", "text-anchor": "middle" }));
    parts.push(text((left + right) / 2, height - 6, unit + x.note, { class: "lb-tick", "text-anchor": "middle" }));
    const joined = info.runs.length > 1 ? line.of(known.filter(({ run }) => !info.runs[run].apart)) : [];
    if (joined.length > 1) parts.push(svg("polyline", { class: line.css, points: joined.map(({ at, score }) => `${x.at(at)},${y(score)}`).join(" ") }, svg("title", {}, `${line.name}: ${joined.map(({ name }) => name).join(", ")}`)));
    for (const { run, name, found, scale, at, score } of known) {
      if (found[LOW] !== null) parts.push(stroked(run, svg("line", { x1: x.at(at), x2: x.at(at), y1: y(100 * found[LOW] / scale), y2: y(100 * found[HIGH] / scale), "stroke-opacity": 0.45 }), 1.5));
      parts.push(shape(run, x.at(at), y(score), `${name}: ${number(found[VALUE])} at ${number(at, 2)} ${unit}`));
    }
    parts.push(...labels(known.map(({ run, name, at, score }) => ({ run, name, x: x.at(at), y: y(score) })), [left + 2, top - 8, right + 10, bottom]));
    const name = info.runs.length === 1 ? `${title}: ${info.runs[0].name}` : title;
    const figure = h("figure", {}, h("div", { class: "lb-bar-of-figure" }, h("h4", {}, title), saveButtons(() => figure, name, info.runs.length > 1 ? runs : [], info.runs)),
      picture(w, height, `${title}: ${known.length} points; the numbers are in the tables`, parts));
    return figure;
  }

  /** The row that stands for all: the mean, or what there is. */
  const leading = () => rows.find((row) => row.kind === "mean") ?? rows.find((row) => row.kind === "category") ?? rows[0];

  /** Checkpoints of a training: score against step, each paired with the first and with the best. */
  function stepFigure() {
    const row = leading();
    const points = runs.filter((run) => info.runs[run].step !== null && cell(row, run)?.[VALUE] != null)
      .map((run) => ({ run, name: short(run), found: cell(row, run), scale: row.scale, at: info.runs[run].step })).sort((a, b) => a.at - b.at);
    if (points.length < 2) return null;
    const best = points.reduce((top, point) => (point.found[VALUE] > top.found[VALUE] ? point : top));
    const against = (base, { run }) => {
      const entry = base.run === run ? null : entryOf(base.run, run, row);
      return h("td", {}, entry ? `${signed(entry.difference)} (p ${probability(entry.p)})` : "–");
    };
    const line = (point) => h("tr", {}, h("th", { scope: "row" }, marker(point.run), " ", String(point.at)), h("td", {}, info.runs[point.run].name),
      h("td", {}, number(point.found[VALUE])), h("td", {}, point.found[LOW] === null ? "–" : `${number(point.found[LOW])} – ${number(point.found[HIGH])}`), against(points[0], point), against(best, point));
    return h("div", { class: "lb-steps lb-wide-figure" }, h("h3", {}, "Score against training step"),
      scatter(`${row.label} by training step`, "training step", points, Math.min(900, width), COURSE),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores by training step" }, h("table", {},
        h("thead", {}, h("tr", {}, ["Step", "Run", row.label, "95 % interval", "Δ first", `Δ best (${best.at})`].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, points.map(line)))),
      h("p", { class: "soft" }, "Differences are paired on the same samples: the tests of the Compare tab."));
  }

  function costFigures() {
    const single = info.runs.length === 1;
    const chosen = rows.find((row) => row.id === view.row) ?? leading();
    const points = single
      ? rows.filter((row) => row.kind === "task").map((row) => ({ run: 0, name: row.label, found: cell(row, 0), scale: row.scale }))
      : runs.map((run) => ({ run, name: short(run), found: cell(chosen, run), scale: chosen.scale }));
    const across = width >= 720 ? 2 : 1;
    const w = Math.min(620, Math.floor((width - 24 * (across - 1)) / across) - 1);
    const against = (column) => points.map((point) => ({ ...point, at: point.found?.[column] ?? null }));
    const figures = [scatter("Score against response length", "tokens of a response, mean", against(TOKENS), w), scatter("Score against latency", "seconds of a response, mean", against(SECONDS), w)].filter(Boolean);
    if (!figures.length) return null;
    const select = h("select", { on: { change: () => { view.row = select.value; redraw(); root.querySelector(".lb-cost select")?.focus(); } } },
      rows.map((row) => h("option", { value: row.id, selected: row.id === chosen.id }, row.label)));
    return h("div", { class: "lb-cost lb-wide-figure" }, h("div", { class: "lb-bar-of-figure" }, h("h3", {}, "Score against length and latency"),
      single ? null : h("label", { class: "soft" }, "Score of ", select)), single ? null : legend("Score against length and latency"), columns(h("div", { class: "lb-facets" }, figures), across),
      h("p", { class: "soft" }, single ? "A point is a task: its score, and the mean tokens and seconds of its responses."
        : "A point is a model, its whisker the 95 % interval. The dashed line joins the complete models that no other beats in both. Tokens and seconds of a mean are the plain means of its tasks'."));
  }

  function redraw() {
    width = Math.floor(root.clientWidth);
    if (!width) return;
    root.replaceChildren(...(rows.length && runs.length ? [scoreFigure(), stepFigure(), lengthFigure(), costFigures()].filter(Boolean) : []));
  }

  return {
    draw(newRows, newRuns) {
      rows = newRows.filter((row) => row.category !== "other");  // in units of their own
      runs = newRuns;
      root.hidden = false;
      redraw();
    },
    resize() { if (Math.floor(root.clientWidth) !== width) redraw(); },
  };
};
