// The suggestions under the search field: arrows move, Enter opens, Escape closes. The field works
// without this file.
(() => {
  const searchField = () => document.querySelector("[data-quick]");
  const container = () => document.getElementById("quick");
  let activeUrl = "";
  const options = () => [...(container()?.querySelectorAll("[role=option]") || [])];

  // without this script it is a plain search field
  const ATTRIBUTES = {
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "quick",
    "aria-autocomplete": "list"
  };
  Object.entries(ATTRIBUTES).forEach(([name, value]) => searchField()?.setAttribute(name, value));

  document.addEventListener("keydown", (event) => {
    const field = searchField();
    if (event.target !== field) return;
    const rows = options();
    if (event.key === "Escape" && rows.length) {
      event.preventDefault();
      return close();
    }
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
    const move = {
      ArrowDown: 1,
      ArrowUp: -1
    } [event.key];
    if (move) {
      event.preventDefault();
      return setActive(rows, at < 0 ? (move > 0 ? 0 : rows.length - 1) : (at + move + rows.length) % rows.length);
    }
    if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      rows[at].click();
    }
  }, true);

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== container()) return;
    if (document.activeElement !== searchField() || !searchField().value.trim()) return close();
    searchField().removeAttribute("aria-activedescendant");
    searchField().setAttribute("aria-expanded", String(options().length > 0));
    // the active option stays active if it is still there: a response may come just before Enter
    const index = options().findIndex((row) => row.href === activeUrl);
    if (index >= 0) setActive(options(), index);
  });
  document.addEventListener("focusout", () => setTimeout(() => {
    if (!document.activeElement?.closest(".topbar-search")) close();
  }, 150));
  document.addEventListener("input", (event) => {
    if (event.target === searchField() && !event.target.value.trim()) close();
  });

  function setActive(rows, n) {
    rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === n)));
    searchField().setAttribute("aria-activedescendant", rows[n].id);
    activeUrl = rows[n].href;
    rows[n].scrollIntoView({
      block: "nearest"
    });
  }

  function close() {
    activeUrl = "";
    container()?.replaceChildren();
    searchField()?.removeAttribute("aria-activedescendant");
    searchField()?.setAttribute("aria-expanded", "false");
  }
})();
