"use strict";
/* Markdown and LaTeX of data sets and models as nodes.

   The text is hostile: HTML in it is shown as text, links and images are shown with their address and lead nowhere,
   and whatever marked and Temml make of the rest goes through DOMPurify before it enters the page. */
const rich = (() => {
  /** Longer texts stay as they are: nobody reads them typeset, and a parser's time would grow with them. */
  const LIMIT = 50000;
  const MATHS = /^(?:\$\$([^]+?)\$\$|\\\[([^]+?)\\\]|\\\(([^]+?)\\\)|\$(?![\s$])((?:\\.|[^\\$\n])+?)(?<!\s)\$(?!\d))/;
  const escaped = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

  function maths(source, display) {
    try {
      const markup = temml.renderToString(source, { displayMode: display, throwOnError: true, trust: false, maxSize: [20, 20], maxExpand: 100 });
      return markup.replace(/ style="[^"]*"/g, ""); // the page's policy refuses style attributes
    } catch {
      return `<code>${escaped(source)}</code>`;
    }
  }

  const extension = (level, starts) => ({
    name: `maths-${level}`,
    level,
    start: (text) => { const at = text.search(starts); return at < 0 ? undefined : at; },
    tokenizer(text) {
      const found = MATHS.exec(text);
      if (!found || (level === "block" && (found[1] ?? found[2]) === undefined)) return undefined;
      const display = found[1] ?? found[2];
      return { type: `maths-${level}`, raw: found[0], source: display ?? found[3] ?? found[4], display: display !== undefined };
    },
    renderer: (token) => maths(token.source, token.display),
  });

  let parser = null;
  function parse(text) {
    if (!parser) {
      parser = new marked.Marked({ gfm: true, breaks: true, async: false });
      parser.use({
        extensions: [extension("block", /\$\$|\\\[/), extension("inline", /\$|\\[([]/)],
        renderer: {
          html: ({ text: source }) => escaped(source),
          heading({ tokens }) { return `<p><strong>${this.parser.parseInline(tokens)}</strong></p>`; }, // the page's outline is its own
          link({ href, tokens }) { return `${this.parser.parseInline(tokens)} <code>${escaped(href)}</code>`; },
          image: ({ href, text: alt }) => `${escaped(alt)} <code>${escaped(href)}</code>`,
        },
      });
    }
    return parser.parse(text);
  }

  /** A fragment of the text, typeset; null where it is too long or cannot be read. */
  function render(text) {
    if (text.length > LIMIT) return null;
    let html;
    try { html = parse(text); } catch { return null; }
    return DOMPurify.sanitize(html, {
      USE_PROFILES: { html: true, mathMl: true },
      FORBID_TAGS: ["style", "img", "a", "form", "input", "button", "svg", "video", "audio", "source", "picture", "area", "map"],
      FORBID_ATTR: ["style", "id", "name", "href", "src", "srcset", "action", "background", "xlink:href"],
      ALLOW_DATA_ATTR: false,
      RETURN_DOM_FRAGMENT: true,
    });
  }
  return { render };
})();
