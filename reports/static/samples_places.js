"use strict";
/* True and predicted places: drawn over an image, labelled with their IoU, and as coordinates in text.

   A layer is {shapes, run (null: ground truth), name, told, right, iou}; coordinates are fractions of the image. */
const samplesPlaces = (() => {
  const { h, svg } = harness;
  /** What is drawn; kept from sample to sample. */
  const drawn = { true: true, predicted: true };
  const hiddenRuns = new Set();
  const COLOURS = 10;
  const FONT = 13;
  const MOST_POINTS = 8;

  const tone = (number) => `samples-run-${number % COLOURS}`;
  const words = { box: "box", rings: "region", points: "points" };
  const isTrue = (layer) => layer.run === null;

  function outline(shape, w, k) {
    const corner = ([x, y]) => `${(x * w).toFixed(1)} ${(y * k).toFixed(1)}`;
    return shape.rings.map((ring) => `M${ring.map(corner).join("L")}Z`).join("");
  }

  /** The elements of a shape: each outline lies on a white one, so that it is seen on any picture. */
  function draw(shape, w, k, state) {
    if (shape.box) {
      const [x1, y1, x2, y2] = shape.box;
      const at = { x: x1 * w, y: y1 * k, width: Math.max((x2 - x1) * w, 0), height: Math.max((y2 - y1) * k, 0) };
      return [svg("rect", { ...at, class: "samples-under" }), svg("rect", { ...at, class: state })];
    }
    if (shape.rings) {
      const d = outline(shape, w, k);
      return [svg("path", { d, class: "samples-under" }), svg("path", { d, class: state })];
    }
    return shape.points.map(([x, y, hit]) => {
      const [cx, cy, r] = [x * w, y * k, 13];
      const halo = svg("circle", { class: "samples-halo", cx, cy, r: r + 4 });
      const sign = hit
        ? svg("circle", { class: "samples-hit", cx, cy, r })
        : svg("path", { class: "samples-miss", d: `M${cx - r} ${cy - r}L${cx + r} ${cy + r}M${cx - r} ${cy + r}L${cx + r} ${cy - r}` });
      return svg("g", { class: "samples-point" }, halo, sign);
    });
  }

  const drawnBy = (layer) => ({ class: isTrue(layer) ? "" : tone(layer.run),
    dataset: { layer: isTrue(layer) ? "true" : "predicted", run: layer.run ?? "" } });

  /** The drawing over an image: the ground truth last, so that nothing hides it, but for the tint of its regions. */
  function overlay(layers, size) {
    const scale = 1000 / Math.max(size[0], size[1]);
    const [w, k] = [size[0] * scale, size[1] * scale];
    const told = layers.map((layer) => `${layer.name}: ${layer.shapes.map((shape) => words[Object.keys(shape)[0]]).join(", ")}`
      + (layer.iou === undefined ? "" : `, IoU ${layer.iou.toFixed(2)}`));
    const groups = [...layers].sort((a, b) => isTrue(a) - isTrue(b)).map((layer) => {
      const state = isTrue(layer) ? "samples-true" : `samples-predicted ${layer.right ? "samples-right" : "samples-wrong"}`;
      return svg("g", drawnBy(layer), layer.shapes.flatMap((shape) => draw(shape, w, k, state)));
    });
    const tints = layers.filter(isTrue).flatMap((layer) => layer.shapes.filter((shape) => shape.rings)
      .map((shape) => svg("path", { ...drawnBy(layer), d: outline(shape, w, k), class: "samples-region", "fill-rule": "evenodd" })));
    return svg("svg", { class: "samples-overlay", viewBox: `0 0 ${w} ${k}`, preserveAspectRatio: "none", role: "img" },
      svg("title", {}, told.join("; ")), tints, groups);
  }

  /** Where labels go: the upper left corner of each, inside the picture and on no other label; null where there is no room.
      `wanted`: [{box: [x1, y1, x2, y2], size: [width, height]}], in the unit of `width` and `height`. */
  function layout(wanted, width, height) {
    const taken = [];
    return wanted.map(({ box: [x1, y1, x2, y2], size: [w, k] }) => {
      const places = [[x1, y1 - 1.1 * k], [x1, y2], [x2 - w, y1 - 1.1 * k], [x2 - w, y2], [x1, y1], [x2 - w, y2 - k]];
      for (let y = 0; y + k <= height; y += k) places.push([x1, y], [x2, y]);
      const inside = places.map(([x, y]) => [Math.min(Math.max(x, 0), width - w), y])
        .filter(([x, y]) => x >= 0 && y >= 0 && y + k <= height);
      const free = ([x, y]) => !taken.some((other) => x < other[0] + other[2] && other[0] < x + w && y < other[1] + other[3] && other[1] < y + k);
      const found = inside.find(free) ?? null;
      if (found) taken.push([...found, w, k]);
      return found;
    });
  }

  /** The IoU of each predicted box, written beside it, for an image shown at `width` × `height` px and enlarged by `zoom`. */
  function labels(layers, width, height, zoom) {
    const font = FONT / zoom;
    const written = layers.filter((layer) => layer.iou !== undefined && !isTrue(layer) && layer.shapes[0]?.box)
      .map((layer) => ({ layer, text: `IoU ${layer.iou.toFixed(2)}` }));
    const wanted = written.map(({ layer, text }) => {
      const [x1, y1, x2, y2] = layer.shapes[0].box;
      return { box: [x1 * width, y1 * height, x2 * width, y2 * height], size: [(text.length * 0.6 + 0.6) * font, 1.35 * font] };
    });
    const made = layout(wanted, width, height).map((place, number) => {
      const { layer, text } = written[number];
      if (!place) return null;
      const label = svg("text", { class: "samples-label", x: place[0] + 0.3 * font, y: place[1] + font, "stroke-width": 0.25 * font }, text);
      label.style.fontSize = `${font}px`;
      return svg("g", drawnBy(layer), label);
    });
    return svg("svg", { class: "samples-labels", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, made);
  }

  /** A shape's coordinates in pixels of the image, or in fractions where its size is not known. */
  function coordinates(shape, size) {
    const [w, k] = size ?? [1, 1];
    const one = (value) => (w > 1 ? String(Math.round(value)) : value.toFixed(3));
    const pair = ([x, y]) => `${one(x * w)}, ${one(y * k)}`;
    const box = ([x1, y1, x2, y2]) => `[${pair([x1, y1])}, ${pair([x2, y2])}]`;
    if (shape.box) return box(shape.box);
    if (shape.rings) {
      const corners = shape.rings.flat(), [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
      return `region within ${box([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)])}`;
    }
    const told = shape.points.slice(0, MOST_POINTS).map((point) => `(${pair(point)}) ${point[2] ? "✓" : "✗"}`);
    if (shape.points.length > MOST_POINTS) told.push(`and ${shape.points.length - MOST_POINTS} more`);
    return told.join(", ");
  }

  const refresh = (root) => {
    for (const layer of root.querySelectorAll("[data-layer]")) {
      layer.toggleAttribute("hidden", !drawn[layer.dataset.layer] || hiddenRuns.has(layer.dataset.run));
    }
  };

  /** Switches a kind of drawing everywhere in `root`. */
  function toggle(root, kind) {
    drawn[kind] = !drawn[kind];
    for (const box of root.querySelectorAll(`input[data-kind="${kind}"]`)) box.checked = drawn[kind];
    refresh(root);
  }

  /** A check box that switches one run's drawings. */
  function runBox(root, run) {
    const name = String(run);
    return h("input", { type: "checkbox", checked: !hiddenRuns.has(name), on: { change: (event) => {
      if (event.target.checked) hiddenRuns.delete(name); else hiddenRuns.add(name);
      refresh(root);
    } } });
  }

  /** Check boxes for what is drawn, what each colour and line means, and the coordinates in text. */
  function legend(root, layers, size) {
    const box = (kind, text, key) => h("label", {}, h("input", { type: "checkbox", checked: drawn[kind], dataset: { kind },
      on: { change: () => toggle(root, kind) } }), text, " ", h("kbd", {}, key));
    const many = new Set(layers.map((layer) => layer.run)).size > 2;
    const key = (layer) => [
      h("span", { class: `samples-swatch${!isTrue(layer) && !layer.right ? " samples-swatch-wrong" : ""}`, "aria-hidden": "true" }),
      isTrue(layer) ? null : harness.marker(layer.run), h("bdi", {}, layer.name), layer.told ? h("span", { class: "soft" }, ` ${layer.told}`) : null,
    ];
    const lines = layers.map((layer) => h("li", { class: isTrue(layer) ? "samples-key-true" : tone(layer.run) },
      many && !isTrue(layer) ? h("label", {}, runBox(root, layer.run), key(layer)) : h("span", {}, key(layer)),
      h("span", { class: "samples-coordinates" }, layer.shapes.map((shape) => coordinates(shape, size)).join("; "))));
    return h("div", { class: "samples-legend" },
      h("div", { class: "samples-toggles" }, box("true", "ground truth", "t"), box("predicted", "prediction", "p")),
      h("ul", {}, lines),
      h("p", { class: "soft" }, size && size[0] > 1 ? "Coordinates here: pixels of the image." : "Coordinates here: fractions of the image.",
        layers.some((layer) => !isTrue(layer)) ? " Solid line, dot: right. Dashed line, cross: wrong." : null));
  }

  return { overlay, layout, labels, legend, toggle, refresh, tone };
})();
