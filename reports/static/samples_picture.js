"use strict";
/* Images of a sample with true and predicted places drawn over them, and a dialog that shows one large. */
const samplesPicture = (() => {
  const { h, svg } = harness;
  /** What is drawn; kept from sample to sample. */
  const drawn = { true: true, predicted: true };
  const hiddenRuns = new Set();
  const COLOURS = 8;
  const MOST_LABELS = 6;

  const tone = (number) => `samples-run-${number % COLOURS}`;
  const words = { box: "box", rings: "region", points: "points" };

  /** An element over the image for each part of a shape. Coordinates: fractions times (w, h). */
  function draw(shape, w, k, right) {
    const state = right === null ? "samples-true" : `samples-predicted ${right ? "samples-right" : "samples-wrong"}`;
    if (shape.box) {
      const [x1, y1, x2, y2] = shape.box;
      const at = { x: x1 * w, y: y1 * k, width: Math.max((x2 - x1) * w, 0), height: Math.max((y2 - y1) * k, 0) };
      return [svg("rect", { ...at, class: "samples-under" }), svg("rect", { ...at, class: state })];
    }
    if (shape.rings) {
      const corner = ([x, y]) => `${(x * w).toFixed(1)} ${(y * k).toFixed(1)}`;
      const d = shape.rings.map((ring) => `M${ring.map(corner).join("L")}Z`).join("");
      return [svg("path", { d, class: "samples-under" }), svg("path", { d, class: `${state} samples-region`, "fill-rule": "evenodd" })];
    }
    return shape.points.map(([x, y, hit]) => {
      const [cx, cy, r] = [x * w, y * k, 13];
      const halo = svg("circle", { class: "samples-halo", cx, cy, r: r + 4 });
      const sign = hit
        ? svg("circle", { class: "samples-hit", cx, cy, r })
        : svg("path", { class: "samples-miss", d: `M${cx - r} ${cy - r}L${cx + r} ${cy + r}M${cx - r} ${cy + r}L${cx + r} ${cy - r}` });
      return svg("g", {}, halo, sign);
    });
  }

  /** The text beside a predicted box: its IoU, above the box, or where another label is, below that. `taken`: [x, y] of
      the labels so far. */
  function label(shape, overlap, w, k, taken) {
    if (!shape.box || overlap === undefined) return null;
    const [x1, y1] = shape.box;
    const x = Math.min(Math.max(x1 * w, 4), w - 150);
    let y = y1 * k > 40 ? y1 * k - 10 : y1 * k + 34;
    while (taken.some((other) => Math.abs(other[0] - x) < 150 && Math.abs(other[1] - y) < 34)) y += 34;
    taken.push([x, y]);
    return svg("text", { class: "samples-label", x, y }, `IoU ${overlap.toFixed(2)}`);
  }

  /** The drawing over an image. `layers`: {shapes, run (null: true), name, right, iou}. */
  function overlay(layers, size) {
    const scale = 1000 / Math.max(size[0], size[1]);
    const [w, k] = [size[0] * scale, size[1] * scale];
    const drawing = svg("svg", { class: "samples-overlay", viewBox: `0 0 ${w} ${k}`, preserveAspectRatio: "none", role: "img" });
    const told = [], labels = [];
    const labelled = layers.filter((layer) => layer.iou !== undefined).length <= MOST_LABELS;
    for (const layer of layers) {
      const kind = layer.run === null ? "true" : "predicted";
      told.push(`${layer.name}: ${layer.shapes.map((shape) => words[Object.keys(shape)[0]]).join(", ")}`
        + (layer.iou === undefined ? "" : `, IoU ${layer.iou.toFixed(2)}`));
      const parts = layer.shapes.flatMap((shape) => [...draw(shape, w, k, layer.run === null ? null : layer.right),
        labelled ? label(shape, layer.iou, w, k, labels) : null]);
      drawing.append(svg("g", { class: layer.run === null ? "" : tone(layer.run), dataset: { layer: kind, run: layer.run ?? "" } }, parts.filter(Boolean)));
    }
    drawing.prepend(svg("title", {}, told.join("; ")));
    return drawing;
  }

  const refresh = (root) => {
    for (const layer of root.querySelectorAll("[data-layer]")) {
      layer.toggleAttribute("hidden", !drawn[layer.dataset.layer] || hiddenRuns.has(layer.dataset.run));
    }
  };

  /** A box of an image's shape, with its drawing. */
  function boxed(size, layers, ...inside) {
    const box = h("div", { class: "samples-frame" }, inside, layers.length && size ? overlay(layers, size) : null);
    if (size) box.style.aspectRatio = `${size[0]} / ${size[1]}`;
    if (size) box.style.setProperty("--wide", String(size[0] / size[1]));
    refresh(box);
    return box;
  }

  /** What stands where there is no image: places are drawn all the same. */
  function absent(why, size, layers) {
    const told = h("div", { class: "samples-absent soft" }, why, size ? ` (${size[0]} × ${size[1]} px)` : null);
    return layers.length && size ? h("div", {}, boxed(size, layers), told) : told;
  }

  /** One image with its drawing. `large`: the full image where there is one. */
  function frame(found, size, layers, alt, large) {
    const source = large ? found.full ?? found.thumb : found.thumb ?? found.full;
    if (!source) return absent("No image kept", size, layers);
    const image = h("img", { alt, loading: "lazy", decoding: "async", width: size?.[0], height: size?.[1] });
    const box = boxed(size, layers, image);
    image.addEventListener("error", () => {
      if (large && found.thumb && image.getAttribute("src") !== found.thumb) image.src = found.thumb;
      else if (source.startsWith("data:")) box.replaceWith(absent("The image cannot be read", size, layers));
      else box.replaceWith(absent(`The image is not beside the page: ${decodeURIComponent(source)}`, size, layers));
    });
    image.src = source;
    return box;
  }

  function enlarge(dialog, found, size, layers, alt) {
    const close = h("button", { type: "button", on: { click: () => dialog.close() } }, "Close");
    dialog.replaceChildren(h("div", { class: "samples-dialog-bar" }, h("bdi", {}, alt), close), frame(found, size, layers, alt, true));
    dialog.showModal();
    close.focus();
  }

  /** All images of a sample; the drawing goes over the first. `dialog` shows one large. */
  function gallery(dialog, numbers, sizes, layers, title) {
    const figures = numbers.map((number, place) => {
      const found = samplesIndex.picture(number), size = sizes?.[place];
      const own = place === 0 ? layers : [];
      const alt = numbers.length > 1 ? `Image ${place + 1} of ${title}` : `Image of ${title}`;
      const shown = frame(found, size, own, alt, false);
      if (!found.thumb && !found.full) return h("figure", {}, shown);
      const button = h("button", { type: "button", class: "samples-enlarge", "aria-label": `${alt}: show large`,
        on: { click: () => enlarge(dialog, found, size, own, alt) } }, shown);
      return h("figure", {}, button, numbers.length > 1 ? h("figcaption", { class: "soft" }, `image ${place + 1}`) : null);
    });
    return h("div", { class: "samples-gallery" }, figures);
  }

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

  /** Check boxes for what is drawn, and what each colour and line means. */
  function legend(root, layers) {
    const box = (kind, text, key) => h("label", {}, h("input", { type: "checkbox", checked: drawn[kind], dataset: { kind },
      on: { change: () => toggle(root, kind) } }), text, " ", h("kbd", {}, key));
    const many = new Set(layers.map((layer) => layer.run)).size > 2;
    const key = (layer) => [
      h("span", { class: `samples-swatch${layer.run !== null && !layer.right ? " samples-swatch-wrong" : ""}`, "aria-hidden": "true" }),
      h("bdi", {}, layer.name), layer.told ? h("span", { class: "soft" }, ` ${layer.told}`) : null,
    ];
    const lines = layers.map((layer) => h("li", { class: layer.run === null ? "samples-key-true" : tone(layer.run) },
      many && layer.run !== null ? h("label", {}, runBox(root, layer.run), key(layer)) : key(layer)));
    return h("div", { class: "samples-legend" },
      h("div", { class: "samples-toggles" }, box("true", "true", "t"), box("predicted", "predicted", "p")),
      h("ul", {}, lines),
      layers.some((layer) => layer.run !== null)
        ? h("p", { class: "soft" }, "Solid line, dot: right. Dashed line, cross: wrong.") : null);
  }

  return { gallery, legend, toggle, tone };
})();
