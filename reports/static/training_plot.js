"use strict";
/* A chart of the training page, drawn by uPlot: raw lines with smoothed ones beside them, bands, intervals, one cursor for all. */

/** A run's mark on a piece of its line, as it is in a legend or beside a value. */
function trainingSwatch(run) {
  const { svg, mark, colour } = harness;
  const made = svg("svg", { class: "training-swatch", viewBox: "-11 -6 22 12", "aria-hidden": "true" },
    svg("path", { d: "M-11 0H11", stroke: "currentColor", "stroke-width": 2 }), mark(run, 0, 0));
  made.style.color = colour(run);
  return made;
}

const trainingNumbers = {
  /** A number to three digits. */
  text(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    let text;
    if (size < 1e-12) text = "0";
    else if (size >= 1e6 || size < 1e-3) text = value.toExponential(2).replace("e+", "e");
    else text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
    return text.replaceAll("-", "−");
  },
  /** A number of an axis, without digits that say nothing. */
  tick(value) {
    const size = Math.abs(value);
    const text = size > 0 && (size >= 1e6 || size < 1e-3) ? value.toExponential(1).replace(".0e", "e").replace("e+", "e") : String(Number(value.toPrecision(4)));
    return text.replaceAll("-", "−");
  },
};

/** Lines of fewer values are drawn as they are. */
const TRAINING_FEW = 30;

/** Exponential moving average, corrected for its start; what is missing stays missing. */
function trainingSmooth(values, weight) {
  if (!weight || values.filter((value) => value !== null).length < TRAINING_FEW) return null;
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}

/** The range of values that lines take, the nearest edge of a band with them, or whole bands. */
function trainingRange(lines, { bands, wholeBands, bounds, log }) {
  const values = lines.flatMap((line) => [...line.y, ...(line.intervals ?? []).flatMap(([, low, high]) => [low, high])])
    .filter((value) => value !== null && (!log || value > 0));
  let low = values.length ? Math.min(...values) : log ? 0.1 : 0;
  let high = values.length ? Math.max(...values) : 1;
  const span = high - low || Math.abs(high) || 1;
  for (const band of bands ?? []) {
    if (wholeBands) { if (!log || band.low > 0) low = Math.min(low, band.low); high = Math.max(high, band.high); }
    else {
      if (band.low > high && band.low - high < span) high = band.low;
      if (band.high < low && low - band.high < span) low = band.high;
    }
  }
  if (log) {
    const digit = (value, round) => { const power = 10 ** Math.floor(Math.log10(value)); return round(value / power) * power; };
    return low < high ? [digit(low, Math.floor), digit(high, Math.ceil)] : [low / 2, high * 2];
  }
  if (low === high) { const pad = Math.abs(low) / 10 || 0.5; low -= pad; high += pad; }
  const pad = 0.05 * (high - low);
  low = low >= 0 && low < 0.35 * high ? 0 : low - pad;
  high += pad;
  if (bounds) { low = Math.max(low, bounds[0]); high = Math.min(Math.max(high, low + 1e-9), bounds[1]); }
  return low < high ? [low, high] : [low - 0.5, low + 0.5];
}

/** A colour of the style sheet, such as `var(--soft)`, as a canvas takes it; `trainingColours` is cleared where the theme changes. */
const trainingColours = new Map();
function trainingColour(value) {
  if (trainingColours.has(value)) return trainingColours.get(value);
  const probe = harness.h("span");
  probe.style.color = value;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  trainingColours.set(value, found);
  return found;
}

/* A chart is drawn when it comes near the window: a page has some fifty. */
const trainingPlots = new WeakMap();
const trainingSeen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) trainingPlots.get(target).draw();
}, { rootMargin: "300px" });

/* new TrainingPlot(host, spec): `host` is an element with a width; spec = {title, unit, label, xs: "step"|"hours",
   lines: [{name, mark, x: [], y: [], intervals: [[x, low, high]]}], bands: [{low, high, soft}], bandText, bounds, domain,
   smooth, wide, reference, logX, logY, zoom: [from, to] or null, onZoom}. */
class TrainingPlot {
  /** Where the cursor of all charts is on the x axis, also for one drawn only now; null: away. */
  static at = null;

  /** The value on the x axis under a chart's cursor; null: away. */
  static under(chart) { return chart.cursor.left >= 0 ? chart.posToVal(chart.cursor.left, "x") : null; }

