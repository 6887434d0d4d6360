"use strict";
/* The list of runs of `harness view`: choose several for one report, find one by name; kept up to date. */
harness.section("runs", {
  start(root) {
    const open = root.querySelector("[data-open]");
    const filter = root.querySelector("[data-filter]");
    const chosen = new Set();
    const rows = () => [...root.querySelectorAll("tbody tr")];

    function update() {
      const wanted = filter.value.trim().toLowerCase();
      const there = new Set();
      for (const row of rows()) {
        const box = row.querySelector("input");
        if (box) { there.add(box.value); box.checked = chosen.has(box.value); }
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
      }
      for (const name of chosen) if (!there.has(name)) chosen.delete(name);
      open.disabled = !chosen.size;
      open.textContent = chosen.size > 1 ? `One report of the ${chosen.size} ticked runs` : "Report of the ticked runs";
    }

    root.addEventListener("change", ({ target }) => {
      if (target.type !== "checkbox") return;
      if (target.checked) chosen.add(target.value); else chosen.delete(target.value);
      update();
    });
    open.addEventListener("click", () => { location.assign(`/report/${[...chosen].join(",")}/`); });
    filter.addEventListener("input", update);
    update();
    live.follow("/runs.json", (found) => { live.replace(root, found.html); update(); }, root.querySelector("[data-live-status]"));
  },
});
