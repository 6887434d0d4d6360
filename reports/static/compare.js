"use strict";
/* Runs compared: #/compare?a=<run>&b=<run>. A is the baseline, every difference is B − A. Of three runs or more a
   table of all of them against A comes first.

   Every pair is in the data once, the earlier run as A; where the reader swaps them the signs are turned here. */
{
  const { h, svg, number, signed, probability } = harness;
  const MINUS = "−";
  let root, facts, shown = "";

  const named = (name) => facts.labels[name] ?? name;
  const plain = (value) => (value === null ? "–" : value.toFixed(1).replace("-", MINUS));
  const range = ([, low, high]) => (low === null ? "–" : `${plain(low)} to ${plain(high)}`);
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
  const HEIGHT = 32, MARGIN = 22;
  const narrow = matchMedia("(max-width: 640px)");
  const width = () => (narrow.matches ? 148 : 320);
  const placed = (value, scale) => width() / 2 + (value / scale.limit) * (width() / 2 - MARGIN);

  function grid(scale) {
    const lines = [];
    for (let value = -scale.limit; value <= scale.limit + 1e-9; value += narrow.matches ? scale.limit : scale.step) {
      const x = placed(value, scale);
      lines.push(svg("line", { class: Math.abs(value) < 1e-9 ? "cmp-zero" : "cmp-grid", x1: x, x2: x, y1: 0, y2: HEIGHT }));
    }
    return lines;
  }
  function axis(scale, better = "B better") {
    const texts = [];
    for (let value = -scale.limit; value <= scale.limit + 1e-9; value += narrow.matches ? scale.limit : scale.step) {
      const text = Math.abs(value) < 1e-9 ? "0" : `${value < 0 ? MINUS : "+"}${Math.abs(value)}`;
      texts.push(svg("text", { x: placed(value, scale), y: 28, "text-anchor": "middle" }, text));
    }
    const head = [
      svg("text", { x: placed(0, scale) - 8, y: 12, "text-anchor": "end" }, "A better"),
      svg("text", { x: placed(0, scale) + 8, y: 12 }, better),
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
    const what = ["only in A", "only in B", "with another question or other images", "without a verdict"];
    const parts = task.left.map((count, place) => (count ? `${count} ${what[place]}` : null)).filter(Boolean);
    return parts.length ? h("span", { class: "cmp-left" }, `left out: ${parts.join(", ")}`) : null;
  }

  const tone = (sign) => (sign > 0 ? "cmp-better-text" : sign < 0 ? "cmp-worse-text" : null);

  function row(kind, entry, scale, names) {
    const task = kind === "task";
    const pieces = task
      ? [entry.n, entry.n ? flips(entry.name, entry.cells[1], "a-only", ...names, "A right, B wrong") : "–",
        entry.n ? flips(entry.name, entry.cells[2], "b-only", ...names, "A wrong, B right") : "–"]
      : [entry.missing.length ? `mean of ${entry.of} of ${entry.of + entry.missing.length}` : `mean of ${entry.of}`, "", ""];
    return h("tr", { class: `cmp-${kind}`, dataset: { entry: entry.name } },
      h("th", { scope: "row" }, named(entry.name), task ? leftOut(entry) : null),
      h("td", { class: "cmp-figure" }, whisker(entry, scale, !task)),
      h("td", { class: tone(entry.certain) }, signed(entry.d[0])),
      h("td", null, range(entry.d)),
      h("td", null, number(entry.a)), h("td", null, number(entry.b)),
      pieces.map((piece) => h("td", null, piece)),
      h("td", null, probability(entry.p)),
      h("td", null, entry.detectable === null ? "–" : entry.detectable.toFixed(1)));
  }

  /** A table in a region of its own; each cell bears its column's name, for the cards of a narrow screen. */
  function boxed(label, made) {
    const names = [...made.tHead.rows[0].cells].map((cell) => cell.textContent);
    for (const line of made.tBodies) for (const { cells } of line.rows) for (const cell of cells) {
      if (cell.tagName === "TD" && cell.colSpan === 1 && cell.className !== "cmp-figure") cell.dataset.label = names[cell.cellIndex];
    }
    return h("div", { class: "scroll cmp-table-box", tabindex: "0", role: "region", "aria-label": label }, made);
  }

  function table(pair, names) {
    const tasks = tasksOf(pair);
    const scale = scaleOf([pair.all, ...pair.groups.map((group) => group.mean), ...tasks]);
    const head = [["B − A", "points"], ["95 % interval", "of B − A"], ["A", names[0]], ["B", names[1]], ["n", "paired samples"],
      ["A ✓ B ✗", "samples that only A answers correctly"], ["A ✗ B ✓", "samples that only B answers correctly"],
      ["p (Holm)", "adjusted after Holm"], ["Detectable", "minimum detectable difference in points (80 % power)"]];
    return boxed("Differences by task",
      h("table", { class: "cmp-table", dataset: { cmp: "tasks" } },
        h("caption", { class: "visually-hidden" }, `${names[1]} minus ${names[0]}, in points`),
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "Task"),
          h("th", { scope: "col", class: "cmp-figure" }, h("span", { class: "visually-hidden" }, "Figure"), axis(scale)),
          head.map(([text, title]) => h("th", { scope: "col", title }, text)))),
        h("tbody", null, row("all", pair.all, scale, names)),
        pair.groups.map((group) => h("tbody", null,
          row("category", group.mean, scale, names),
          group.tasks.map((task) => row("task", task, scale, names)))),
        pair.others.length ? h("tbody", null, pair.others.map((task) => row("task", task, scale, names))) : null));
  }

  const tasksOf = (pair) => [...pair.groups.flatMap((group) => group.tasks), ...pair.others];

  /* ---- all runs against the baseline ---- */

  function against(a, b) {
    const lines = facts.runs.map((_, run) => ({ run, pair: run === a ? null : pairOf(a, run) })).filter(({ run }) => run !== a);
    const known = lines.map(({ pair }) => pair).filter((pair) => pair && pair.why === undefined);
    const categories = Object.keys(facts.labels).filter((name) => known.some((pair) => pair.groups.some((group) => group.mean.name === name)));
    const scale = scaleOf(known.map((pair) => pair.all));
    const score = ({ pair }) => pair?.all?.b ?? -Infinity;
    lines.sort((one, other) => score(other) - score(one));
    const head = [["Run − A", "points, overall"], ["95 % interval", "of the difference"], ["p", "of the overall difference"], ["A", "A's overall score on the shared samples"],
      ["Overall", "the run's overall score"], ...categories.map((name) => [named(name), "difference of the category's mean; * significant after Holm"])];
    return boxed("All runs against the baseline",
      h("table", { class: "cmp-table", dataset: { cmp: "runs" } },
        h("caption", { class: "visually-hidden" }, `All runs minus ${facts.runs[a].name}, in points`),
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "Run"),
          h("th", { scope: "col", class: "cmp-figure" }, h("span", { class: "visually-hidden" }, "Figure"), axis(scale, "Run better")),
          head.map(([text, title]) => h("th", { scope: "col", title }, text)))),
        h("tbody", null, lines.map(({ run, pair }) => candidate(run, pair, a, b, scale, categories)))));
  }

  function candidate(run, pair, a, b, scale, categories) {
    const name = facts.runs[run].name;
    const pick = h("button", { type: "button", class: "cmp-pick", "aria-pressed": String(run === b), title: "Show this run as B", on: { click: () => goto(facts.runs[a].name, name) } }, name);
    const start = h("th", { scope: "row" }, pick);
    const attributes = { class: run === b ? "cmp-run cmp-picked" : "cmp-run", dataset: { run: name } };
    if (!pair || pair.why !== undefined || pair.all.d[0] === null) {
      const why = !pair ? "not in this report" : pair.why ?? verdict(pair);
      return h("tr", attributes, start, h("td", { colspan: 6 + categories.length, class: "cmp-why" }, why));
    }
    const means = categories.map((category) => pair.groups.find((group) => group.mean.name === category)?.mean);
    return h("tr", attributes, start,
      h("td", { class: "cmp-figure" }, whisker(pair.all, scale, true)),
      h("td", { class: tone(pair.all.certain) }, signed(pair.all.d[0])),
      h("td", null, range(pair.all.d)), h("td", null, probability(pair.all.p)),
      h("td", null, number(pair.all.a)), h("td", null, number(pair.all.b)),
      means.map((mean) => h("td", { class: mean ? tone(mean.certain) : null }, mean ? signed(mean.d[0]) + (mean.certain ? "*" : "") : "–")));
  }

  /* ---- in words, as `harness compare` has it ---- */

  function verdict(pair) {
    const all = pair.all;
    if (all.d[0] === null) {
      const tasks = tasksOf(pair);
      const why = tasks.some((task) => task.n) ? "no task of a category is in both runs"
        : tasks.length ? "no sample has a verdict in both runs" : "data or scorers differ in every task";
      return `Nothing could be compared: ${why}.`;
    }
    const size = `${Math.abs(all.d[0]).toFixed(1)} points (B − A: ${range(all.d)})`;
    if (all.certain) return `B is ${all.certain > 0 ? "better" : "worse"} than A overall, by ${size}.`;
    return `No significant difference between B and A overall: ${signed(all.d[0])} points (${range(all.d)}).`;
  }
  function significantOnes(pair) {
    if (pair.all.d[0] === null) return null;
    const parts = [[1, "Better"], [-1, "Worse"]].map(([sign, word]) => {
      const names = [
        ...tasksOf(pair).filter((task) => task.certain === sign).map((task) => named(task.name)),
        ...pair.groups.filter((group) => group.mean.certain === sign).map((group) => `${named(group.mean.name)} (mean)`),
      ];
      return names.length ? `${word}: ${names.join(", ")}.` : null;
    }).filter(Boolean);
    const found = parts.join(" ") || "No task and no category differs significantly.";
    const smallest = pair.all.certain || pair.all.detectable === null ? "" : ` Minimum detectable difference overall: ${pair.all.detectable.toFixed(1)} points (80 % power).`;
    return found + smallest;
  }
  function notes(pair, runs) {
    const found = [];
    runs.forEach((run, place) => {
      if (run.partial) found.push(`${"AB"[place]} is not complete, ${run.missing} ${run.missing === 1 ? "response is" : "responses are"} missing: compared on what both have.`);
    });
    const synthetic = ["A", "B"].filter((_, place) => runs[place].synthetic).join(" and ");
    if (synthetic) found.push(`Synthetic data in ${synthetic}, not the benchmarks: not comparable to published scores.`);
    for (const [paired, tasks, why] of reasons(pair)) {
      found.push(paired ? `Mismatch: ${tasks.join(", ")}: ${why}. Only samples whose question and images agree are paired.`
        : `Not compared, and in no mean: ${tasks.join(", ")}: ${why}.`);
    }
    if (pair.prompts.length) found.push(prompts(pair, runs));
    for (const [letter, names] of [["A", pair.onlyA], ["B", pair.onlyB]]) {
      if (names.length) found.push(`Only in ${letter}, not compared: ${names.map(named).join(", ")}.`);
    }
    return found.length ? h("ul", { class: "cmp-notes" }, found.map((text) => h("li", null, text))) : null;
  }
  function prompts(pair, [one, other]) {
    const settings = [["", one.prompt, other.prompt], ["coordinates ", one.coords ?? "None", other.coords ?? "None"]]
      .filter(([, mine, theirs]) => mine !== theirs).map(([what, mine, theirs]) => `${what}${mine} in A and ${theirs} in B`);
    const tasks = pair.prompts.length <= 3 ? pair.prompts.map(named).join(", ") : `${pair.prompts.length} tasks`;
    return `Different prompts${settings.length ? ` (${settings.join("; ")})` : ""}: ${tasks}. Questions, images and right answers are the same.`;
  }

  /** [paired all the same, names of tasks, how they differ], a reason once. */
  function reasons(pair) {
    const found = new Map();
    for (const { task, why, paired } of pair.mismatches) {
      const key = `${paired} ${why}`;
      if (!found.has(key)) found.set(key, [paired, [], why]);
      found.get(key)[1].push(named(task));
    }
    return [...found.values()];
  }

  function draw(a, b) {
    const body = root.querySelector("[data-cmp-body]");
    const runs = [facts.runs[a], facts.runs[b]];
    const names = runs.map((run) => run.name);
    const all = facts.runs.length > 2 ? [against(a, b)] : [];
    const pair = a === b ? null : pairOf(a, b);
    const say = (text) => { root.querySelector("[data-cmp-status]").textContent = text; };
    if (pair === null || pair.why !== undefined) {
      const why = a === b ? "A and B are the same run."
        : pair === null ? "This pair is not in this report: harness compare BASE RUN." : `Not comparable: ${pair.why}`;
      say(why);
      body.replaceChildren(...all, h("p", { class: "cmp-main" }, why));
      return;
    }
    say(`A: ${names[0]}. B: ${names[1]}. ${verdict(pair)}`);
    body.replaceChildren(...all,
      h("div", { class: "cmp-verdict" }, all.length ? h("h3", null, `B: ${names[1]}`) : null,
        h("p", { class: "cmp-main" }, verdict(pair)), h("p", null, significantOnes(pair)), notes(pair, runs)),
      ...(tasksOf(pair).length ? [table(pair, names)] : []));
  }

  const select = (key) => root.querySelector(`[data-cmp="${key}"]`);
  const place = (name) => facts.runs.findIndex((run) => run.name === name);
  const goto = (a, b) => harness.go("compare", { a, b }, true);

  function show(query) {
    const [first, second] = facts.opened;
    let a = place(query.get("a")), b = place(query.get("b"));
    if (a < 0) a = b === first ? second : first;
    if (b < 0) b = a === second ? first : second;
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
