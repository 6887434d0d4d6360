"use strict";
/* Rollouts on the training page: what was asked and answered in a step, what each response earned and for what.

   trainingRollouts(host, page, change): `change` takes what the reader has chosen; `show` gets it back from the address. */
const trainingRollouts = (host, page, change) => {
  const { h, svg, number } = harness;
  const SORTS = { "": "as sampled", high: "reward, highest first", low: "reward, lowest first" };
  const LONG = 1000;
  const index = page.rollouts;
  const added = {};
  const opened = new Map();
  let shown = 0;
  /** The step that is shown: while it is in the window, one that comes later does not take its place. */
  let reading = null;

  /** Take the steps that a server has sent, with their data blocks; whether one of them is new. */
  function add(steps, blocks) {
    const before = index.length;
    for (const step of steps) {
      if (index.some((other) => other.run === step.run && other.stage === step.stage && other.step === step.step)) continue;
      const block = `added-${Object.keys(added).length}`;
      added[block] = blocks[step.block];
      index.push({ ...step, block });
    }
    return index.length > before;
  }

  function groupsOf(step) {
    if (!opened.has(step.block)) opened.set(step.block, harness.inflate(added[step.block] ?? harness.data(step.block)));
    return opened.get(step.block);
  }

  function inWindow() {
    const { top, bottom } = host.getBoundingClientRect();
    return top < innerHeight && bottom > 0;
  }

  const named = (step) => `${step.run}, ${step.stage}`;
  const bdi = (text) => h("bdi", {}, text);
  const label = (family) => page.labels[family] ?? family;

  async function show(chosen) {
    const ticket = ++shown;
    if (!index.length) { host.replaceChildren(); return; }
    const runs = [...new Set(index.map(named))];
    const run = runs.includes(chosen.run) ? chosen.run : runs[0];
    const steps = index.filter((step) => named(step) === run).sort((a, b) => a.step - b.step);
    const step = steps.find((each) => String(each.step) === chosen.step) ?? (inWindow() ? steps.find((each) => each === reading) : undefined) ?? steps.at(-1);
    reading = step;
    const groups = await groupsOf(step);
    if (ticket !== shown) return;
    const families = [...new Set(groups.map((group) => group.family))];
    const family = chosen.family === "all" || families.includes(chosen.family) ? chosen.family : families[0] ?? "all";
    const ordered = sorted(groups.filter((group) => family === "all" || group.family === family), chosen.sort);
    const active = document.activeElement?.closest?.("[data-rollouts]") ? document.activeElement.dataset.key : null;
    host.replaceChildren(
      h("h3", { id: "training-rollouts" }, "Rollouts"),
      h("p", { class: "soft" }, "What was asked and answered in some of the steps, and what each response earned: the first groups of each family. All of them are in the folder ", h("code", {}, "rollouts"), " of the stage."),
      h("div", { class: "controls" },
        runs.length > 1 ? picker("Run", "run", runs.map((name) => [name, name]), run) : null,
        h("div", { class: "training-steps" }, picker("Step", "step", steps.map((each) => [String(each.step), String(each.step)]), String(step.step)),
          ...[[-1, "‹", "Earlier step"], [1, "›", "Later step"]].map(([by, sign, name]) => h("button", {
            type: "button", "aria-label": name, dataset: { key: name }, disabled: !steps[steps.indexOf(step) + by],
            on: { click: () => change({ run, step: String(steps[steps.indexOf(step) + by].step) }) },
          }, sign))),
        picker("Family", "family", [["all", "all"], ...families.map((name) => [name, label(name)])], family),
        picker("Sort", "sort", Object.entries(SORTS), chosen.sort in SORTS ? chosen.sort : ""),
        h("label", { class: "training-check" }, h("input", { type: "checkbox", checked: chosen.raw === "1", dataset: { key: "raw" }, on: { change: (event) => change({ raw: event.target.checked ? "1" : "" }) } }), "raw text"),
        h("span", { class: "soft" }, `${step.responses} responses in ${step.file}${step.unreadable ? `; ${step.unreadable} unreadable lines left out` : ""}`)),
      h("div", { class: "training-cards" }, ordered.map((group) => card(group, chosen.raw === "1"))),
    );
    if (active) host.querySelector(`[data-key="${CSS.escape(active)}"]`)?.focus();
  }

  function picker(name, key, options, value) {
    const select = h("select", { dataset: { key }, on: { change: (event) => change({ [key]: event.target.value }) } },
      options.map(([option, text]) => h("option", { value: option }, text)));
    select.value = value;
    return h("label", {}, name, select);
  }

  /** Groups and their responses by reward, where that is asked for. */
  function sorted(groups, by) {
    if (by !== "high" && by !== "low") return groups;
    const sign = by === "high" ? -1 : 1;
    const worth = (response) => response.reward ?? -Infinity;
    const mean = (group) => group.responses.reduce((sum, response) => sum + (response.reward ?? 0), 0) / group.responses.length;
    return groups.map((group) => ({ ...group, responses: group.responses.toSorted((a, b) => sign * (worth(a) - worth(b))) }))
      .sort((a, b) => sign * (mean(a) - mean(b)));
  }

  function card(group, raw) {
    const outcome = group.trained ? null : h("span", { class: "tag" }, "filtered out");
    const pictures = group.pictures.length ? group.pictures : group.images.map(() => null);
    return h("article", { class: "training-card", "aria-label": `${label(group.family)}, ${group.task}, ${group.id}` },
      h("h4", {}, label(group.family), " ", h("span", { class: "soft" }, bdi(group.task), " · ", bdi(group.id), ` · mean value ${number(group.value, 2)}`), " ", outcome),
      h("div", { class: "training-asked" },
        pictures.map((url, place) => picture(url, group, place)),
        h("div", { class: "training-question" }, text(group.prompt, raw),
          group.reference === null ? null : h("p", {}, h("span", { class: "soft" }, "Reference "), h("code", {}, bdi(group.reference))))),
      h("ol", { class: "training-responses" }, group.responses.map((response, place) => answer(group, response, place, raw))));
  }

  /** A picture with ground truth and predictions over the first; its name where none is kept. */
  function picture(url, group, place) {
    if (!url) return h("p", { class: "soft training-named" }, "Image not in the page: ", bdi(group.images[place] ?? ""));
    const image = h("img", { src: url, alt: `Image ${place + 1} of ${group.id}` });
    if (place > 0 || !(group.shapes.length || group.responses.some((response) => response.shapes.length))) return h("div", { class: "training-picture" }, image);
    const overlay = svg("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" },
      group.responses.map((response, at) => svg("g", { class: "training-predicted", dataset: { response: at } }, response.shapes.flatMap(drawn))),
      svg("g", { class: "training-true" }, group.shapes.flatMap(drawn)));
    return h("figure", { class: "training-picture" }, h("div", {}, image, overlay),
      h("figcaption", { class: "soft" }, h("span", { class: "training-key-true" }, "ground truth"), " ", h("span", { class: "training-key-predicted" }, "prediction")));
  }

  /** A place as elements: a halo, and the line over it. Coordinates: fractions times 1000. */
  function drawn(shape) {
    const twice = (tag, attributes) => [svg(tag, { ...attributes, class: "training-halo" }), svg(tag, attributes)];
    if (shape.box) {
      const [x1, y1, x2, y2] = shape.box.map((value) => 1000 * value);
      return twice("rect", { x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) });
    }
    if (shape.rings) {
      const ring = (corners) => `M${corners.map(([x, y]) => `${(1000 * x).toFixed(1)} ${(1000 * y).toFixed(1)}`).join("L")}Z`;
      return twice("path", { d: shape.rings.map(ring).join("") });
    }
    return (shape.points ?? []).flatMap(([x, y]) => twice("path", { d: `M${1000 * x - 12} ${1000 * y}h24M${1000 * x} ${1000 * y - 12}v24` }));
  }

  function answer(group, response, place, raw) {
    const signed = (value) => `${value > 0 ? "+" : ""}${number(value, 2)}`.replace("-", "−");
    const facts = [
      ["value", number(response.value, 2)], ["reward", number(response.reward, 2)],
      ["advantage", response.advantage === null ? "–" : signed(response.advantage)],
      ["tokens", response.tokens === null ? "–" : `${response.tokens}${response.finish === "length" ? ", cut" : ""}`],
    ];
    const right = response.value !== null && response.value >= 0.5;
    const light = (on) => () => {
      for (const layer of host.querySelectorAll(".training-lit")) layer.classList.remove("training-lit");
      if (on) item.closest(".training-card").querySelector(`[data-response="${group.responses.indexOf(response)}"]`)?.classList.add("training-lit");
    };
    const item = h("li", { on: { pointerenter: light(true), pointerleave: light(false), focusin: light(true), focusout: light(false) }, tabindex: response.shapes.length ? "0" : null },
      h("p", { class: "training-facts" }, h("span", { class: right ? "good" : "bad" }, right ? "✓" : "✗", h("span", { class: "visually-hidden" }, right ? "right" : "wrong")),
        facts.map(([name, value]) => h("span", {}, h("span", { class: "soft" }, `${name} `), value)),
        response.parsed === null ? null : h("span", {}, h("span", { class: "soft" }, "parsed answer "), bdi(response.parsed)),
        response.status === "ok" ? null : h("span", { class: "warn" }, response.status)),
      response.terms.length ? h("p", { class: "training-facts soft" }, "terms ", response.terms.map(([name, value]) => h("span", {}, `${name} ${number(value, 2)}`))) : null,
      text(response.text, raw));
    return item;
  }

  /** A text typeset, or as it was written; of a long one the beginning, and a button for all of it. */
  function text(words, raw, whole = words.length <= LONG) {
    const part = whole ? words : `${words.slice(0, LONG)} …`;
    const made = raw ? null : rich.render(part);
    const box = made === null ? h("pre", { class: "training-text" }, part) : h("div", { class: "training-text", dir: "auto" }, made);
    if (whole) return box;
    const more = h("button", { type: "button", on: { click: () => { const all = text(words, raw, true); more.replaceWith(); box.replaceWith(all); } } }, `Show all ${words.length.toLocaleString("en")} characters`);
    return [box, more];
  }

  return { add, show };
};
