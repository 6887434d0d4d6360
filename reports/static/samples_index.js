"use strict";
/* The samples as data: which match, what a sample's texts are, where its images are. No elements here.

   A position is a sample's place in the index. Cells are bit masks: `status` by `statuses`, `verdict` by the
   constants below (reports/samples/index.py writes both). */
const samplesIndex = (() => {
  const RIGHT = 1, WRONG = 2, OFFICIAL_ONLY = 4, OURS_ONLY = 8;
  /** Bits of which one makes the two rules disagree, by the name of the filter. */
  const RULES = { disagree: OFFICIAL_ONLY | OURS_ONLY, "official-only": OFFICIAL_ONLY, "ours-only": OURS_ONLY };
  /** Statuses of each outcome that is neither right nor wrong. */
  const STATUSES = { unparsed: ["unparsed"], truncated: ["truncated"], filtered: ["filtered"], failed: ["failed", "error"], missing: ["missing"], unscored: ["unscored"] };
  /** What the list can be sorted by: words, the column, and whether the largest comes first. */
  const SORTS = {
    score: { words: "score", column: "value", descending: false, shown: (value) => value.toFixed(2) },
    iou: { words: "IoU", column: "iou", descending: false, shown: (value) => value.toFixed(2) },
    distance: { words: "distance from the place", column: "distance", descending: true, shown: (value) => `${value.toFixed(1)} %` },
    length: { words: "response length", column: "tokens", descending: true, shown: (value) => `${Math.round(value).toLocaleString("en")} tokens` },
    latency: { words: "latency", column: "latency", descending: true, shown: (value) => `${value.toFixed(2)} s` },
    disagreement: { words: "disagreement between runs", column: "value", descending: true, shown: (value) => value.toFixed(2) },
  };
  const KEPT_CHUNKS = 8;
  let loading = null;
  let all = null;
  const chunks = new Map();

  const block = (id) => JSON.parse(document.getElementById(id).textContent);
  const bits = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0) - 48);

  /** Unpacks the index, once. Then `all` holds it. */
  function load() {
    loading ??= harness.inflate(block("samples")).then((raw) => {
      const setOf = new Uint16Array(raw.ids.length);
      raw.sets.forEach((set, number) => setOf.fill(number, set.first, set.first + set.count));
      const runs = raw.runs.map((run) => ({ ...run, status: bits(run.status), verdict: bits(run.verdict) }));
      all = { ...raw, setOf, runs, size: raw.ids.length };
      return all;
    });
    return loading;
  }

  const setAt = (position) => all.sets[all.setOf[position]];
  /** The number of a run by its name, or by its number as text; `otherwise` where there is none. */
  const runNumber = (text, otherwise) => {
    const named = all.runs.findIndex((run) => run.name.toWellFormed() === text);
    if (named >= 0) return named;
    return /^\d+$/.test(text) && Number(text) < all.runs.length ? Number(text) : otherwise;
  };
  /** The two runs that a comparison of verdicts is about. */
  const pair = (filters) => [runNumber(filters.a, 0), runNumber(filters.b, Math.min(1, all.runs.length - 1))];

  /** The keys and the value of a group filter: `key=value`, where a key may itself hold "="; or a value of any key. */
  function groupsOf(set, text) {
    for (const key of Object.keys(set.groups)) {
      const start = `${key.toWellFormed()}=`;
      if (text.startsWith(start)) return [[key], text.slice(start.length)];
    }
    return [Object.keys(set.groups), text];
  }

  /** A test of positions for a group filter. */
  function groupTest(text) {
    const wanted = all.sets.map((set) => {
      const [keys, value] = groupsOf(set, text);
      return keys.map((key) => {
        const { values, codes } = set.groups[key];
        return { codes, code: values.findIndex((one) => one.toWellFormed() === value) };
      }).filter(({ code }) => code >= 0);
    });
    return (position) => wanted[all.setOf[position]].some(({ codes, code }) => {
      const own = codes[position - setAt(position).first];
      return Array.isArray(own) ? own.includes(code) : own === code;
    });
  }

  /** A test of (run, position) for an outcome; of an unknown one nothing is true. */
  function outcomeTest(outcome) {
    const bits = (names) => names.reduce((mask, name) => mask | (1 << all.statuses.indexOf(name)), 0);
    const verdict = { right: RIGHT, wrong: WRONG }[outcome];
    if (verdict) return (run, position) => (run.verdict[position] & verdict) !== 0 && (run.status[position] & bits(["ok"])) !== 0;
    const mask = bits(STATUSES[outcome] ?? []);
    return (run, position) => (run.status[position] & mask) !== 0;
  }

  /** A test of positions for a verdict that compares two runs. */
  function flipTest(verdict, first, second) {
    const a = all.runs[first].verdict, b = all.runs[second].verdict;
    const part = (x, y) => (position) => (a[position] & x) !== 0 && (b[position] & y) !== 0;
    if (verdict === "a-only") return part(RIGHT, WRONG);
    if (verdict === "b-only") return part(WRONG, RIGHT);
    if (verdict !== "flips") return () => false;
    const one = part(RIGHT, WRONG), other = part(WRONG, RIGHT);
    return (position) => one(position) || other(position);
  }

  /** A test of positions for all filters but the text. */
  function tester(filters) {
    const tests = [];
    if (filters.task) tests.push((position) => setAt(position).task.toWellFormed() === filters.task);
    if (filters.group) tests.push(groupTest(filters.group));
    const only = runNumber(filters.run, -1);
    const runs = only < 0 ? all.runs : [all.runs[only]];
    const outcome = filters.outcome ? outcomeTest(filters.outcome) : () => true;
    const rules = RULES[filters.verdict] ?? 0;
    if (only >= 0 || filters.outcome || rules) {
      tests.push((position) => runs.some((run) => run.status[position] !== 0 && outcome(run, position)
        && (!rules || (run.verdict[position] & rules) !== 0)));
    }
    if (filters.verdict && !rules) tests.push(flipTest(filters.verdict, ...pair(filters)));
    return (position) => tests.every((test) => test(position));
  }

  /** The positions that match all filters but the text. */
  function matching(filters) {
    const test = tester(filters), found = [];
    for (let position = 0; position < all.size; position++) if (test(position)) found.push(position);
    return found;
  }

  /** How many samples each of some values of a filter would leave. */
  function counts(filters, key, values) {
    const tests = values.map((value) => tester({ ...filters, [key]: value }));
    const found = values.map(() => 0);
    for (let position = 0; position < all.size; position++) {
      tests.forEach((test, number) => { if (test(position)) found[number] += 1; });
    }
    return found;
  }

  /** The number that a sample is sorted by, NaN where it has none: of one run, or over the runs that have it the mean,
      for disagreement the span. */
  function measure(sort, run) {
    const only = runNumber(run, -1), { column } = SORTS[sort];
    const columns = (only < 0 || sort === "disagreement" ? all.runs : [all.runs[only]]).map((one) => one[column]);
    return (position) => {
      const values = columns.map((one) => one[position]).filter((value) => value !== null && value !== undefined);
      if (sort === "disagreement") return values.length > 1 ? Math.max(...values) - Math.min(...values) : NaN;
      return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : NaN;
    };
  }

  /** What the samples of this report can be sorted by. */
  const sorts = () => Object.keys(SORTS).filter((sort) => (sort === "disagreement" ? all.runs.length > 1
    : all.runs.some((run) => run[SORTS[sort].column].length > 0)));

  const descends = ({ sort, dir }) => (dir ? dir === "desc" : SORTS[sort].descending);

  /** Positions in the order of the filters' `sort`, those without a number last; as they are where there is none. */
  function sorted(positions, filters) {
    if (!SORTS[filters.sort]) return positions;
    const value = measure(filters.sort, filters.run), sign = descends(filters) ? -1 : 1;
    const values = new Map(positions.map((position) => [position, value(position)]));
    const order = (a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return sign * (x - y) || a - b;
    };
    return [...positions].sort(order);
  }

  /** The position of a sample; -1 where there is none. */
  function find(task, id, data) {
    for (const set of all.sets) {
      if (task && set.task.toWellFormed() !== task) continue;
      if (data && set.data !== data) continue;
      for (let position = set.first; position < set.first + set.count; position++) {
        if (all.ids[position].toWellFormed() === id) return position;
      }
    }
    return -1;
  }

  /** What `find` needs to find a position again. */
  function namesOf(position, filters) {
    const set = setAt(position);
    const twins = all.sets.filter((other) => other.task === set.task).length > 1;
    return { id: all.ids[position], of: filters.task ? "" : set.task, data: twins ? set.data : "" };
  }

  function chunkOf(position) {
    let low = 0, high = all.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (all.chunks[middle] <= position) low = middle; else high = middle - 1;
    }
    return low;
  }

  /** The samples of a chunk, unpacked; the last few are kept. */
  function chunk(number) {
    let found = chunks.get(number);
    if (found) chunks.delete(number);
    else found = harness.inflate(block(`samples-${number}`));
    chunks.set(number, found);
    if (chunks.size > KEPT_CHUNKS) chunks.delete(chunks.keys().next().value);
    return found;
  }

  /** The texts of a sample (reports/samples/texts.py names the keys). */
  async function texts(position) {
    const number = chunkOf(position);
    return (await chunk(number))[position - all.chunks[number]];
  }

  const said = (reply) => (typeof reply.t === "string" ? reply.t : (reply.t ?? []).map((part) => part[1]).join("\n"));

  function holds(position, record, text) {
    if (all.ids[position].toLowerCase().includes(text) || (record.q ?? "").toLowerCase().includes(text)) return true;
    return Object.values(record.r).some((run) => run.e.some((reply) => said(reply).toLowerCase().includes(text)));
  }

  /** The positions whose question, id or responses hold a text, chunk by chunk.
      `report(found, done, total)` after each chunk; where it returns false the search ends. */
  async function search(positions, text, report) {
    const wanted = text.toLowerCase(), byChunk = new Map(), found = [];
    for (const position of positions) {
      const number = chunkOf(position);
      if (!byChunk.has(number)) byChunk.set(number, []);
      byChunk.get(number).push(position);
    }
    let done = 0;
    for (const [number, candidates] of byChunk) {
      const records = await chunk(number);
      for (const position of candidates) {
        if (holds(position, records[position - all.chunks[number]], wanted)) found.push(position);
      }
      done += 1;
      if (report(found, done, byChunk.size) === false) return found;
    }
    return found;
  }

  /** Where an image is: `thumb`, a data URL, and `full`, an address beside the page; null where there is none. */
  function picture(number) {
    const { block: inside, base, bases, name } = all.pictures;
    return {
      thumb: inside[number] < 0 ? null : harness.data(`pictures-${inside[number]}`)[number],
      full: base[number] < 0 ? null : bases[base[number]] + name[number],
    };
  }

  return { RIGHT, WRONG, OFFICIAL_ONLY, OURS_ONLY, RULES, SORTS, load, setAt, pair, matching, counts, sorts, sorted, measure,
    descends, find, namesOf, texts, search, picture, runNumber, get all() { return all; } };
})();
