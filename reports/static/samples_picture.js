"use strict";
/* The images of a sample: one at a time on a stage that zooms and pans, with the places drawn over it. */
const samplesPicture = (() => {
  const { h } = harness;
  const LARGEST_ZOOM = 16;
  const STEP = 60;
  /** What the window shows: the stage of the page, and that of the open dialog. */
  const stages = [];

  /** What stands where there is no image. */
  const absent = (why, size) => h("div", { class: "samples-absent soft" }, why, size ? ` (${size[0]} × ${size[1]} px)` : null);

  /** Shows the preview that is in the page until the full image beside it is there; says which of them is missing. */
  function load(image, found, size, note) {
    const missing = (text) => note.replaceChildren(absent(text, size));
    const full = () => {
      const whole = new Image();
      whole.addEventListener("load", () => { image.src = found.full; note.replaceChildren(); });
      whole.addEventListener("error", () => missing(`Preview only: the image is not beside the page: ${decodeURIComponent(found.full)}`));
      whole.src = found.full;
    };
    image.addEventListener("error", () => {
      image.hidden = true;
      missing(found.thumb ? "The image cannot be read" : `The image is not beside the page: ${decodeURIComponent(found.full)}`);
    }, { once: true });
    image.src = found.thumb ?? found.full;
    if (found.thumb && found.full) full();
  }

  /** A stage with one image: its element, and `mount`, to be called once it is in the page. */
  function stage({ number, size, layers, alt }) {
    const found = samplesIndex.picture(number);
    const source = found.thumb ?? found.full;
    const note = h("div", { class: "samples-note" });
    if (!source) note.append(absent("No image kept", size));
    const image = source ? h("img", { alt, decoding: "async", width: size?.[0], height: size?.[1], draggable: "false" }) : null;
    if (!source && !(layers.length && size)) return { node: note, mount: () => null };
    if (image) load(image, found, size, note);
    const frame = h("div", { class: "samples-frame" }, image, layers.length && size ? samplesPlaces.overlay(layers, size) : null);
    if (size) {
      frame.style.aspectRatio = `${size[0]} / ${size[1]}`;
      frame.style.setProperty("--wide", String(size[0] / size[1]));
    }
    const zoomed = h("output", { class: "samples-zoom soft" });
    const label = `${alt}: plus and minus zoom, 0 fits the whole image, arrow keys pan`;
    const box = h("div", { class: "samples-stage", tabindex: "0", role: "group", "aria-label": label }, frame);
    if (size) box.style.aspectRatio = frame.style.aspectRatio;
    const own = { box, panzoom: null };
    const button = (text, name, act) => h("button", { type: "button", "aria-label": name, title: name, on: { click: () => act(own.panzoom) } }, text);
    const bar = h("div", { class: "samples-zoom-bar" },
      button("−", "Zoom out", (panzoom) => panzoom.zoomOut()), button("+", "Zoom in", (panzoom) => panzoom.zoomIn()),
      button("Fit", "Fit the whole image", (panzoom) => panzoom.reset()), zoomed);
    return { node: h("div", { class: "samples-staged" }, bar, box, note), bar, mount: () => mount(own, frame, size, layers, zoomed) };
  }

  function mount(own, frame, size, layers, zoomed) {
    const { box } = own;
    own.panzoom = Panzoom(frame, { canvas: true, minScale: 1, maxScale: LARGEST_ZOOM, panOnlyWhenZoomed: true, cursor: "grab",
      touchAction: "pan-y", duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
      handleStartEvent: (event) => { if (own.panzoom.getScale() > 1) event.preventDefault(); box.focus({ preventScroll: true }); } });
    const told = () => {
      const zoom = own.panzoom.getScale(), width = frame.clientWidth;
      frame.style.setProperty("--zoom", String(zoom));
      zoomed.textContent = size && width ? `${Math.round((100 * zoom * width) / size[0])} %` : `${zoom.toFixed(1)} ×`;
      box.style.touchAction = frame.style.touchAction = zoom > 1 ? "none" : "pan-y";
      frame.querySelector(".samples-labels")?.remove();
      if (layers.length && width) frame.append(samplesPlaces.labels(layers, width, frame.clientHeight, zoom));
      samplesPlaces.refresh(frame);
    };
    frame.addEventListener("panzoomchange", told);
    const watched = new ResizeObserver(told);
    watched.observe(frame);
    box.addEventListener("wheel", (event) => {
      // Out of the whole image the wheel scrolls the page.
      if (event.deltaY < 0 || own.panzoom.getScale() > 1) own.panzoom.zoomWithWheel(event);
    }, { passive: false });
    box.addEventListener("keydown", (event) => {
      const [x, y] = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key] ?? [0, 0];
      if ((!x && !y) || event.ctrlKey || event.metaKey || event.altKey || own.panzoom.getScale() === 1) return;
      event.preventDefault();
      const zoom = own.panzoom.getScale();
      own.panzoom.pan(x / zoom, y / zoom, { relative: true });
    });
    stages.push(own);
    return () => {
      watched.disconnect();
      own.panzoom.destroy();
      stages.splice(stages.indexOf(own), 1);
    };
  }

  /** Zooms what is in sight: "in", "out" or "fit". */
  function zoom(how) {
    const panzoom = stages.at(-1)?.panzoom;
    ({ in: () => panzoom?.zoomIn(), out: () => panzoom?.zoomOut(), fit: () => panzoom?.reset() })[how]();
  }

  function enlarge(dialog, entry) {
    const close = h("button", { type: "button", on: { click: () => dialog.close() } }, "Close");
    const shown = stage(entry);
    dialog.replaceChildren(h("div", { class: "samples-dialog-bar" }, h("bdi", {}, entry.alt), close), shown.node);
    dialog.showModal();
    const leave = shown.mount();
    dialog.addEventListener("close", () => { leave?.(); dialog.replaceChildren(); }, { once: true });
    close.focus();
  }

  let leave = null;
  let next = null;

  /** Fills `root` with the images of a sample, the first of them on the stage. `entries`: {number, size, layers, alt, name}. */
  function show(root, entries, dialog) {
    const place = h("div");
    const large = h("button", { type: "button", on: { click: () => enlarge(dialog, entries[current]) } }, "Large");
    const tabs = entries.length > 1 ? h("div", { class: "samples-images", role: "group", "aria-label": "Images" },
      entries.map((entry, number) => h("button", { type: "button", "aria-pressed": "false", dataset: { image: number },
        on: { click: () => pick(number) } }, h("bdi", {}, entry.name)))) : null;
    let current = 0;
    root.replaceChildren(...[tabs, place].filter(Boolean));
    const pick = (number) => {
      leave?.();
      current = number;
      const shown = stage(entries[number]);
      shown.bar?.append(large);
      place.replaceChildren(shown.node);
      leave = shown.mount();
      tabs?.querySelectorAll("button").forEach((button, at) => button.setAttribute("aria-pressed", String(at === number)));
    };
    next = () => pick((current + 1) % entries.length);
    pick(0);
  }

  /** Nothing is shown. */
  function clear(root, ...nodes) {
    leave?.();
    leave = next = null;
    root.replaceChildren(...nodes);
  }

  return { show, clear, zoom, next: () => next?.() };
})();
