"use strict";
(() => {
  const table = document.querySelector("table.sortable");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const search = document.getElementById("search");
  const filters = [...document.querySelectorAll("select[data-filter]")];
  const count = document.getElementById("count");

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const fits =
        words.every((word) => texts.get(row).includes(word)) &&
        filters.every(({ value, dataset }) => value === "" || row.dataset[dataset.filter] === value);
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${rows.length}`;
  };
  search.addEventListener("input", show);
  for (const filter of filters) filter.addEventListener("change", show);

  const key = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  for (const button of table.querySelectorAll("th button")) {
    const heading = button.closest("th");
    button.addEventListener("click", () => {
      const descends = heading.getAttribute("aria-sort") === "ascending";
      for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", descends ? "descending" : "ascending");
      const column = heading.cellIndex;
      rows.sort((a, b) => compare(key(a, column), key(b, column)) * (descends ? -1 : 1));
      body.append(...rows);
    });
  }

  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