  constructor(host, spec) {
    const { h } = harness;
    this.spec = spec;
    this.host = host;
    const plotted = (value, log) => value !== null && value !== undefined && (!log || value > 0);
    this.lines = spec.lines.map((line) => {
      const smooth = trainingSmooth(line.y, spec.smooth);
      const places = line.x.map((_, place) => place).filter((place) => plotted(line.x[place], spec.logX) && plotted(line.y[place], spec.logY));
      return { ...line, places, smooth, colour: trainingColour(harness.colour(line.mark)), path: new Path2D(harness.shape(line.mark)) };
    });
    this.leftOut = spec.logY && spec.lines.some((line) => line.y.some((value) => value !== null && value <= 0));
    this.readout = h("p", { class: "training-readout" });
    this.element = h("div", { class: "training-plot", role: "img", tabindex: "-1", "aria-label": this.summary() });
    host.replaceChildren(this.element, this.readout);
    if (spec.wide) this.element.classList.add("training-large");
    if (this.lines.some((line) => line.places.length)) {
      trainingPlots.set(this.element, this);
      trainingSeen.observe(this.element);
    } else this.element.append(h("p", { class: "training-none soft" }, spec.lines.length ? "no value above 0" : "not logged"));
    this.read(null);
  }

  get height() { return this.spec.wide ? 360 : 190; }

  /** What the chart shows, in a sentence. */
  summary() {
    const { title, unit, label, xs } = this.spec;
    const text = trainingNumbers.text;
    const each = this.spec.lines.map((line) => {
      const [first, last] = [line.y.findIndex((value) => value !== null), line.y.findLastIndex((value) => value !== null)];
      return last < 0 ? `${line.name} has none` : `${line.name} from ${text(line.y[first])} to ${text(line.y[last])} at ${xs} ${trainingNumbers.tick(line.x[last])}`;
    });
    return `${title}${unit ? ` (${unit})` : ""}, ${label}: ${each.join("; ") || "not logged"}. ${this.spec.bandText ?? ""}`;
  }

