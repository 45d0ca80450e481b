// What screen readers need of parts that libraries make: names that differ, and roles.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-simplebar]").forEach((part, place) => {
    const name = part.closest("#nav-sidebar") ? "Menu" : "Scrolled part";
    part.dataset.simplebarAriaLabel = place ? `${name} ${place + 1}` : name;
  });
});

// Django makes the boxes of permissions when the page has loaded.
addEventListener("load", () => setTimeout(() => {
  for (const icon of document.querySelectorAll(".help-tooltip[aria-label]")) {
    icon.setAttribute("role", "img");
  }
}));
