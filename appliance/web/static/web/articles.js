// Warns before the page of an article with unsaved changes is left.
(() => {
  const form = document.querySelector("[data-warn-unsaved]");
  if (!form) return;
  let unsaved = form.hasAttribute("data-unsaved");
  form.addEventListener("input", () => {
    unsaved = true;
  });
  form.addEventListener("submit", () => {
    unsaved = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
})();
