"use strict";
/* The comparison of two runs: #/compare?a=<run>&b=<run>. A is the baseline, every difference is B − A.

   Every pair is in the data once, the earlier run as A; where the reader swaps them the signs are turned here. */
{
  const { h, svg, number } = harness;
  const MINUS = "−";
  let root, facts, shown = "";

  const named = (name) => facts.labels[name] ?? name;
  const signed = (value) => (value === null ? "–" : `${value < 0 ? MINUS : "+"}${Math.abs(value).toFixed(1)}`);
  const plain = (value) => (value === null ? "–" : value.toFixed(1).replace("-", MINUS));
  const range = ([, low, high]) => (low === null ? "–" : `${plain(low)} to ${plain(high)}`);
  const probability = (p) => (p === null ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3));
  const turned = (value) => (value === null ? null : 0 - value);

  function swapEntry(entry) {
    const [value, low, high] = entry.d;
    const swapped = { ...entry, a: entry.b, b: entry.a, d: [turned(value), turned(high), turned(low)], certain: 0 - entry.certain };
    if (entry.cells) swapped.cells = [entry.cells[0], entry.cells[2], entry.cells[1], entry.cells[3]];
    if (entry.left) swapped.left = [entry.left[1], entry.left[0], entry.left[2], entry.left[3]];
    return swapped;
  }
  const swapPair = (pair) => pair.why !== undefined ? pair : ({
    ...pair, all: swapEntry(pair.all), onlyA: pair.onlyB, onlyB: pair.onlyA,
    groups: pair.groups.map((group) => ({ mean: swapEntry(group.mean), tasks: group.tasks.map(swapEntry) })),
    others: pair.others.map(swapEntry),
  });

  /** The comparison of two runs by position; null where the report does not have it. */
  function pairOf(a, b) {
    const found = facts.pairs.find((pair) => pair.a === Math.min(a, b) && pair.b === Math.max(a, b));
    if (!found) return null;
    return found.a === a ? found : swapPair(found);
  }

  // The scale of the figure: points, symmetric about 0, the same for all rows.
  function scaleOf(entries) {
    const ends = entries.flatMap((entry) => entry.d).filter((value) => value !== null).map(Math.abs);
    const most = Math.max(1, ...ends);
    const step = [0.5, 1, 2, 5, 10, 20, 25, 50].find((size) => most / size <= 4) ?? 50;
    const limit = Math.min(100, Math.ceil(most / step) * step);
    return { step, limit };
  }
  const WIDTH = 320, HEIGHT = 32, MARGIN = 22;
  const narrow = matchMedia("(max-width: 640px)");
  const width = () => (narrow.matches ? 148 : WIDTH);
  const placed = (value, scale) => width() / 2 + (value / scale.limit) * (width() / 2 - MARGIN);

  function grid(scale) {
    const lines = [];
    for (let value = -scale.limit; value <= scale.limit + 1e-9; value += narrow.matches ? scale.limit : scale.step) {
      const x = placed(value, scale);
      lines.push(svg("line", { class: Math.abs(value) < 1e-9 ? "cmp-zero" : "cmp-grid", x1: x, x2: x, y1: 0, y2: HEIGHT }));
    }
    return lines;
  }
  function axis(scale) {
    const texts = [];
    for (let value = -scale.limit; value <= scale.limit + 1e-9; value += narrow.matches ? scale.limit : scale.step) {
      const text = Math.abs(value) < 1e-9 ? "0" : `${value < 0 ? MINUS : "+"}${Math.abs(value)}`;
      texts.push(svg("text", { x: placed(value, scale), y: 28, "text-anchor": "middle" }, text));
    }
    const head = [
      svg("text", { x: placed(0, scale) - 8, y: 12, "text-anchor": "end" }, "A better"),
      svg("text", { x: placed(0, scale) + 8, y: 12 }, "B better"),
    ];
    return svg("svg", { viewBox: `0 0 ${width()} ${HEIGHT}`, "aria-hidden": "true" }, head, texts);
  }
  function whisker(entry, scale, mean) {
    const [value, low, high] = entry.d;
    if (value === null) return null;
    const y = HEIGHT / 2, x = placed(value, scale);
    const kind = `cmp-mark${entry.certain > 0 ? " cmp-better" : entry.certain < 0 ? " cmp-worse" : ""}`;
    const label = `B minus A: ${signed(value)} points, 95 % interval ${range(entry.d)}`;
    return svg("svg", { viewBox: `0 0 ${width()} ${HEIGHT}`, role: "img", "aria-label": label },
      svg("title", null, label),
      grid(scale),
      svg("line", { class: kind, x1: placed(low, scale), x2: placed(high, scale), y1: y, y2: y }),
      mean ? svg("path", { class: kind, d: `M${x - 6} ${y}L${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}Z` })
        : svg("circle", { class: kind, cx: x, cy: y, r: 4.5 }));
  }

  /** A count that leads to the samples it counts. */
  function flips(task, count, verdict, a, b, what) {
    if (!facts.samples || !count) return String(count);
    const query = { task, verdict, a, b };
    return h("a", { href: harness.address("samples", query), "aria-label": `${count} ${count === 1 ? "sample" : "samples"} of ${named(task)}: ${what}` }, String(count));
  }

  function leftOut(task) {
    const what = ["only in A", "only in B", "asked otherwise", "without a verdict"];
    const parts = task.left.map((count, place) => (count ? `${count} ${what[place]}` : null)).filter(Boolean);
    return parts.length ? h("span", { class: "cmp-left" }, `left out: ${parts.join(", ")}`) : null;
  }

  function row(kind, entry, scale, names) {
    const tone = entry.certain > 0 ? "cmp-better-text" : entry.certain < 0 ? "cmp-worse-text" : null;
    const task = kind === "task";
    const pieces = task
      ? [entry.n, entry.n ? flips(entry.name, entry.cells[1], "a-only", ...names, "only A right") : "–",
        entry.n ? flips(entry.name, entry.cells[2], "b-only", ...names, "only B right") : "–"]
      : [entry.missing.length ? `mean of ${entry.of} of ${entry.of + entry.missing.length}` : `mean of ${entry.of}`, "", ""];
    return h("tr", { class: `cmp-${kind}`, dataset: { entry: entry.name } },
      h("th", { scope: "row" }, named(entry.name), task ? leftOut(entry) : null),
      h("td", { class: "cmp-figure" }, whisker(entry, scale, !task)),
      h("td", { class: tone }, signed(entry.d[0])),
      h("td", null, range(entry.d)),
      h("td", null, number(entry.a)), h("td", null, number(entry.b)),
      pieces.map((piece) => h("td", null, piece)),
      h("td", null, probability(entry.p)),
      h("td", null, entry.sees === null ? "–" : entry.sees.toFixed(1)));
  }

  function table(pair, names) {
    const tasks = [...pair.groups.flatMap((group) => group.tasks), ...pair.others];
    const scale = scaleOf([pair.all, ...pair.groups.map((group) => group.mean), ...tasks]);
    const head = [["B − A", "points"], ["95 % interval", "of B − A"], ["A", names[0]], ["B", names[1]], ["n", "paired samples"],
      ["only A", "only A is right"], ["only B", "only B is right"], ["p adj.", "after Holm"],
      ["smallest visible", "the smallest difference that these samples would show 4 times in 5"]];
    return h("div", { class: "scroll cmp-table-box", tabindex: "0", role: "region", "aria-label": "Differences by task" },
      h("table", { class: "cmp-table" },
        h("caption", { class: "visually-hidden" }, `${names[1]} minus ${names[0]}, in points`),
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "task"),
          h("th", { scope: "col", class: "cmp-figure" }, h("span", { class: "visually-hidden" }, "figure"), axis(scale)),
          head.map(([text, title]) => h("th", { scope: "col", title }, text)))),
        h("tbody", null, row("all", pair.all, scale, names)),
        pair.groups.map((group) => h("tbody", null,
          row("category", group.mean, scale, names),
          group.tasks.map((task) => row("task", task, scale, names)))),
        pair.others.length ? h("tbody", null, pair.others.map((task) => row("task", task, scale, names))) : null,
        pair.apart.length ? h("tbody", null, reasons(pair).map(([tasks, why]) => h("tr", { class: "cmp-apart" },
          h("th", { scope: "row" }, tasks.length > 2 ? `${tasks.length} tasks` : tasks.join(", ")),
          h("td", { colspan: 10 }, h("div", null, `not comparable: ${why}`))))) : null));
  }

  /** [names of tasks, why they were not compared], a reason once. */
  function reasons(pair) {
    const found = new Map();
    for (const [task, why] of pair.apart) found.set(why, [...(found.get(why) ?? []), named(task)]);
    return [...found].map(([why, tasks]) => [tasks, why]);
  }

  /** What may be concluded, in plain words. */
  function verdict(pair) {
    const all = pair.all;
    if (all.d[0] === null) {
      return pair.groups.length ? "Nothing could be compared: no sample has a verdict in both runs."
        : "Nothing could be compared: the runs were not asked or not scored alike.";
    }
    const size = `${Math.abs(all.d[0]).toFixed(1)} points (B − A: ${range(all.d)})`;
    if (all.certain) return `B is ${all.certain > 0 ? "better" : "worse"} than A overall, by ${size}.`;
    return `No certain difference overall: ${signed(all.d[0])} points (${range(all.d)}).`
      + (all.sees === null ? "" : ` These samples would show ${all.sees.toFixed(1)} points 4 times in 5.`);
  }
  function certainOnes(pair) {
    if (pair.all.d[0] === null) return null;
    const parts = [[1, "Better"], [-1, "Worse"]].map(([sign, word]) => {
      const names = [
        ...[...pair.groups.flatMap((group) => group.tasks), ...pair.others].filter((task) => task.certain === sign).map((task) => named(task.name)),
        ...pair.groups.filter((group) => group.mean.certain === sign).map((group) => `${named(group.mean.name)} (mean)`),
      ];
      return names.length ? `${word}: ${names.join(", ")}.` : null;
    }).filter(Boolean);
    return parts.join(" ") || "No task and no category differs for certain.";
  }
  function notes(pair, runs) {
    const found = [];
    runs.forEach((run, place) => {
      const letter = "AB"[place];
      if (run.partial) found.push(`${letter} is not complete, ${run.missing} responses are missing: compared on what both have.`);
    });
    const drawn = ["A", "B"].filter((_, place) => runs[place].synthetic).join(" and ");
    if (drawn) found.push(`Synthetic data in ${drawn}: not the benchmarks.`);
    for (const [tasks, why] of reasons(pair)) found.push(`Not comparable, and in no mean: ${tasks.join(", ")}: ${why}.`);
    for (const [letter, names] of [["A", pair.onlyA], ["B", pair.onlyB]]) {
      if (names.length) found.push(`Only in ${letter}, not compared: ${names.map(named).join(", ")}.`);
    }
    return found.length ? h("ul", { class: "cmp-notes warn" }, found.map((text) => h("li", null, text))) : null;
  }

  function draw(a, b) {
    const body = root.querySelector("[data-cmp-body]");
    const runs = [facts.runs[a], facts.runs[b]];
    const names = runs.map((run) => run.name);
    const pair = a === b ? null : pairOf(a, b);
    const say = (text) => { root.querySelector("[data-cmp-status]").textContent = text; };
    if (pair === null || pair.why !== undefined) {
      const why = a === b ? "A and B are the same run."
        : pair === null ? "This pair is not in this report: harness compare A B." : `Not comparable: ${pair.why}`;
      say(why);
      body.replaceChildren(h("p", { class: "panel cmp-verdict" }, why));
      return;
    }
    say(`A: ${names[0]}. B: ${names[1]}. ${verdict(pair)}`);
    body.replaceChildren(
      h("div", { class: "panel cmp-verdict" }, h("p", { class: "cmp-main" }, verdict(pair)),
        h("p", null, certainOnes(pair)), notes(pair, runs)),
      ...(pair.groups.length ? [table(pair, names)] : []));
  }

  const select = (key) => root.querySelector(`[data-cmp="${key}"]`);
  const place = (name) => facts.runs.findIndex((run) => run.name === name);
  const goto = (a, b) => harness.go("compare", { a, b }, true);

  function show(query) {
    const first = facts.pairs[0];
    let a = place(query.get("a")), b = place(query.get("b"));
    if (a < 0) a = b === first.a ? first.b : first.a;
    if (b < 0) b = a === first.b ? first.a : first.b;
    select("a").selectedIndex = a;
    select("b").selectedIndex = b;
    const wanted = `${a} ${b} ${width()}`;
    if (wanted === shown) return;
    shown = wanted;
    draw(a, b);
  }

  harness.section("compare", {
    start(section) {
      root = section;
      facts = harness.data("compare-data");
      for (const key of ["a", "b"]) select(key).addEventListener("change", () => goto(select("a").value, select("b").value));
      select("swap").addEventListener("click", () => goto(select("b").value, select("a").value));
      narrow.addEventListener("change", () => {
        shown = "";
        show(new URLSearchParams(location.hash.split("?")[1] ?? ""));
      });
    },
    show,
  });
}
