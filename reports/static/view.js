"use strict";
/* The list of runs of `harness view`: choose several for one report, find one by name. */
harness.section("runs", {
  start(root) {
    const open = root.querySelector("[data-open]");
    const rows = [...root.querySelectorAll("tbody tr")];
    const chosen = () => rows.flatMap((row) => {
      const box = row.querySelector("input");
      return box?.checked ? [box.value] : [];
    });
    const update = () => {
      const count = chosen().length;
      open.disabled = !count;
      open.textContent = count > 1 ? `One report of the ${count} ticked` : "Report of those ticked";
    };
    root.querySelector("tbody").addEventListener("change", update);
    open.addEventListener("click", () => { location.assign(`/report/${chosen().join(",")}/`); });
    root.querySelector("[data-filter]").addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
    update();
  },
});