  draw() {
    if (this.chart || !trainingPlots.has(this.element)) return;
    trainingSeen.unobserve(this.element);
    const { spec, lines } = this;
    const xs = [...new Set(lines.flatMap((line) => line.places.map((place) => line.x[place])))].sort((a, b) => a - b);
    const column = (line, values) => {
      const found = new Map(line.places.map((place) => [line.x[place], values[place]]));
      return xs.map((x) => found.get(x) ?? null);
    };
    const series = [{}], data = [xs];
    for (const line of lines) {
      const common = { stroke: line.colour, spanGaps: true, points: { show: false } };
      series.push({ ...common, width: line.smooth ? 1 : 1.6, alpha: line.smooth ? 0.4 : 1 });
      data.push(column(line, line.y));
      if (line.smooth) { series.push({ ...common, width: 2.2 }); data.push(column(line, line.smooth)); }
    }
    const [first, last] = [xs[0], xs.at(-1)];
    const whole = first < last ? [first, last] : spec.logX ? [first / 1.1, last * 1.1] : [first - 0.5, last + 0.5];
    const domain = spec.domain ?? trainingRange(spec.lines, { ...spec, log: spec.logY });
    const [soft, line] = [trainingColour("var(--soft)"), trainingColour("var(--line)")];
    const axis = { stroke: soft, font: "11px Inter, sans-serif", grid: { stroke: line, width: 0.6 }, ticks: { stroke: line, width: 0.6, size: 4 },
      values: (_, splits) => splits.map((value) => (value === null ? "" : trainingNumbers.tick(value))) };
    const tell = (type, chart) => { // called where a cursor moves first, not where it follows
      TrainingPlot.at = TrainingPlot.under(chart);
      return type === "mousemove" || type === "mouseleave";
    };
    this.chart = new uPlot({
      width: Math.max(200, this.element.clientWidth),
      height: this.height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, distr: spec.logX ? 3 : 1, range: () => spec.zoom ?? whole },
        y: { distr: spec.logY ? 3 : 1, range: () => domain },
      },
      axes: [
        { ...axis, size: 22, gap: 3, space: 60, label: spec.xs === "step" ? "step" : "hours", labelSize: 14, labelGap: 0, labelFont: axis.font, incrs: spec.xs === "step" ? [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((power) => n * 10 ** power)).sort((a, b) => a - b) : undefined },
        { ...axis, size: 46, gap: 4, space: 32 },
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        sync: { key: "training", setSeries: false, scales: ["x", null], filters: { pub: tell } },
        bind: { dblclick: () => () => spec.onZoom(null) },
      },
      series,
      hooks: {
        drawClear: [() => this.drawBands(domain)],
        draw: [() => this.drawMarks(domain)],
        ready: [() => { if (TrainingPlot.at !== null) this.place(false); }],
        setCursor: [(chart) => this.read(TrainingPlot.under(chart))],
        setSelect: [(chart) => {
          const { left, width } = chart.select;
          if (width < 5) return;
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          spec.onZoom([chart.posToVal(left, "x"), chart.posToVal(left + width, "x")]);
        }],
      },
    }, data, this.element);
  }

  drawBands([low, high]) {
    const { ctx, bbox } = this.chart;
    const y = (value) => this.chart.valToPos(Math.min(high, Math.max(low, value)), "y", true);
    ctx.save();
    ctx.fillStyle = trainingColour("var(--soft)");
    for (const band of this.spec.bands ?? []) {
      ctx.globalAlpha = band.soft ? 0.07 : 0.1;
      ctx.fillRect(bbox.left, y(band.high), bbox.width, y(band.low) - y(band.high));
    }
    ctx.restore();
  }

  drawMarks([low, high]) {
    const { ctx, bbox } = this.chart;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left - 6 * scale, bbox.top - 6 * scale, bbox.width + 12 * scale, bbox.height + 12 * scale);
    ctx.clip();
    const { reference } = this.spec;
    if (reference && reference > low && reference < high) {
      ctx.setLineDash([5 * scale, 4 * scale]);
      ctx.strokeStyle = trainingColour("var(--soft)");
      const y = this.chart.valToPos(reference, "y", true);
      ctx.beginPath(); ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); ctx.stroke();
      ctx.setLineDash([]);
    }
    const several = this.lines.length > 1;
    for (const line of this.lines) {
      ctx.fillStyle = ctx.strokeStyle = line.colour;
      ctx.lineWidth = 1.2 * scale;
      for (const [x, from, to] of line.intervals ?? []) this.drawInterval(x, from, to);
      const count = line.places.length;
      const few = count <= 15;
      const every = Math.max(1, Math.floor(count / 5));
      const marked = line.places.filter((_, place) => place === count - 1 || few || (several && place % every === Math.floor(every / 2)));
      for (const place of marked) {
        const value = place === line.places.at(-1) ? line.y[place] : (line.smooth ?? line.y)[place];
        ctx.save();
        ctx.translate(this.chart.valToPos(line.x[place], "x", true), this.chart.valToPos(value, "y", true));
        ctx.scale(0.75 * scale, 0.75 * scale);
        ctx.fill(line.path);
        ctx.restore();
      }
    }
    ctx.restore();
  }

  drawInterval(x, from, to) {
    if (this.spec.logX && x <= 0) return;
    const { ctx } = this.chart;
    const at = this.chart.valToPos(x, "x", true);
    const half = 3 * devicePixelRatio;
    const [top, bottom] = [to, this.spec.logY ? Math.max(from, 1e-9) : from].map((value) => this.chart.valToPos(value, "y", true));
    ctx.beginPath();
    ctx.moveTo(at, top); ctx.lineTo(at, bottom);
    for (const end of [top, bottom]) { ctx.moveTo(at - half, end); ctx.lineTo(at + half, end); }
    ctx.stroke();
  }

  /** The place in a line whose x is nearest. */
  static nearest(line, x) {
    let best = -1;
    for (const place of line.places) {
      if (best < 0 || Math.abs(line.x[place] - x) < Math.abs(line.x[best] - x)) best = place;
    }
    return best;
  }

  /** The places on the x axis at which a line has a value. */
  get stops() {
    return [...new Set(this.lines.flatMap((line) => line.places.map((place) => line.x[place])))].sort((a, b) => a - b);
  }

  /** Move the cursor, in all charts; null: away. */
  point(x) {
    this.draw();
    if (!this.chart) return;
    TrainingPlot.at = x;
    if (this.chart.status) this.place();
  }

  /** Put this chart's cursor where that of all charts is, and tell the others if `tell`. */
  place(tell = true) {
    const { at } = TrainingPlot;
    this.chart.setCursor(at === null ? { left: -10, top: -10 } : { left: this.chart.valToPos(at, "x"), top: 0 }, true, tell);
  }

  /** Show the values at x under the chart, as they were logged; null: the last ones. Returns them as text. */
  read(x) {
    const { h } = harness;
    const text = trainingNumbers.text;
    const found = this.lines.flatMap((line) => {
      const place = x === null ? line.places.at(-1) ?? -1 : TrainingPlot.nearest(line, x);
      return place < 0 ? [] : [{ line, x: line.x[place], value: line.y[place], smooth: line.smooth?.[place] }];
    });
    const at = found.length ? found.reduce((best, each) => (x !== null && Math.abs(each.x - x) < Math.abs(best.x - x) ? each : best)).x : null;
    const where = at === null ? "" : x === null ? "last" : `${this.spec.xs === "step" ? "step" : "h"} ${trainingNumbers.tick(at)}`;
    this.readout.replaceChildren(h("span", { class: "soft" }, where), ...found.map(({ line, value, smooth }) => h("span", { title: line.name },
      trainingSwatch(line.mark), h("span", { class: "visually-hidden" }, `${line.name} `), text(value),
      smooth === undefined || smooth === null ? null : h("span", { class: "soft" }, ` ~${text(smooth)}`))),
      this.leftOut ? h("span", { class: "warn" }, "values ≤ 0 left out") : "");
    return found.map(({ line, value }) => `${line.name} ${text(value)}`).join("; ");
  }

  resize() {
    const width = Math.max(200, this.element.clientWidth);
    if (this.chart && this.chart.width !== width) this.chart.setSize({ width, height: this.height });
  }

  destroy() { trainingSeen.unobserve(this.element); this.chart?.destroy(); TrainingPlot.at = null; }
}
