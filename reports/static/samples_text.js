"use strict";
/* Texts of data sets and models: typeset through rich.js or as they are, `<image 1>` as a chip, to be copied. */
const samplesText = (() => {
  const { h } = harness;
  /** Stand for `<image 1>` while Markdown is read, which would take it for HTML. */
  const OPEN = "\ue000", SHUT = "\ue001";
  const CHIP = /<image(?:[ _]?(\d{1,3}))?>/gi;
  const MARKED = new RegExp(`${OPEN}(\\d*)${SHUT}`, "g");
  /** Characters of a text that are laid out at once. */
  const LONG = 50000;
  /** Whether texts are shown as they are. */
  let raw = false;

  /** Text with its control characters made visible. */
  const foreign = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g,
    (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)));
  /** Text that keeps its own direction. */
  const bdi = (text, attributes) => h("bdi", attributes, foreign(text));

  const chip = (number) => h("span", { class: "samples-chip" }, number ? `image ${number}` : "image");

  /** Puts chips where a tree of nodes has the marks of `<image 1>`. */
  function withChips(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) if (walker.currentNode.data.includes(OPEN)) found.push(walker.currentNode);
    for (const node of found) {
      const pieces = node.data.split(MARKED); // text and numbers by turns
      node.replaceWith(...pieces.map((piece, place) => (place % 2 ? chip(piece) : piece)).filter((piece) => piece !== ""));
    }
    return root;
  }

  /** A text as it is; of a very long one the beginning, until all of it is wanted. */
  function plain(text, attributes) {
    const shown = foreign(text.replace(/^\n+/, ""));
    const more = shown.length > LONG ? h("button", { type: "button", class: "samples-more",
      on: { click: () => more.replaceWith(shown.slice(LONG)) } }, `Show all ${shown.length.toLocaleString("en")} characters`) : null;
    return h("pre", { dir: "auto", ...attributes }, shown.slice(0, LONG), more);
  }

  /** A text, typeset unless texts are wanted raw or it cannot be. */
  function passage(text, attributes) {
    const typeset = raw ? null : rich.render(foreign(text.trim()).replace(CHIP, `${OPEN}$1${SHUT}`));
    if (!typeset) return plain(text, attributes);
    return h("div", { dir: "auto", ...attributes, class: `samples-prose ${attributes?.class ?? ""}` }, withChips(typeset));
  }

  /** The parts of a prompt in order: texts as they are sent, images as chips. */
  const prompt = (parts, attributes) => h("pre", { dir: "auto", ...attributes },
    parts.map((part) => (typeof part === "number" ? [chip(part + 1), "\n"] : `${foreign(part)}\n`)));

  /** A button that copies a text. */
  function copyButton(text, what) {
    const button = h("button", { type: "button", class: "samples-copy", "aria-label": `Copy ${what}`, on: { click: async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch { // the browser does not allow it
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    } } }, "Copy");
    return button;
  }

  /** A part that is made when it is first opened. */
  function folded(title, make) {
    const summary = h("summary", {}, title), details = h("details", {}, summary);
    const fill = () => { if (details.children.length === 1) details.append(make()); };
    summary.addEventListener("click", fill);
    details.addEventListener("toggle", () => { if (details.open) fill(); }); // a search in the page opens it too
    return details;
  }

  return { foreign, bdi, passage, plain, prompt, copyButton, folded, get raw() { return raw; }, set raw(wanted) { raw = wanted; } };
})();
