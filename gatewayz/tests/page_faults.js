// What no page of the desk may have, asked of the document that is open: one sentence a fault.
async () => {
  const faults = [];
  // What follows the size of the window, like a chart, does so in the next frame.
  await new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(ready)));
  const all = (selector) => [...document.querySelectorAll(selector)];
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true });
  const shown = (selector) => all(selector).filter(isShown);
  const outline = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 160);

  const headings = shown("h1").map((heading) => heading.innerText.trim());
  if (headings.length !== 1 || !headings[0]) faults.push(`headings: ${JSON.stringify(headings)}`);
  if (!document.title.trim()) faults.push("no title");

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    faults.push(`${root.scrollWidth} pixels wide in a window of ${root.clientWidth}`);
  }

  const slips = /\bNone\b|\{[{%]|\bnan\b|\bNaN\b|undefined|\bnull\b|Traceback|\w object \(\d/;
  const quoted = shown("pre, .desk-wrapped").map((body) => body.innerText);
  const said = quoted.reduce((text, body) => text.replace(body, ""), document.body.innerText);
  const slip = slips.exec(`${document.title}\n${said}`);
  if (slip) faults.push(`says ${slip[0]}: ${slip.input.substr(slip.index - 40, 90)}`);

  const ids = all("[id]").map((element) => element.id);
  const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
  if (twice.length) faults.push(`ids that come twice: ${[...new Set(twice)]}`);

  const labelOf = (field) => field.getAttribute("aria-label") || field.labels?.length
    || field.getAttribute("aria-labelledby");
  for (const field of shown("input:not([type=hidden]):not([type=submit]), select, textarea")) {
    if (!labelOf(field)) faults.push(`no label: ${outline(field)}`);
  }

  const nameOf = (element) => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("[class*=material-symbols]").forEach((icon) => icon.remove());
    return element.getAttribute("aria-label") || element.title || copy.textContent.trim()
      || element.value || element.querySelector("[title], img[alt], svg[aria-label]");
  };
  for (const element of shown("a[href], button, [role=button], input[type=submit]")) {
    if (!nameOf(element)) faults.push(`no name: ${outline(element)}`);
  }
  for (const picture of shown("img:not([alt])")) faults.push(`no alt: ${outline(picture)}`);
  return faults;
}
