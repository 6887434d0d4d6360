"use strict";
/* One sample: what was asked on one side, its images on the other, below them a card for each run's answer. */
const samplesDetail = (() => {
  const { h } = harness;
  const letter = (place) => (place < 26 ? String.fromCharCode(65 + place) : String(place + 1));
  const EXPLAINED = {
    unparsed: "No answer was found in this response: it counts 0.",
    truncated: "The token limit cut the response before an answer: it counts 0.",
    filtered: "The provider's content filter withheld the answer: it counts 0.",
    failed: "There is no response: it leaves n.",
    error: "The scorer could not decide: it leaves n.",
    missing: "Not answered yet: this run is partial.",
  };
  const FOUND = {
    tag: "In the last answer block.",
    box: "In the last \\boxed{}.",
    json: "Under an answer key of a JSON object.",
    announced: "After words like “the answer is”.",
    whole: "The response is the answer, or its first line is.",
    concluding: "In the last line, or after words like “therefore”.",
    stated: "In a sentence that repeats the question, or in the last one.",
  };
  /** Text from a model or a data set: isolated, its own direction, control characters made visible. */
  const foreign = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g,
    (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)));
  const bdi = (text, attributes) => h("bdi", attributes, foreign(text));
  const brief = (text) => (text.length > 28 ? `${text.slice(0, 27)}…` : text);
  const passage = (text, attributes) => h("pre", { dir: "auto", tabindex: "0", ...attributes }, foreign(text.replace(/^\n+/, "")));

  /** The number that the task's headline counts of a reply. */
  const counted = (reply, of) => (of === "official" ? reply.o ?? reply.v : reply.k?.[of] ?? reply.v);
  const hasVerdict = (reply) => !["failed", "error", "missing"].includes(reply.s);
  const isRight = (reply, of) => hasVerdict(reply) && counted(reply, of) >= 0.5;

  /** The drawings over the first image: true places, then each run's. */
  function layersOf(record, set) {
    const layers = [];
    if (record.shapes) layers.push({ shapes: record.shapes, run: null, name: "true" });
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

  function choices(record, set) {
    if (!record.c) return null;
    const rows = record.c.map((choice, place) => {
      const right = record.right?.includes(place);
      const takers = set.runs.filter((number) => record.r[number]?.e.some((reply) => reply.x === letter(place)));
      return h("li", { class: right ? "samples-choice samples-choice-right" : "samples-choice" },
        h("span", { class: "samples-letter" }, letter(place)), bdi(choice),
        right ? h("span", { class: "tag good" }, "right answer") : null,
        takers.map((number) => bdi(samplesIndex.all.runs[number].name, { class: `tag ${right ? "good" : "bad"}` })));
    });
    return h("ol", { class: "samples-choices" }, rows);
  }

  function groupLinks(record, link) {
    const entries = Object.entries(record.g ?? {}).flatMap(([key, value]) => [value].flat().map((one) => [key, one]));
    if (!entries.length) return null;
    return h("p", { class: "samples-groups soft" }, "Groups: ", entries.map(([key, value]) =>
      h("a", { class: "tag", href: link(key, value), title: "Only samples of this group" }, bdi(`${key}=${brief(value)}`))));
  }

  const prompt = (parts) => parts.map((part) => (typeof part === "number" ? `[image ${part + 1}]` : part)).join("\n");
  const folded = (title, ...inside) => h("details", {}, h("summary", {}, title), ...inside);

  function asked(record, set, link) {
    return h("div", { class: "samples-asked" },
      h("h4", {}, "Question"),
      record.err ? h("p", { class: "warn" }, "Could not be asked: ", bdi(record.err)) : null,
      record.q ? passage(record.q, { class: "samples-question", tabindex: null }) : null,
      choices(record, set),
      record.want ? h("p", { class: "samples-want" }, h("span", { class: "soft" }, "True answer: "), bdi(record.want, { class: "good" })) : null,
      record.p ? folded("Prompt as sent", passage(prompt(record.p), { class: "samples-text" })) : null,
      groupLinks(record, link));
  }

  /** A response's text; the final answer, where it is only a part, is marked. */
  function spoken(text, final) {
    const at = final ? text.lastIndexOf(final) : -1;
    if (at < 0 || final.length === text.trim().length) return passage(text, { class: "samples-text" });
    const rest = at + final.length;
    return h("pre", { dir: "auto", tabindex: "0", class: "samples-text" },
      foreign(text.slice(0, at).replace(/^\n+/, "")), h("mark", { title: "The final answer: the part that is judged" }, foreign(final)), foreign(text.slice(rest)));
  }

  const said = (reply) => (typeof reply.t === "string" ? reply.t : (reply.t ?? []).map((part) => part[1]).join(""));

  function response(reply) {
    if (reply.t === undefined || (reply.s === "failed" && !said(reply))) return null;
    const parts = typeof reply.t === "string" ? [[0, reply.t]] : reply.t;
    const last = parts.findLastIndex((part) => !part[0]);
    if (!parts.some((part) => part[1].trim())) return h("p", { class: "soft" }, "The response is empty.");
    const all = parts.map((part, place) => (part[0]
      ? folded(`Thinking (${part[1].length.toLocaleString("en")} characters)`, passage(part[1], { class: "samples-text" }))
      : spoken(part[1], place === last ? reply.a : undefined)));
    return h("div", {}, h("h5", {}, "Response"), all);
  }

  function facts(reply) {
    if (reply.s === "failed" && !said(reply)) return null;
    const told = [];
    if (reply.f) told.push(reply.f === "length" ? "stopped by the token limit" : `finish reason ${reply.f}`);
    if (reply.ct !== undefined) told.push(`${reply.ct.toLocaleString("en")} ${reply.ct === 1 ? "token" : "tokens"}`);
    if (reply.pt) told.push(`prompt ${reply.pt.toLocaleString("en")} tokens`);
    if (reply.l) told.push(`${reply.l.toFixed(reply.l < 10 ? 2 : 1)} s`);
    if (reply.shown) told.push(`seen at ${reply.shown.map((size) => size.join(" × ")).join(", ")} px`);
    return told.length ? h("p", { class: "samples-facts soft" }, told.join(" · ")) : null;
  }

  function verdict(reply, set) {
    const right = isRight(reply, set.of);
    const status = reply.s === "ok" ? (right ? "right" : "wrong") : reply.s;
    const [sign, tone] = samplesList.MARKS[reply.s === "unparsed" && right ? "right" : status];
    const parts = hasVerdict(reply) && reply.o !== undefined ? reply.o - reply.v : 0;
    return h("p", { class: "samples-verdict" },
      h("span", { class: `samples-badge ${tone}` }, `${sign} ${status}`),
      hasVerdict(reply) ? h("span", {}, "value ", h("b", {}, harness.number(reply.v, 2))) : null,
      reply.o !== undefined ? h("span", {}, "official ", h("b", {}, harness.number(reply.o, 2))) : null,
      parts >= 0.5 ? h("span", { class: "tag warn" }, "loophole: right only by the official rule") : null,
      parts <= -0.5 ? h("span", { class: "tag warn" }, "missed by the official rule") : null);
  }

  function components(reply) {
    const entries = Object.entries(reply.k ?? {});
    if (!entries.length) return null;
    return h("p", { class: "samples-facts soft" }, entries.map(([name, value]) => `${name} ${harness.number(value, 2)}`).join(" · "));
  }

  /** Where in the response the answer was found, in one word. */
  const channel = (reply) => reply.ch && h("span", { class: "soft", title: FOUND[reply.ch] ?? "Where it was found" }, ` ${foreign(reply.ch)}`);

  function answer(reply, set) {
    return h("div", { class: "samples-reply" },
      reply.n === undefined ? null : h("h5", {}, `Epoch ${reply.n + 1}`),
      verdict(reply, set),
      EXPLAINED[reply.s] ? h("p", { class: ["unparsed", "truncated", "filtered"].includes(reply.s) ? "bad" : "warn" }, EXPLAINED[reply.s]) : null,
      reply.err ? h("p", { class: "warn" }, bdi(reply.err)) : null,
      reply.x === undefined ? null : h("p", { class: "samples-read" }, h("span", { class: "soft" }, "Read as "), h("code", {}, bdi(reply.x)), channel(reply),
        reply.shapes ? h("span", { class: "soft" }, " on the stored image") : null),
      components(reply), response(reply), facts(reply));
  }

  function card(number, record, set, coloured) {
    const run = samplesIndex.all.runs[number], own = record.r[number];
    const replies = own?.e ?? [];
    const head = h("h4", { class: coloured ? samplesPicture.tone(number) : null },
      coloured ? h("span", { class: "samples-swatch", "aria-hidden": "true" }) : null, bdi(run.name));
    const places = record.shapes ? h("p", { class: "samples-facts soft" }, "Coordinates declared: ", h("code", {}, run.coords ?? "none")) : null;
    let inside = replies.map((reply) => answer(reply, set));
    if (!own) inside = [h("p", { class: "soft" }, "This run did not ask it.")];
    else if (!replies.length) inside = [h("p", { class: "warn" }, own.err ? bdi(own.err) : EXPLAINED.missing)];
    else if (replies.length < run.epochs) inside.push(h("p", { class: "warn" }, `${run.epochs - replies.length} of ${run.epochs} epochs not answered yet.`));
    return h("section", { class: "panel samples-card" }, head,
      run.permuted ? h("p", { class: "warn" }, "Control run: the images were dealt among the samples.") : null,
      inside, places,
      own?.p ? folded("This run's own prompt", passage(prompt(own.p), { class: "samples-text" })) : null);
  }

  /** Images of runs that were shown others than the first run. */
  function ownImages(record, set, dialog) {
    return set.runs.filter((number) => record.r[number]?.im).map((number) => h("div", {},
      h("p", { class: "soft" }, "Shown to ", bdi(samplesIndex.all.runs[number].name), ":"),
      samplesPicture.gallery(dialog, record.r[number].im, record.r[number].size, [], samplesIndex.all.runs[number].name)));
  }

  /** Fills `root` with a sample. `link(key, value)` is the address of a group's samples; the run `first`, where there
      is one, has the first card. */
  function show(root, position, record, dialog, link, first) {
    const set = samplesIndex.setAt(position);
    const order = [...set.runs].sort((a, b) => (b === first) - (a === first));
    const layers = layersOf(record, set);
    const coloured = samplesIndex.all.runs.length > 1 && layers.length > 0;
    const seen = h("div", { class: "samples-seen" },
      record.im?.length ? samplesPicture.gallery(dialog, record.im, record.size, layers, `${set.task} ${foreign(samplesIndex.all.ids[position])}`)
        : record.err ? null : h("p", { class: "soft" }, "No image was shown."),
      ownImages(record, set, dialog));
    if (layers.length) seen.append(samplesPicture.legend(root, layers));
    root.replaceChildren(
      h("div", { class: "samples-top" }, seen, asked(record, set, link)),
      h("div", { class: "samples-cards" }, order.map((number) => card(number, record, set, coloured))));
  }

  return { show, foreign };
})();
