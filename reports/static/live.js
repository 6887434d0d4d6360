"use strict";
/* Keeps a page that `harness view` serves up to date: asks the server for what is new and puts it in its place. */
const live = (() => {
  const SECONDS = 5;

  /** What the server's markup holds, as nodes: DOMPurify is the one policy that the page has for markup. */
  const nodes = (html) => DOMPurify.sanitize(html, { USE_PROFILES: { html: true, svg: true }, RETURN_DOM_FRAGMENT: true });

  /** Put each `[data-live]` of the markup in the place of that in `root`; what is unfolded, scrolled or focused stays so. */
  function replace(root, html) {
    for (const fresh of nodes(html).querySelectorAll("[data-live]")) {
      const old = root.querySelector(`[data-live="${fresh.dataset.live}"]`);
      if (!old || old.innerHTML === fresh.innerHTML) continue;
      const all = (selector) => [...old.querySelectorAll(selector)];
      const open = all("details").map((details) => details.open);
      const scrolled = all(".scroll").map((box) => box.scrollLeft);
      const focusable = "a, button, input, summary, [tabindex]";
      const focused = all(focusable).indexOf(document.activeElement);
      old.replaceChildren(...fresh.childNodes);
      all("details").forEach((details, place) => { details.open = open[place] ?? false; });
      all(".scroll").forEach((box, place) => { box.scrollLeft = scrolled[place] ?? 0; });
      if (focused >= 0) all(focusable)[focused]?.focus({ preventScroll: true });
    }
  }

  /** Ask an address for JSON every few seconds while the page is visible; `update` gets what is new, `status` says how it goes. */
  function follow(address, update, status) {
    let tag = null;
    status.hidden = false;
    const say = (text) => { if (status.textContent !== text) status.textContent = text; };
    async function ask() {
      if (!document.hidden) {
        let answer = null, text = "";
        try {
          answer = await fetch(address, { cache: "no-store", headers: tag ? { "If-None-Match": tag } : {} });
          text = await answer.text();
        } catch { answer = null; }
        if (answer?.status === 200) { tag = answer.headers.get("ETag"); update(JSON.parse(text)); }
        if (answer === null) say("harness view does not answer: this is what it last sent");
        else if (answer.status === 200 || answer.status === 304) say(`Live: updated every ${SECONDS} seconds`);
        else say(`Not up to date: ${text.trim()}`);
      }
      setTimeout(ask, SECONDS * 1000);
    }
    ask();
  }
  return { follow, replace };
})();
