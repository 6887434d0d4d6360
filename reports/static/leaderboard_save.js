"use strict";
/* Saves a figure as SVG or PNG: title, legend and pictures in one drawing that needs no style of the page.

   A PNG is the SVG drawn on a canvas through a data: address, which the page's policy allows for images. */
const saveButtons = (() => {
  const { h, svg } = harness;
  const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "stroke-linejoin", "opacity",
    "paint-order", "font-size", "font-weight", "text-anchor"];
  const [PAD, LINE, SCALE] = [16, 20, 2];

  /** A copy of an element with what styles make of it as attributes. */
  function plain(node) {
    const copy = node.cloneNode(true);
    const copies = [copy, ...copy.querySelectorAll("*")];
    [node, ...node.querySelectorAll("*")].forEach((each, place) => {
      const [made, style] = [copies[place], getComputedStyle(each)];
      made.removeAttribute("style");
      made.removeAttribute("class");
      if (each.tagName !== "title") for (const name of STYLES) made.setAttribute(name, style.getPropertyValue(name));
    });
    return copy;
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return { paper: style.backgroundColor, ink: style.color };
  }

  /** Marks and names from left to right, a new line where one is full; and where the last line ends. */
  function legend(figure, runs, names, width, top, ink) {
    const parts = [];
    let [x, y] = [0, top];
    for (const run of runs) {
      const [name, w] = [names[run].name, 26 + 6.8 * names[run].name.length];
      if (x > 0 && x + w > width) { x = 0; y += LINE; }
      const mark = plain(figure.ownerDocument.querySelector(`.lb-legend [data-lit="${run}"] .mark`));
      mark.setAttribute("transform", `translate(${x + 6} ${y})`);
      parts.push(mark, svg("text", { x: x + 16, y: y + 4, "font-size": 12, fill: ink }, name));
      x += w;
    }
    return { parts, bottom: runs.length ? y + LINE : top };
  }

  /** The figure as one SVG element. */
  function drawing(figure, title, runs, names) {
    const pictures = [...figure.querySelectorAll("svg[role=img]")];
    const boxes = pictures.map((picture) => picture.getBoundingClientRect());
    const [left, top] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
    const width = Math.max(...boxes.map((box) => box.right)) - left;
    const { paper, ink } = colours();
    const { parts, bottom } = legend(figure, runs.length > 1 ? runs : [], names, width, 34, ink);
    const height = bottom + Math.max(...boxes.map((box) => box.bottom)) - top;
    const copies = pictures.map((picture, place) => svg("g", { transform: `translate(${boxes[place].left - left} ${bottom + boxes[place].top - top})` }, [...plain(picture).childNodes]));
    const [w, all] = [Math.ceil(width + 2 * PAD), Math.ceil(height + 2 * PAD)];
    return svg("svg", { width: w, height: all, viewBox: `0 0 ${w} ${all}`, "font-family": "Inter, system-ui, sans-serif" },
      svg("rect", { width: w, height: all, fill: paper }),
      svg("g", { transform: `translate(${PAD} ${PAD})` }, svg("text", { x: 0, y: 14, "font-size": 16, "font-weight": 600, fill: ink }, title), parts, copies));
  }

  async function png(made, text) {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    const canvas = h("canvas", { width: SCALE * made.getAttribute("width"), height: SCALE * made.getAttribute("height") });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  async function save(figure, title, runs, names, kind) {
    const made = drawing(figure, title, runs, names);
    const text = new XMLSerializer().serializeToString(made);
    const blob = kind === "png" ? await png(made, text) : new Blob([text], { type: "image/svg+xml" });
    const link = h("a", { href: URL.createObjectURL(blob), download: `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}.${kind}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /** Two buttons that save the figure that `figure()` gives; `runs` are in its legend, `names[run].name` their names. */
  return (figure, title, runs, names) => h("span", { class: "lb-save", role: "group", "aria-label": `Save ${title}` }, ["svg", "png"].map((kind) =>
    h("button", { type: "button", "aria-label": `Save ${title} as ${kind.toUpperCase()}`, on: { click: () => save(figure(), title, runs, names, kind) } }, kind.toUpperCase())));
})();
