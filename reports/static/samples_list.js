"use strict";
/* The list of samples: only the rows in sight are elements, so that 50,000 are as fast as 50. */
const samplesList = (() => {
  const { h } = harness;
  const AROUND = 6;
  const MARKS = {
    right: ["✓", "good", "right"], wrong: ["✗", "bad", "wrong"], unparsed: ["?", "bad", "unparsed"],
    truncated: ["…", "bad", "truncated"], filtered: ["⊘", "bad", "withheld by a content filter"], failed: ["!", "warn", "no response"],
    error: ["!", "warn", "not scored"], unscored: ["○", "soft", "not scored"], missing: ["○", "warn", "not answered yet"],
  };

  /** The word for what one run made of a sample; "" where it did not ask. */
  function kindAt(run, position) {
    const status = run.status[position], verdict = run.verdict[position];
    if (status === 0) return "";
    if (verdict & samplesIndex.RIGHT) return "right";
    const named = ["truncated", "unparsed", "filtered", "error", "failed", "missing", "unscored"];
    const { statuses } = samplesIndex.all;
    const found = named.find((name) => status & (1 << statuses.indexOf(name)));
    return verdict & samplesIndex.WRONG && !["truncated", "unparsed", "filtered"].includes(found) ? "wrong" : found ?? "wrong";
  }

  function mark(run, position) {
    const kind = kindAt(run, position);
    if (!kind) {
      const nothing = `${run.name}: not asked`;
      return h("span", { class: "samples-mark soft", role: "img", "aria-label": nothing, title: nothing }, "·");
    }
    const [sign, tone, words] = MARKS[kind];
    const parts = run.verdict[position] & (samplesIndex.RULES.disagree);
    const value = run.value[position];
    const graded = samplesIndex.all.runs.length === 1 && value > 0 && value < 1;
    const told = `${run.name}: ${words}${graded ? `, ${harness.number(value, 2)}` : ""}${parts ? ", official and ours disagree" : ""}`;
    return h("span", { class: `samples-mark ${tone}`, role: "img", "aria-label": told, title: told }, graded ? h("span", { class: "samples-graded soft" }, harness.number(value, 2)) : null,
      sign, parts ? h("sup", {}, "≠") : null);
  }

  /** `measured`: the number by which the list is sorted, as text. */
  function row(position, place, total, selected, measured) {
    const { all, setAt } = samplesIndex;
    return h("div", {
      class: "samples-row", role: "option", id: `samples-row-${position}`, "aria-selected": String(selected),
      "aria-posinset": place + 1, "aria-setsize": total, dataset: { position },
    },
    h("span", { class: "samples-row-top" },
      h("span", { class: "samples-row-task" }, setAt(position).task),
      h("bdi", { class: "samples-row-id" }, all.ids[position]),
      measured ? h("span", { class: "samples-graded soft" }, measured) : null,
      h("span", { class: "samples-marks" }, all.runs.map((run) => mark(run, position)))),
    h("bdi", { class: "samples-row-text" }, all.starts[position] || "–"));
  }

  /** Fills a listbox. `open(position, how)` is called when a row is chosen, how being "click" or "key". */
  function create(box, open) {
    let positions = [], selected = -1, height = 0, waiting = false, measured = () => "";
    const places = new Map();
    const canvas = h("div", { class: "samples-canvas", role: "presentation" });
    box.append(canvas);

    function draw() {
      waiting = false;
      height ||= parseFloat(getComputedStyle(box).getPropertyValue("--row")) || 58;
      canvas.style.height = `${positions.length * height}px`;
      const first = Math.max(0, Math.floor(box.scrollTop / height) - AROUND);
      const last = Math.min(positions.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + AROUND);
      const rows = [];
      for (let place = first; place < last; place++) {
        const made = row(positions[place], place, positions.length, positions[place] === selected, measured(positions[place]));
        made.style.top = `${place * height}px`;
        rows.push(made);
      }
      canvas.replaceChildren(...rows);
      if (places.has(selected)) box.setAttribute("aria-activedescendant", `samples-row-${selected}`);
      else box.removeAttribute("aria-activedescendant");
    }
    const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(draw); } };

    /** Show these samples; `keep`: do not scroll to the first. `words(position)`: what a row says beside its id. */
    function show(found, keep, words) {
      positions = found;
      measured = words ?? measured;
      places.clear();
      positions.forEach((position, place) => places.set(position, place));
      if (!keep) box.scrollTop = 0;
      draw();
    }

    /** Mark a sample as the open one and bring it into sight. */
    function select(position) {
      selected = position;
      const place = places.get(position);
      if (place !== undefined && height) {
        const top = place * height;
        if (top < box.scrollTop) box.scrollTop = top;
        else if (top + height > box.scrollTop + box.clientHeight) box.scrollTop = top + height - box.clientHeight;
      }
      draw();
    }

    /** Open the sample so many rows further. */
    function step(by) {
      if (!positions.length) return;
      const place = places.get(selected) ?? (by > 0 ? -1 : positions.length);
      const next = Math.min(positions.length - 1, Math.max(0, place + by));
      if (positions[next] !== selected) open(positions[next], "key");
    }

    box.addEventListener("scroll", later, { passive: true });
    new ResizeObserver(later).observe(box);
    box.addEventListener("click", (event) => {
      const chosen = event.target.closest("[data-position]");
      if (chosen) open(Number(chosen.dataset.position), "click");
    });
    box.addEventListener("keydown", (event) => {
      const page = Math.max(1, Math.floor(box.clientHeight / (height || 58)) - 1);
      const far = positions.length;
      const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, End: far, Home: -far }[event.key];
      if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      step(by);
    });
    return { show, select, step, place: (position) => places.get(position), first: () => positions[0],
      get size() { return positions.length; } };
  }

  return { create, kindAt, MARKS };
})();
