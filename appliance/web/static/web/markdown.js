// Write and preview. The preview comes from the desk, so it is what will be shown.
(() => {
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-markdown] [role=tab]");
    if (tab) choose(tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[data-markdown] [role=tab]");
    if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const other = [...tab.parentElement.querySelectorAll("[role=tab]")].find((one) => one !== tab);
    event.preventDefault();
    other.focus();
    choose(other);
  });

  function choose(tab) {
    const box = tab.closest("[data-markdown]");
    for (const one of box.querySelectorAll("[role=tab]")) {
      const chosen = one === tab;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = !chosen;
    }
    const pane = document.getElementById(tab.getAttribute("aria-controls"));
    if (pane.matches("[data-preview]")) preview(box, pane);
  }

  async function preview(box, pane) {
    const text = box.querySelector("textarea").value;
    const token = box.closest("form").querySelector("[name=csrfmiddlewaretoken]").value;
    const body = new URLSearchParams({
      text,
      csrfmiddlewaretoken: token
    });
    pane.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(box.dataset.markdown, {
        method: "POST",
        body
      });
      if (!answer.ok) throw new Error(answer.status);
      pane.innerHTML = await answer.text(); // HTML of core/markdown.py, cleaned there
    } catch {
      pane.textContent = box.dataset.failed;
    }
    pane.removeAttribute("aria-busy");
  }
})();
