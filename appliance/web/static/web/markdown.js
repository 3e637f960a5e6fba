// Tabs to write and to preview. The server renders the preview, so it is what will be shown.
(() => {
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-markdown] [role=tab]");
    if (tab) select(tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[data-markdown] [role=tab]");
    if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const other = [...tab.parentElement.querySelectorAll("[role=tab]")].find((item) => item !== tab);
    event.preventDefault();
    other.focus();
    select(other);
  });

  function select(tab) {
    const editor = tab.closest("[data-markdown]");
    for (const item of editor.querySelectorAll("[role=tab]")) {
      const isSelected = item === tab;
      item.setAttribute("aria-selected", String(isSelected));
      item.tabIndex = isSelected ? 0 : -1;
      document.getElementById(item.getAttribute("aria-controls")).hidden = !isSelected;
    }
    const pane = document.getElementById(tab.getAttribute("aria-controls"));
    if (pane.matches("[data-preview]")) preview(editor, pane);
  }

  async function preview(editor, pane) {
    const text = editor.querySelector("textarea").value;
    const token = editor.closest("form").querySelector("[name=csrfmiddlewaretoken]").value;
    const body = new URLSearchParams({
      text,
      csrfmiddlewaretoken: token
    });
    pane.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(editor.dataset.markdown, {
        method: "POST",
        body
      });
      if (!response.ok) throw new Error(response.status);
      pane.innerHTML = await response.text(); // HTML of core/markdown.py, cleaned there
      pane.classList.remove("is-error");
    } catch {
      pane.textContent = editor.dataset.failed;
      pane.classList.add("is-error");
    }
    pane.removeAttribute("aria-busy");
  }
})();
