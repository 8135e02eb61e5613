"use strict";
// A click on a column's title sorts by it: numbers by size, texts by letters, gaps last.
function sortBy(table, column, falling) {
  const body = table.tBodies[0];
  const key = (row) => {
    const cell = row.cells[column];
    return "order" in cell.dataset ? Number(cell.dataset.order) : cell.textContent;
  };
  const isGap = (value) => value === "-" || Number.isNaN(value);
  const compare = (one, other) => {
    const a = key(one), b = key(other);
    if (isGap(a) || isGap(b)) return Number(isGap(a)) - Number(isGap(b));
    const order = typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), "en", { numeric: true });
    return falling ? -order : order;
  };
  body.append(...Array.from(body.rows).sort(compare));
}
for (const table of document.querySelectorAll("table")) {
  const titles = Array.from(table.tHead.rows[0].cells);
  titles.forEach((title, column) => title.querySelector("button").addEventListener("click", () => {
    const falling = title.getAttribute("aria-sort") === "ascending";
    for (const other of titles) other.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", falling ? "descending" : "ascending");
    sortBy(table, column, falling);
  }));
}
