// Names each part that scrolls by itself, which would otherwise all be "scrollable content".
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-simplebar]").forEach((part, place) => {
    const name = part.closest("#nav-sidebar") ? "Menu" : "Scrolled part";
    part.dataset.simplebarAriaLabel = place ? `${name} ${place + 1}` : name;
  });
});
