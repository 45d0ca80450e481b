// A bar of a chart leads to the list of its day.
"use strict";

const barAt = (event) => {
  const chart = window.Chart.getChart(event.target);
  return chart?.getElementsAtEventForMode(event, "nearest", { intersect: true }, true)[0];
};

for (const box of document.querySelectorAll(".front-chart")) {
  const links = JSON.parse(box.dataset.links);
  const days = JSON.parse(box.dataset.days);
  box.addEventListener("mousemove", (event) => {
    box.classList.toggle("is-linked", Boolean(barAt(event)));
  });
  box.addEventListener("click", (event) => {
    const bar = barAt(event);
    if (bar) {
      window.location.href = links[bar.datasetIndex].replaceAll("DAY", days[bar.index]);
    }
  });
}
