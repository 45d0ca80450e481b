// What the pages can do beyond HTML. Each control is `hidden` until this script, which can serve it,
// shows it; without it every page works.

// <button data-copy="ID" hidden>: copies the text of the element with that id.
for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = "Copied";
    } catch {
      // Over plain HTTP, or when the browser asks and the answer is no.
      getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = label; }, 2500);
  });
}

// <button data-share="URL" data-share-text="…" hidden>: the device's own way to share.
for (const button of document.querySelectorAll("[data-share]")) {
  button.hidden = !navigator.share;
  button.addEventListener("click", () => {
    const { share: url, shareText: text } = button.dataset;
    navigator.share({ url, text }).catch(() => {}); // the person closed it
  });
}

// <form data-once>: a second click does not send it again.
for (const form of document.querySelectorAll("form[data-once]")) {
  const setDisabled = (isDisabled) => {
    for (const button of form.querySelectorAll("button")) button.disabled = isDisabled;
  };
  form.addEventListener("submit", () => setTimeout(setDisabled, 0, true));
  // The page may come back from the browser's history as it was left.
  addEventListener("pageshow", () => setDisabled(false));
}
