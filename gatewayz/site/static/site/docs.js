// Readers are told levels of headings without a gap, and what the part above the operations is.
"use strict";

const ATTRIBUTES = {
  ".information-container": { role: "region", "aria-label": "About this API" },
  ".scheme-container": { role: "region", "aria-label": "Servers and keys" },
  "h3.opblock-tag, section.models > h4": { role: "heading", "aria-level": 2 },
  ".opblock-tag-section h4": { role: "heading", "aria-level": 3 },
  ".opblock-tag-section h5": { role: "heading", "aria-level": 4 },
};
new MutationObserver(() => {
  for (const [selector, attributes] of Object.entries(ATTRIBUTES)) {
    for (const element of document.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) {
        if (!element.hasAttribute(name)) element.setAttribute(name, value);
      }
    }
  }
}).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
