"use strict";
/* The sample viewer.

   Addresses: #/samples?task=&group=&run=&outcome=&verdict=&a=&b=&q=&sort=&dir=&pin=&raw=&id=&of=&data=   (all optional)
     task     only this task
     group    key=value, e.g. type=human: only samples in that group; or a value alone, of any key
     run      a run's name or its number in the report, from 0: outcome and verdict are this run's; empty: any run's
     outcome  right | wrong (of a parsed answer) | unparsed | truncated | filtered | failed (no response, or not scored) |
              missing (not answered yet) | unscored (the answers of the split are withheld)
     verdict  disagree (official and ours disagree) | official-only | ours-only (its two halves) |
              flips (a and b disagree) | a-only (a right, b wrong) | b-only (the reverse)
     a, b     the two runs that flips, a-only and b-only compare, as `run`; empty: the first and the second
     q        text searched for in question, id and responses
     sort     score | iou | distance | length | latency | disagreement; of the run, else the mean over the runs
     dir      asc | desc; empty: what one looks for first
     pin      numbers of the runs that are open where there are more than three, or "none"
     raw      1: texts as they are, not typeset
     id       the sample that is open
     of       its task, where `task` does not say it
     data     the first 8 digits of its data's fingerprint, where runs saw different data */
{
  const { h } = harness;
  const FILTERS = ["task", "group", "run", "outcome", "verdict", "a", "b", "q"];
  const VIEW = ["sort", "dir", "pin", "raw"];
  const OUTCOMES = [
    ["right", "right"], ["wrong", "wrong"], ["unparsed", "unparsed"], ["truncated", "truncated"], ["filtered", "filtered"],
    ["failed", "failed"], ["missing", "not answered yet"],
    ["unscored", "not scored"],
  ];
  const RULES = [["disagree", "official and ours disagree"]];
  const HALVES = [["official-only", "official only"], ["ours-only", "ours only"]];
  const FLIPS = [["flips", "A and B disagree"], ["a-only", "A ✓ B ✗"], ["b-only", "A ✗ B ✓"]];
  const MOST_VALUES = 300;

  let root, list, state = {}, shown = null, drawnAt = null, candidates = [], searching = 0, drawing = 0, typing = 0;
  const part = (name) => root.querySelector(`#samples-${name}`);
  const control = (key) => root.querySelector(`[data-key="${key}"]`);
  const cut = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

  /** The query of the address: filters, and the open sample unless it is to be forgotten. */
  const query = (changes) => ({ ...state, ...changes });
  const go = (changes, replace) => harness.go("samples", query(changes), replace);
  const filterBy = (changes, replace) => go({ ...changes, id: "", of: "", data: "" }, replace);

  function fill(key, entries, none) {
    const select = control(key);
    if (!select) return;
    const value = state[key] ?? "";
    const known = entries.some((entry) => entry[0] === value);
    const options = [["", none], ...entries, ...(value && !known ? [[value, value]] : [])];
    select.replaceChildren(...options.map(([name, text]) => h("option", { value: name, selected: name === value }, cut(samplesText.foreign(text)))));
  }

  /** Groups of the chosen task that have few enough values to choose from. */
  function groupEntries() {
    const { sets } = samplesIndex.all, entries = new Map();
    for (const set of sets.filter((one) => one.task === state.task)) {
      for (const [key, column] of Object.entries(set.groups)) {
        if (column.values.length > MOST_VALUES || column.values.length > Math.max(2, set.count / 2)) continue;
        const sizes = column.values.map(() => 0);
        for (const code of column.codes) for (const one of [code].flat()) if (one >= 0) sizes[one] += 1;
        column.values.forEach((value, code) => {
          const name = `${key}=${value}`;
          entries.set(name, (entries.get(name) ?? 0) + sizes[code]);
        });
      }
    }
    return [...entries].map(([name, size]) => [name, `${name} (${size})`]);
  }

  function fillAll() {
    const { sets, runs } = samplesIndex.all;
    const tasks = new Map();
    for (const set of sets) tasks.set(set.task, (tasks.get(set.task) ?? 0) + set.count);
    fill("task", [...tasks].map(([name, size]) => [name, `${name} (${size.toLocaleString("en")})`]), "all");
    const groups = groupEntries();
    fill("group", groups, "all");
    root.querySelector('[data-for="group"]').hidden = !groups.length && !state.group;
    const named = runs.map((run) => [run.name, run.name]);
    fill("run", named, "any");
    const others = (key, own) => named.filter(([name]) => name !== own || state[key] === name);
    const [a, b] = [runs[0].name, runs[Math.min(1, runs.length - 1)].name];
    fill("a", others("a", a), a);
    fill("b", others("b", b), b);
    for (const label of root.querySelectorAll('[data-for="pair"]')) label.hidden = !FLIPS.some(([name]) => name === state.verdict);
    const counted = (key, entries) => {
      const sizes = samplesIndex.counts(state, key, entries.map((entry) => entry[0]));
      return entries.map(([name, text], place) => [name, `${text} (${sizes[place].toLocaleString("en")})`]).filter((entry, place) => sizes[place] || entry[0] === state[key]);
    };
    fill("outcome", counted("outcome", OUTCOMES), "all");
    const halves = HALVES.filter(([name]) => name === state.verdict);
    fill("verdict", counted("verdict", [...RULES, ...halves, ...(runs.length > 1 ? FLIPS : [])]), "all");
    fill("sort", samplesIndex.sorts().map((sort) => [sort, samplesIndex.SORTS[sort].words]), "order of the data");
    const sorts = Boolean(samplesIndex.SORTS[state.sort]);
    part("dir").hidden = !sorts;
    if (sorts) part("dir").textContent = samplesIndex.descends(state) ? "↓ largest first" : "↑ smallest first";
    if (document.activeElement !== control("q")) control("q").value = state.q ?? "";
    part("clear").hidden = !FILTERS.some((key) => state[key]);
  }

  function tell(found, note) {
    const total = samplesIndex.all.size.toLocaleString("en");
    const count = found.toLocaleString("en");
    const noun = samplesIndex.all.size === 1 ? "sample" : "samples";
    part("count").textContent = note ?? (found === samplesIndex.all.size ? `${total} ${noun}` : `${count} of ${total} ${noun}`);
  }

  /** Which mark of a row is whose. */
  function tellRuns() {
    const { runs } = samplesIndex.all;
    const names = runs.flatMap((run, number) => [number ? ", " : "", h("bdi", {}, samplesText.foreign(run.name)), run.partial ? " (partial)" : ""]);
    part("runs").replaceChildren(...(runs.length > 1 || runs[0].partial ? ["Marks: ", ...names] : []));
  }

  /** The text search: shows what is found so far; another search or Stop ends it. */
  async function search(text) {
    const mine = ++searching;
    part("stop").hidden = false;
    let last = 0;
    const found = await samplesIndex.search(candidates, text, (sofar, done, total) => {
      if (mine !== searching) return false;
      tell(0, `Searching: ${Math.round((100 * done) / total)} %, ${sofar.length.toLocaleString("en")} found`);
      if (sofar.length !== last) { list.show(sofar.slice(), last > 0, () => ""); last = sofar.length; }
      return true;
    });
    if (mine !== searching) return;
    part("stop").hidden = true;
    finish(found);
  }

  function stop() {
    searching += 1;
    part("stop").hidden = true;
    tell(0, `Stopped: ${list.size.toLocaleString("en")} found so far`);
  }

  /** The number by which the list is sorted, for a row. */
  function measured() {
    const sort = samplesIndex.SORTS[state.sort];
    if (!sort) return () => "";
    const value = samplesIndex.measure(state.sort, state.run);
    return (position) => (Number.isNaN(value(position)) ? "–" : sort.shown(value(position)));
  }

  /** The list is complete: open the sample of the address, else the first. */
  function finish(found) {
    list.show(samplesIndex.sorted(found, state), false, measured());
    tell(found.length);
    if (!state.id) open(list.first());
    else list.select(shown);
  }

  /** In place of a sample. */
  function nothing(title, ...words) {
    drawnAt = null;
    part("title").replaceChildren(title);
    part("about").replaceChildren();
    samplesPicture.clear(part("picture"));
    part("answers").replaceChildren(h("p", { class: "soft" }, ...words));
  }

  const missing = () => nothing("No such sample", "This report has no sample ", h("bdi", {}, samplesText.foreign(state.id)), ".");

  function titles(position, record) {
    const set = samplesIndex.setAt(position), id = h("bdi", { class: "samples-id" }, samplesText.foreign(samplesIndex.all.ids[position]));
    const phrase = samplesDetail.phrase(position, record);
    part("title").replaceChildren(...(phrase ? [h("bdi", {}, samplesText.foreign(phrase))] : [`${set.task} `, id]));
    part("about").replaceChildren(...(phrase ? [`${set.task} `, id] : []), ...(set.synthetic ? [h("span", { class: "tag warn" }, "synthetic data")] : []));
  }

  /** Show a sample; undefined where no sample matches. */
  async function open(position) {
    shown = position;
    const mine = ++drawing;
    if (position === undefined) { nothing("", "No sample matches these filters."); return; }
    list.select(position);
    const record = await samplesIndex.texts(position);
    if (mine !== drawing) return;
    const set = samplesIndex.setAt(position);
    const link = (key, value) => harness.address("samples", { ...state, task: set.task, group: `${key}=${value}`, id: "", of: "", data: "" });
    const first = samplesIndex.runNumber(state.run, -1);
    const focused = document.activeElement?.dataset?.pin;
    const now = `${position}/${first}`;
    titles(position, record);
    samplesDetail.show({ picture: part("picture"), answers: part("answers"), dialog: part("dialog") }, position, record,
      { link, first, pins: state.pin, pin: (pins) => go({ pin: pins }, true), keep: now === drawnAt });
    drawnAt = now;
    if (focused) part("answers").querySelector(`[data-pin="${focused}"]`)?.focus();
  }

  /** The state that an address asks for; a run is named, whether by its name or its number. */
  function read(params) {
    const found = Object.fromEntries([...FILTERS, ...VIEW, "id", "of", "data"].map((key) => [key, params.get(key) ?? ""]));
    for (const key of ["run", "a", "b"]) {
      const number = found[key] ? samplesIndex.runNumber(found[key], -1) : -1;
      if (number >= 0) found[key] = samplesIndex.all.runs[number].name.toWellFormed();
    }
    return found;
  }

  async function show(params) {
    if (!list) return;
    await samplesIndex.load();
    tellRuns();
    const before = state;
    state = read(params);
    samplesText.raw = state.raw === "1";
    part("raw").setAttribute("aria-pressed", String(samplesText.raw));
    const changed = (keys) => keys.some((key) => state[key] !== (before[key] ?? ""));
    const refiltered = candidates.length === 0 || changed([...FILTERS, "sort", "dir"]);
    const position = state.id ? samplesIndex.find(state.task || state.of, state.id, state.data) : undefined;
    if (position >= 0) open(position);
    else if (state.id) missing();
    else if (!refiltered) open(changed(["id"]) ? list.first() : shown ?? list.first());
    if (!refiltered) return;
    fillAll();
    candidates = samplesIndex.matching(state);
    if (state.q.trim()) { search(state.q.trim()); return; }
    searching += 1;
    part("stop").hidden = true;
    finish(candidates);
  }

  const narrow = () => matchMedia("(max-width: 900px)").matches;

  async function copy() {
    const names = shown === undefined || shown === null ? {} : samplesIndex.namesOf(shown, state);
    const address = location.href.split("#", 1)[0] + harness.address("samples", query(names));
    const button = part("copy");
    try {
      await navigator.clipboard.writeText(address);
      button.textContent = "Copied";
    } catch {  // no permission: the address bar has it
      go(names, true);
      button.textContent = "In the address bar";
    }
    setTimeout(() => { button.textContent = "Copy link"; }, 1500);
  }

  function keys(event) {
    if (root.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) {
      if (event.key === "Escape" && !part("stop").hidden) stop();
      return;
    }
    const acts = {
      t: () => samplesPlaces.toggle(root, "true"), p: () => samplesPlaces.toggle(root, "predicted"),
      "+": () => samplesPicture.zoom("in"), "=": () => samplesPicture.zoom("in"), "-": () => samplesPicture.zoom("out"), 0: () => samplesPicture.zoom("fit"),
      ...(part("dialog").open ? {} : { j: () => list.step(1), k: () => list.step(-1), "/": () => control("q").focus(),
        r: () => part("raw").click(), i: () => samplesPicture.next() }),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  function start(section) {
    root = section;
    const box = part("list");
    if (!box) return;
    list = samplesList.create(box, (position, how) => {
      go(samplesIndex.namesOf(position, state), how === "key");
      if (how === "click" && narrow()) part("detail").scrollIntoView();
    });
    for (const select of root.querySelectorAll("select[data-key]")) {
      select.addEventListener("change", () => filterBy({ [select.dataset.key]: select.value, ...(select.dataset.key === "task" ? { group: "" } : {}), ...(select.dataset.key === "sort" ? { dir: "" } : {}) }));
    }
    control("q").addEventListener("input", (event) => {
      clearTimeout(typing);
      typing = setTimeout(() => filterBy({ q: event.target.value }, true), 250);
    });
    part("clear").addEventListener("click", () => {
      control("q").value = "";
      filterBy(Object.fromEntries(FILTERS.map((key) => [key, ""])));
    });
    part("dir").addEventListener("click", () => filterBy({ dir: samplesIndex.descends(state) ? "asc" : "desc" }));
    part("raw").addEventListener("click", () => go({ raw: samplesText.raw ? "" : "1" }, true));
    part("stop").addEventListener("click", stop);
    part("previous").addEventListener("click", () => list.step(-1));
    part("next").addEventListener("click", () => list.step(1));
    part("copy").addEventListener("click", copy);
    part("back").addEventListener("click", () => { root.scrollIntoView(); box.focus({ preventScroll: true }); });
    document.addEventListener("keydown", keys);
  }

  harness.section("samples", { start, show });
}
