"use strict";
/* Line charts of the training page: axes with units, bands, raw and smoothed lines, one cursor for all.

   new TrainingChart(host, spec): `host` is an element with a width; spec = {title, unit, note, label, xLabel,
   xs: "step"|"hours", lines: [{name, style, x: [], y: []}], bands: [{low, high, soft}], bandText, bounds, domain,
   smooth, wide, reference}. */
const trainingTicks = {
  /** Round numbers that cover [low, high], about `count` of them. */
  nice(low, high, count) {
    const span = high - low || 1;
    const raw = span / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw) ?? raw;
    const ticks = [];
    for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) ticks.push(index * step);
    return ticks;
  },
  /** A number as short as three digits tell it; with the `step` of ticks, with as many decimals as those need. */
  text(value, step) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    let said;
    if (size < 1e-12) said = "0";
    else if (size >= 1e6 || size < 1e-3) said = value.toExponential(step ? 0 : 2).replace("e+", "e");
    else if (step) said = value.toFixed([0, 1, 2, 3].find((digits) => Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6) ?? 4);
    else said = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
    return said.replaceAll("-", "−");
  },
  /** A bound that somebody set: no digits that were not given. */
  bound: (value) => String(Number(value.toFixed(3))),
};

/** Lines of fewer values are drawn as they are. */
const TRAINING_FEW = 30;

/** Exponential moving average, corrected for its start; what is missing stays missing. */
function trainingSmooth(values, weight) {
  if (!weight || values.filter((value) => value !== null).length < TRAINING_FEW) return values;
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}

class TrainingChart {
  static LEFT = 46;
  static RIGHT = 14;
  static TOP = 8;
  static BOTTOM = 34;

  constructor(host, spec) {
    const { h, svg } = harness;
    this.spec = spec;
    this.width = Math.max(220, host.clientWidth);
    this.height = spec.wide ? 360 : 190;
    this.lines = spec.lines.map((line) => ({ ...line, shown: trainingSmooth(line.y, spec.smooth) }));
    this.readout = h("p", { class: "training-readout" });
    this.cursor = svg("line", { class: "training-cursor", y1: TrainingChart.TOP, y2: this.height - TrainingChart.BOTTOM, visibility: "hidden" });
    this.svg = svg("svg", {
      class: "training-chart", role: "img", tabindex: -1, viewBox: `0 0 ${this.width} ${this.height}`,
      width: this.width, height: this.height, "aria-label": this.summary(),
    });
    host.replaceChildren(this.svg, this.readout);
    this.draw();
    this.read(null);
  }

  /** What the figure says, in a sentence. */
  summary() {
    const { title, unit, label } = this.spec;
    const said = this.lines.map((line) => {
      const there = line.y.filter((value) => value !== null);
      return `${line.name} from ${trainingTicks.text(there[0])} to ${trainingTicks.text(there.at(-1))}`;
    });
    return `${title}${unit ? ` (${unit})` : ""}, ${label}: ${said.join("; ") || "not logged"}. ${this.spec.bandText ?? ""}`;
  }

  /** [low, high] of an axis. */
  range() {
    if (this.spec.domain) return this.spec.domain;
    return TrainingChart.range(this.spec.lines, this.spec);
  }

  /** The range of values that lines take, the nearest edge of a band with them, or whole bands. */
  static range(lines, { bands, wholeBands, bounds }) {
    const values = lines.flatMap((line) => line.y.filter((value) => value !== null));
    let low = values.length ? Math.min(...values) : 0;
    let high = values.length ? Math.max(...values) : 1;
    const span = high - low || Math.abs(high) || 1;
    for (const band of bands ?? []) {
      if (wholeBands) { low = Math.min(low, band.low); high = Math.max(high, band.high); }
      else {
        if (band.low > high && band.low - high < span) high = band.low;
        if (band.high < low && low - band.high < span) low = band.high;
      }
    }
    if (low === high) { const pad = Math.abs(low) / 10 || 0.5; low -= pad; high += pad; }
    const pad = 0.05 * (high - low);
    low = low >= 0 && low < 0.35 * high ? 0 : low - pad;
    high += pad;
    if (bounds) { low = Math.max(low, bounds[0]); high = Math.min(Math.max(high, low + 1e-9), bounds[1]); }
    return low < high ? [low, high] : [low - 0.5, low + 0.5];
  }

