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

  // An address copied from a chat or a page may hold what cannot be seen, for which a browser refuses it.
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("input[type=email]")) return;
    const visible = event.target.value.replace(/[\p{Cf}\u034f\u2800\u3164]/gu, "");
    if (visible !== event.target.value) event.target.value = visible;
  });

  // Paper is light.
  let themeOnScreen = "";
  window.addEventListener("beforeprint", () => {
    themeOnScreen = document.documentElement.getAttribute("data-bs-theme");
    document.documentElement.setAttribute("data-bs-theme", "light");
  });
  window.addEventListener("afterprint", () => document.documentElement.setAttribute("data-bs-theme", themeOnScreen));

  // A form is sent once: its button shows that it works until the page is left, or until the answer came
  // to htmx. A download leaves no page and tells nothing, so the button comes back after a while.
  const MAX_BUSY = 15_000; // milliseconds

  function setBusy(form, submitter) {
    const button = submitter || form.querySelector("button[type=submit]:not([form], [hidden])");
    button?.classList.add("is-busy");
    button?.setAttribute("aria-disabled", "true");
    setTimeout(() => setReady(form), MAX_BUSY);
  }

  function setReady(form) {
    delete form.dataset.sent;
    for (const button of document.querySelectorAll(".is-busy")) {
      if (button.form !== form) continue;
      button.classList.remove("is-busy");
      button.removeAttribute("aria-disabled");
    }
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.matches("[data-autosave]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return event.stopImmediatePropagation();
    }
    form.dataset.sent = "yes";
    setTimeout(() => { // by now it is known whether another script has stopped it
      if (event.defaultPrevented && !form.matches("[hx-post]")) delete form.dataset.sent;
      else setBusy(form, event.submitter);
    });
  }, true);
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest("form");
    if (form) setReady(form);
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) setReady(form);
  });

  // Do not poll while the page is hidden.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.matches("[data-poll]")) event.preventDefault();
  });
})();
