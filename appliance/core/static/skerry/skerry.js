// Theme, menus and forms of every page. Every page works without this file.
(() => {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-toggle]")) {
      const root = document.documentElement;
      const theme = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      root.setAttribute("data-bs-theme", theme);
      try {
        localStorage.setItem("theme", theme);
      } catch {
        /* private window: the choice lasts for this page */
      }
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // Enter in a field of one line does not submit a form that has a text area, or data-by-button: what
  // it sends would be half written. Scripts see it as prevented, so this comes before them.
  document.addEventListener("keydown", (event) => {
    const form = event.key === "Enter" && event.target.matches?.("input") && event.target.form;
    if (!form || form.method !== "post" || event.target.matches("[type=submit], [type=file]")) return;
    if (form.matches("[data-by-button]") || form.querySelector("textarea")) event.preventDefault();
  }, true);

  // Paper is light.
  let themeOnScreen = "";
  window.addEventListener("beforeprint", () => {
    themeOnScreen = document.documentElement.getAttribute("data-bs-theme");
    document.documentElement.setAttribute("data-bs-theme", "light");
  });
  window.addEventListener("afterprint", () => document.documentElement.setAttribute("data-bs-theme", themeOnScreen));

  // Do not send a form twice after a double click. htmx handles its own requests.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.closest("[hx-post]")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
    });
  });

  // Do not poll while the page is hidden.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.matches("[data-poll]")) event.preventDefault();
  });
})();