  draw() {
    const { svg } = harness;
    const { LEFT, RIGHT, TOP, BOTTOM } = TrainingChart;
    const [low, high] = this.range();
    const xs = this.lines.flatMap((line) => line.x.filter((x) => x !== null));
    const first = xs.length ? Math.min(...xs) : 0;
    const last = Math.max(xs.length ? Math.max(...xs) : 1, first + 1e-9);
    this.x = (value) => LEFT + ((value - first) / (last - first)) * (this.width - LEFT - RIGHT);
    this.y = (value) => TOP + ((high - value) / (high - low)) * (this.height - TOP - BOTTOM);
    this.back = (pixel) => first + ((pixel - LEFT) / (this.width - LEFT - RIGHT)) * (last - first);
    const bottom = this.height - BOTTOM;
    const clamp = (pixel) => Math.min(bottom, Math.max(TOP, pixel));
    for (const band of this.spec.bands ?? []) {
      const top = clamp(this.y(band.high));
      const height = clamp(this.y(band.low)) - top;
      if (height > 0) this.svg.append(svg("rect", { class: band.soft ? "training-band training-band-soft" : "training-band", x: LEFT, y: top, width: this.width - LEFT - RIGHT, height }));
      for (const edge of band.soft ? [] : [band.low, band.high]) {
        if (edge > low && edge < high) this.svg.append(svg("line", { class: "training-edge", x1: LEFT, x2: this.width - RIGHT, y1: this.y(edge), y2: this.y(edge) }));
      }
    }
    const rows = trainingTicks.nice(low, high, this.spec.wide ? 7 : 4);
    for (const tick of rows) {
      const y = this.y(tick);
      this.svg.append(
        svg("line", { class: "training-grid", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y }),
        svg("text", { class: "training-tick", x: LEFT - 6, y: y + 4, "text-anchor": "end" }, trainingTicks.text(tick, rows[1] - rows[0])),
      );
    }
    const columns = trainingTicks.nice(first, last, Math.max(2, Math.floor(this.width / 90)));
    for (const tick of this.spec.xs === "step" ? columns.filter(Number.isInteger) : columns) {
      const x = this.x(tick);
      this.svg.append(
        svg("line", { class: "axis", x1: x, x2: x, y1: bottom, y2: bottom + 4 }),
        svg("text", { class: "training-tick", x, y: bottom + 16, "text-anchor": "middle" }, trainingTicks.text(tick, columns[1] - columns[0] || 1)),
      );
    }
    this.svg.append(
      svg("line", { class: "axis", x1: LEFT, x2: this.width - RIGHT, y1: bottom, y2: bottom }),
      svg("text", { class: "training-tick", x: this.width - RIGHT, y: bottom + 30, "text-anchor": "end" }, this.spec.xLabel),
    );
    const reference = this.spec.reference;
    if (reference && reference > low && reference < high) {
      this.svg.append(svg("line", { class: "training-reference", x1: LEFT, x2: this.width - RIGHT, y1: this.y(reference), y2: this.y(reference) }));
    }
    for (const line of this.lines) {
      if (line.shown !== line.y) this.svg.append(svg("path", { class: `training-line training-raw ${line.style}`, d: this.path(line.x, line.y) }));
    }
    for (const line of this.lines) this.drawLine(line, low, high);
    if (!this.lines.length) {
      this.svg.append(svg("text", { class: "training-none", x: (LEFT + this.width) / 2, y: this.height / 2, "text-anchor": "middle" }, "not logged"));
    }
    this.svg.append(this.cursor);
  }

  drawLine(line) {
    const { svg } = harness;
    this.svg.append(svg("path", { class: `training-line ${line.style}`, d: this.path(line.x, line.shown) }));
    const there = line.shown.map((value, index) => index).filter((index) => line.shown[index] !== null && line.x[index] !== null);
    if (there.length > 40) return;
    for (const index of there) {
      this.svg.append(svg("circle", { class: `training-dot ${line.style}`, cx: this.x(line.x[index]), cy: this.y(line.shown[index]), r: there.length > 15 ? 1.6 : 2.6 }));
    }
  }

  path(xs, ys) {
    let drawn = "";
    for (let index = 0; index < xs.length; index++) {
      if (ys[index] === null || xs[index] === null) continue;
      drawn += `${drawn ? "L" : "M"}${this.x(xs[index]).toFixed(1)} ${this.y(ys[index]).toFixed(1)}`;
    }
    return drawn;
  }

  /** The place in a line whose x is nearest. */
  static nearest(line, x) {
    let best = -1;
    for (let index = 0; index < line.x.length; index++) {
      if (line.y[index] === null || line.x[index] === null) continue;
      if (best < 0 || Math.abs(line.x[index] - x) < Math.abs(line.x[best] - x)) best = index;
    }
    return best;
  }

  /** Show the values at x under the figure; null: the last ones. Returns them as text. */
  read(x) {
    const { h } = harness;
    if (x === null) this.cursor.setAttribute("visibility", "hidden");
    else {
      const pixel = Math.min(this.width - TrainingChart.RIGHT, Math.max(TrainingChart.LEFT, this.x(x)));
      this.cursor.setAttribute("visibility", "visible");
      this.cursor.setAttribute("x1", pixel);
      this.cursor.setAttribute("x2", pixel);
    }
    const said = [];
    const parts = this.lines.map((line) => {
      const place = TrainingChart.nearest(line, x ?? Infinity);
      const at = x === null ? line.y.findLastIndex((value) => value !== null) : place;
      if (at < 0) return null;
      const value = trainingTicks.text(line.shown[at]);
      said.push(`${line.name} ${value}`);
      return h("span", { title: line.name }, h("span", { class: `training-swatch ${line.style}` }), value);
    });
    const where = x === null ? "last" : trainingTicks.text(x, this.spec.xs === "step" ? 1 : 0.01);
    this.readout.replaceChildren(h("span", { class: "soft" }, this.lines.length ? where : ""), ...parts.filter(Boolean));
    return said.join("; ");
  }
}
