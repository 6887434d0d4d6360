"use strict";
/* The samples as data: which match, what a sample's texts are, where its images are. No elements here.

   A position is a sample's place in the index. Cells are bit masks: `status` by `statuses`, `verdict` by the
   constants below (reports/samples/index.py writes both). */
const samplesIndex = (() => {
  const RIGHT = 1, WRONG = 2, LOOPHOLE = 4, MISSED = 8;
  const VERDICTS = { right: RIGHT, wrong: WRONG, loophole: LOOPHOLE, missed: MISSED };
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
  const runNumber = (name, otherwise) => {
    const found = all.runs.findIndex((run) => run.name.toWellFormed() === name);
    return found < 0 ? otherwise : found;
  };
  /** The two runs that flips compare. */
  const pair = (filters) => [runNumber(filters.a, 0), runNumber(filters.b, Math.min(1, all.runs.length - 1))];

  /** [key, value] of a group filter; a key may itself hold "=". */
  function groupOf(set, text) {
    for (const key of Object.keys(set.groups)) {
      const start = `${key.toWellFormed()}=`;
      if (text.startsWith(start)) return [key, text.slice(start.length)];
    }
    return null;
  }

  /** A test of positions for a group filter. */
  function groupTest(text) {
    const wanted = all.sets.map((set) => {
      const group = groupOf(set, text);
      if (!group) return null;
      const column = set.groups[group[0]];
      const code = column.values.findIndex((value) => value.toWellFormed() === group[1]);
      return code < 0 ? null : { codes: column.codes, code, first: set.first };
    });
    return (position) => {
      const want = wanted[all.setOf[position]];
      if (!want) return false;
      const code = want.codes[position - want.first];
      return Array.isArray(code) ? code.includes(want.code) : code === want.code;
    };
  }

  /** A test of positions for a verdict that compares two runs. */
  function flipTest(verdict, first, second) {
    const a = all.runs[first].verdict, b = all.runs[second].verdict;
    const part = (x, y) => (position) => (a[position] & x) !== 0 && (b[position] & y) !== 0;
    if (verdict === "a-only") return part(RIGHT, WRONG);
    if (verdict === "b-only") return part(WRONG, RIGHT);
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
    const status = filters.status ? 1 << all.statuses.indexOf(filters.status) : 0;
    const verdict = VERDICTS[filters.verdict] ?? 0;
    if (only >= 0 || status || verdict) {
      tests.push((position) => runs.some((run) => run.status[position] !== 0
        && (!status || (run.status[position] & status) !== 0)
        && (!verdict || (run.verdict[position] & verdict) !== 0)));
    }
    if (filters.verdict && !verdict) tests.push(flipTest(filters.verdict, ...pair(filters)));
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

  return { RIGHT, WRONG, LOOPHOLE, MISSED, load, setAt, pair, matching, counts, find, namesOf, texts, search, picture,
    groupOf, runNumber, get all() { return all; } };
})();
