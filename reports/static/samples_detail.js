"use strict";
/* One sample: its images, what was asked, and what each run answered. */
const samplesDetail = (() => {
  const { h } = harness;
  const { foreign, bdi, passage, plain, prompt, copyButton, folded } = samplesText;
  /** More runs than this are rows, of which at most `MOST_OPEN` are open. */
  const FEW = 3;
  const MOST_OPEN = 2;
  const letter = (place) => (place < 26 ? String.fromCharCode(65 + place) : String(place + 1));
  const EXPLAINED = {
    unscored: "The answers of this split are withheld: excluded from n.",
    unparsed: "No answer was found in this response: it counts 0.",
    truncated: "The response was cut off before an answer: it counts 0.",
    filtered: "The provider's content filter withheld the answer: it counts 0.",
    failed: "There is no response: excluded from n.",
    error: "The scorer failed on this response: excluded from n.",
    missing: "Not answered yet: this run is partial.",
  };
  const STATUS = { error: "not scored", unscored: "not scored" };
  const FOUND = {
    tag: "found in the last answer block",
    box: "found in the last \\boxed{}",
    json: "found under an answer key of a JSON object",
    announced: "found after words like “the answer is”",
    whole: "the response is the answer, or its first line is",
    concluding: "found in the last line, or after words like “therefore”",
    stated: "found in a sentence that repeats the question, or in the last one",
  };
  const COORDINATES = {
    abs: "pixels of the image sent", norm1: "0–1", norm100: "0–100", norm1000: "0–1000", yx1000: "0–1000, y first",
    loc1024: "location tokens 0–1023, y first", loc1000: "location tokens 0–999",
  };
  const brief = (text) => (text.length > 28 ? `${text.slice(0, 27)}…` : text);

  /** The number that the task's headline counts of a reply. */
  const counted = (reply, of) => (of === "official" ? reply.o ?? reply.v : reply.k?.[of] ?? reply.v);
  const hasVerdict = (reply) => !["failed", "error", "missing", "unscored"].includes(reply.s);
  const isRight = (reply, of) => hasVerdict(reply) && counted(reply, of) >= 0.5;

  /** The drawings over the first image: the ground truth, then each run's prediction. */
  function layersOf(record, set) {
    const layers = [];
    if (record.shapes) layers.push({ shapes: record.shapes, run: null, name: "ground truth" });
    for (const number of set.runs) {
      const run = samplesIndex.all.runs[number];
      for (const reply of record.r[number]?.e ?? []) {
        if (!reply.shapes) continue;
        const points = reply.shapes.flatMap((shape) => shape.points ?? []);
        const inside = points.filter((point) => point[2]).length;
        const told = reply.k?.iou !== undefined ? `IoU ${reply.k.iou.toFixed(2)}`
          : points.length ? `${inside} of ${points.length} ${points.length === 1 ? "point" : "points"} inside` : "";
        const name = reply.n === undefined ? run.name : `${run.name}, epoch ${reply.n + 1}`;
        layers.push({ shapes: reply.shapes, run: number, name, told, right: isRight(reply, set.of), iou: reply.k?.iou });
      }
    }
    return layers;
  }

  /** What is asked for a place: the words that this sample alone has; null where nothing is to be located. */
  function phrase(position, record) {
    if (!record.shapes || !record.q) return null;
    const question = record.q.split(/\s+/).join(" ").trim(), start = samplesIndex.all.starts[position];
    return start.startsWith("… ") ? question.slice(Math.max(0, question.indexOf(start.slice(2)))) : question;
  }

  function choices(record, set) {
    if (!record.c) return null;
    const rows = record.c.map((choice, place) => {
      const right = record.right?.includes(place);
      const takers = set.runs.filter((number) => record.r[number]?.e.some((reply) => reply.x === letter(place)));
      return h("li", { class: right ? "samples-choice samples-choice-right" : "samples-choice" },
        h("span", { class: "samples-letter" }, letter(place)), passage(choice),
        right ? h("span", { class: "tag good" }, "reference") : null,
        takers.map((number) => bdi(samplesIndex.all.runs[number].name, { class: `tag ${record.want == null ? "soft" : right ? "good" : "bad"}` })));
    });
    return h("ol", { class: "samples-choices" }, rows);
  }

  function groupLinks(record, link) {
    const entries = Object.entries(record.g ?? {}).flatMap(([key, value]) => [value].flat().map((one) => [key, one]));
    if (!entries.length) return null;
    return h("p", { class: "samples-groups soft" }, "Groups: ", entries.map(([key, value]) =>
      h("a", { class: "tag", href: link(key, value), title: "Only samples of this group" }, bdi(`${key}=${brief(value)}`))));
  }

  const headed = (title, copied, what) => h("div", { class: "samples-headed" }, h("h4", {}, title), copied ? copyButton(copied, what) : null);

  function asked(record, set, link) {
    return h("section", { class: "samples-asked", "aria-label": "Question" },
      headed("Question", record.q, "the question"),
      record.err ? h("p", { class: "warn" }, "Could not be asked: ", bdi(record.err)) : null,
      record.q ? passage(record.q, { class: "samples-question" }) : null,
      choices(record, set),
      record.want ? h("div", { class: "samples-want" }, h("span", { class: "soft" }, "Reference "), passage(record.want, { class: "good" })) : null,
      groupLinks(record, link));
  }

  const promptText = (parts) => parts.map((part) => (typeof part === "number" ? `<image ${part + 1}>` : part)).join("\n");

  /** The chat template's output: it is recorded for one sample of a task. */
  function rendered(id, set) {
    const recorded = set.runs.filter((number) => set.rendered[number]);
    const without = set.runs.filter((number) => !set.rendered[number]).map((number) => samplesIndex.all.runs[number].name);
    const name = (number) => (set.runs.length > 1 ? [" by ", bdi(samplesIndex.all.runs[number].name)] : []);
    return [
      recorded.map((number) => {
        const { id: own, text } = set.rendered[number];
        const which = own === id ? "this sample" : ["the first sample of the task, ", bdi(own)];
        return h("div", {}, h("div", { class: "samples-headed" }, h("h5", {}, "Chat template applied", name(number), ": ", which), copyButton(text, "the prompt as the model got it")),
          plain(text, { class: "samples-text", tabindex: "0" }));
      }),
      recorded.some((number) => set.rendered[number].id !== id) ? h("p", { class: "soft" }, "Runs record the chat template's output for the first sample of a task only.") : null,
      without.length ? h("p", { class: "soft" }, "The chat template's output is not recorded", set.runs.length > 1 ? [" by ", h("bdi", {}, without.join(", "))] : null,
        ": a server or a backend without a template applies its own.") : null,
    ];
  }

  /** The messages as they were sent, and the chat template's output where a run recorded it. */
  function sent(position, record, set) {
    if (!record.p && !record.sys) return null;
    const systems = set.runs.map((number) => [number, samplesIndex.all.runs[number].system]).filter(([, text]) => text);
    return folded("Prompt as sent", () => h("div", {},
      record.sys ? [h("h5", {}, "System prompt"), plain(record.sys, { class: "samples-text", tabindex: "0" })]
        : systems.map(([number, text]) => [h("h5", {}, "System prompt of ", bdi(samplesIndex.all.runs[number].name)), plain(text, { class: "samples-text", tabindex: "0" })]),
      record.p ? [h("div", { class: "samples-headed" }, h("h5", {}, "Message"), copyButton(promptText(record.p), "the message")),
        prompt(record.p, { class: "samples-text", tabindex: "0" })] : null,
      rendered(samplesIndex.all.ids[position], set)));
  }

  /** A response's visible text; raw, the final answer in it is marked; typeset, where it has lines of its own. */
  function spoken(text, final) {
    const at = final ? text.lastIndexOf(final) : -1;
    const attributes = { class: "samples-text", tabindex: "0" };
    if (at < 0 || final.length === text.trim().length) return passage(text, attributes);
    const before = text.slice(0, at), after = text.slice(at + final.length), title = "The final answer: the part that is judged";
    if (samplesText.raw) {
      return h("pre", { dir: "auto", ...attributes }, foreign(before.replace(/^\n+/, "")), h("mark", { title }, foreign(final)), foreign(after));
    }
    const alone = (before.trim() === "" || /\n\s*$/.test(before)) && (after.trim() === "" || /^\s*\n/.test(after));
    if (!alone) return passage(text, attributes);
    return h("div", attributes, before.trim() ? passage(before) : null, passage(final, { class: "samples-final", title }), after.trim() ? passage(after) : null);
  }

  const said = (reply) => (typeof reply.t === "string" ? reply.t : (reply.t ?? []).map((part) => part[1]).join(""));

  /** Thinking, folded: without its tags where it is typeset. */
  function thought([, text, opening, closing]) {
    const inside = samplesText.raw ? text : text.slice(opening, text.length - closing);
    const title = `Thinking (${inside.trim().length.toLocaleString("en")} characters${closing ? "" : ", cut off"})`;
    return folded(title, () => h("div", {}, copyButton(text, "the thinking"), passage(inside, { class: "samples-text", tabindex: "0" })));
  }

  function response(reply) {
    if (reply.t === undefined || (reply.s === "failed" && !said(reply))) return null;
    const parts = typeof reply.t === "string" ? [[0, reply.t]] : reply.t;
    const last = parts.findLastIndex((part) => !part[0]);
    if (!parts.some((part) => part[1].trim())) return h("p", { class: "soft" }, "The response is empty.");
    return h("div", { class: "samples-response" },
      h("div", { class: "samples-headed" }, h("h5", {}, "Response"), copyButton(said(reply), "the response")),
      parts.map((part, place) => (part[0] ? thought(part) : spoken(part[1], place === last ? reply.a : undefined))));
  }

  function facts(reply) {
    if (reply.s === "failed" && !said(reply)) return null;
    const told = [];
    if (reply.f) told.push(reply.f === "length" ? "stopped by the token limit" : `finish reason ${reply.f}`);
    if (reply.ct !== undefined) told.push(`${reply.ct.toLocaleString("en")} ${reply.ct === 1 ? "token" : "tokens"}`);
    if (reply.pt) told.push(`prompt ${reply.pt.toLocaleString("en")} tokens`);
    if (reply.l) told.push(`${reply.l.toFixed(reply.l < 10 ? 2 : 1)} s`);
    if (reply.shown) told.push(`image sent: ${reply.shown.map((size) => size.join(" × ")).join(", ")}`);
    return told.length ? h("p", { class: "samples-facts soft" }, told.join(" · ")) : null;
  }

  /** [sign, colour, words] of a reply. */
  function outcome(reply, set) {
    const right = isRight(reply, set.of);
    const kind = right && reply.s !== "ok" && hasVerdict(reply) ? "right" : reply.s === "ok" ? (right ? "right" : "wrong") : reply.s;
    const [sign, tone] = samplesList.MARKS[kind];
    return [sign, tone, STATUS[kind] ?? kind];
  }

  function verdict(reply, set) {
    const [sign, tone, words] = outcome(reply, set);
    const gap = hasVerdict(reply) && reply.o !== undefined ? reply.o - reply.v : 0;
    return h("p", { class: "samples-verdict" },
      h("span", { class: `samples-badge ${tone}` }, `${sign} ${words}`),
      hasVerdict(reply) ? h("span", {}, reply.o === undefined ? "score " : "ours ", h("b", {}, harness.number(reply.v, 2))) : null,
      reply.o !== undefined ? h("span", {}, "official ", h("b", {}, harness.number(reply.o, 2))) : null,
      gap >= 0.5 ? h("span", { class: "tag warn" }, "official only") : null,
      gap <= -0.5 ? h("span", { class: "tag warn" }, "ours only") : null);
  }

  function components(reply) {
    const entries = Object.entries(reply.k ?? {});
    if (!entries.length) return null;
    return h("p", { class: "samples-facts soft" }, entries.map(([name, value]) => `${name} ${harness.number(value, 2)}`).join(" · "));
  }

  /** What was read from a response, and how. */
  function parsed(reply) {
    if (reply.x === undefined) return hasVerdict(reply) ? h("p", { class: "samples-facts soft" }, "Parsed answer: none") : null;
    return h("div", { class: "samples-read" },
      h("div", { class: "samples-headed" }, h("h5", {}, "Parsed answer"), copyButton(reply.x, "the parsed answer")),
      h("code", {}, bdi(reply.x)),
      reply.ch || reply.shapes ? h("p", { class: "samples-facts soft" },
        reply.ch ? [bdi(reply.ch), FOUND[reply.ch] ? `: ${FOUND[reply.ch]}` : null] : null,
        reply.shapes ? `${reply.ch ? " · " : ""}in pixels of the stored image` : null) : null);
  }

  function answer(reply, set) {
    return h("div", { class: "samples-reply" },
      reply.n === undefined ? null : h("h5", {}, `Epoch ${reply.n + 1}`),
      verdict(reply, set),
      EXPLAINED[reply.s] ? h("p", { class: ["unparsed", "truncated", "filtered"].includes(reply.s) ? "bad" : "warn" }, EXPLAINED[reply.s]) : null,
      reply.err ? h("p", { class: "warn" }, bdi(reply.err)) : null,
      parsed(reply), components(reply), response(reply), facts(reply));
  }

  /** What a run answered, without its name. */
  function answers(number, record, set) {
    const run = samplesIndex.all.runs[number], own = record.r[number];
    const replies = own?.e ?? [];
    const places = record.shapes ? h("p", { class: "samples-facts soft" }, "Coordinates: ", run.coords ? COORDINATES[run.coords] ?? bdi(run.coords) : "none declared") : null;
    let inside = replies.map((reply) => answer(reply, set));
    if (!own) inside = [h("p", { class: "soft" }, "Not part of this run.")];
    else if (!replies.length) inside = [h("p", { class: "warn" }, own.err ? bdi(own.err) : EXPLAINED.missing)];
    else if (replies.length < run.epochs) inside.push(h("p", { class: "warn" }, `${run.epochs - replies.length} of ${run.epochs} epochs not answered yet.`));
    return [run.control ? h("p", { class: "warn" }, `Changed on purpose: ${run.control}.`) : null, inside, places,
      own?.p ? folded("This run's own prompt", () => prompt(own.p, { class: "samples-text", tabindex: "0" })) : null];
  }

  const named = (number, coloured) => [coloured ? harness.marker(number) : null, bdi(samplesIndex.all.runs[number].name)];

  const card = (number, record, set, coloured) => h("section", { class: "samples-card", dataset: { run: number } },
    h("h4", { class: coloured ? samplesPlaces.tone(number) : null }, named(number, coloured)), answers(number, record, set));

  /** A run as a row that opens to its answers. */
  function compact(number, record, set, coloured, open, pin) {
    const [reply] = record.r[number]?.e ?? [];
    const [sign, tone, words] = reply ? outcome(reply, set) : ["·", "soft", record.r[number] ? "not answered yet" : "not part of this run"];
    const iou = reply?.k?.iou;
    const row = h("button", { type: "button", class: "samples-compact", "aria-expanded": String(open), dataset: { pin: number }, on: { click: () => pin(number) } },
      h("span", { class: `samples-mark ${tone}`, role: "img", "aria-label": words }, sign),
      h("span", { class: `samples-compact-name ${coloured ? samplesPlaces.tone(number) : ""}` }, named(number, coloured)),
      h("span", { class: "samples-compact-answer" }, reply?.x === undefined ? h("span", { class: "soft" }, words) : h("code", {}, bdi(reply.x))),
      h("span", { class: "samples-graded" }, iou !== undefined ? `IoU ${iou.toFixed(2)}` : reply && hasVerdict(reply) ? reply.v.toFixed(2) : "–"));
    return h("section", { class: "samples-card samples-card-compact", dataset: { run: number } }, row,
      open ? h("div", { class: "samples-opened" }, answers(number, record, set)) : null);
  }

  /** The runs that are open, at most `MOST_OPEN`: those of the address, else the one filtered by, else the first. */
  function opened(pins, first, set) {
    if (pins === "none") return [];
    const chosen = pins.split(",").filter(Boolean).map(Number).filter((number) => set.runs.includes(number));
    return chosen.length ? chosen.slice(-MOST_OPEN) : [set.runs.includes(first) ? first : set.runs[0]];
  }

  /** The images: of the sample, and those of runs that were shown others. */
  function images(position, record, set, layers) {
    const title = `${set.task} ${foreign(samplesIndex.all.ids[position])}`;
    const entries = (numbers, sizes, own, whose) => (numbers ?? []).map((number, place) => ({
      number, size: sizes?.[place], layers: place === 0 ? own : [], name: `${whose}image ${place + 1}`,
      alt: numbers.length > 1 || whose ? `${whose}image ${place + 1} of ${title}` : `Image of ${title}` }));
    return [...entries(record.im, record.size, layers, ""),
      ...set.runs.filter((number) => record.r[number]?.im).flatMap((number) =>
        entries(record.r[number].im, record.r[number].size, [], `${foreign(samplesIndex.all.runs[number].name)}: `))];
  }

  function picture(root, position, record, set, layers, dialog) {
    const entries = images(position, record, set, layers);
    const stage = h("div");
    const size = record.size?.[0];
    const about = record.size?.length ? h("p", { class: "samples-facts soft" }, `Image: ${record.size.map((one) => one.join(" × ")).join(", ")} px`) : null;
    samplesPicture.clear(root, ...[stage, about, layers.length ? samplesPlaces.legend(root.parentElement, layers, size) : null].filter(Boolean));
    if (entries.length) samplesPicture.show(stage, entries, dialog);
    else stage.append(h("p", { class: "soft" }, record.err ? "No image: the sample could not be asked." : "No image was shown."));
  }

  /** Fills the panes with a sample.

      `link(key, value)` is the address of a group's samples; the run `first`, where there is one, comes first; `pins` are
      the open runs of many, as the address has them, and `pin(list)` changes them; `keep`: the image stays as it is. */
  function show(panes, position, record, { link, first, pins, pin, keep }) {
    const set = samplesIndex.setAt(position);
    const order = [...set.runs].sort((a, b) => (b === first) - (a === first));
    const layers = layersOf(record, set);
    const coloured = samplesIndex.all.runs.length > 1 && layers.length > 0;
    if (!keep) picture(panes.picture, position, record, set, layers, panes.dialog);
    const open = opened(pins, first, set);
    const change = (number) => {
      const left = open.includes(number) ? open.filter((one) => one !== number) : [...open, number].slice(-MOST_OPEN);
      pin(left.join(",") || "none");
    };
    const cards = order.length > FEW ? order.map((number) => compact(number, record, set, coloured, open.includes(number), change))
      : order.map((number) => card(number, record, set, coloured));
    panes.answers.replaceChildren(...[asked(record, set, link), h("div", { class: "samples-cards" }, cards), sent(position, record, set)].filter(Boolean));
  }

  return { show, phrase };
})();
