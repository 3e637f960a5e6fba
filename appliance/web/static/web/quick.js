// The list under the search box: arrows move, Enter opens, Escape closes. The box works without it.
(() => {
  const box = () => document.querySelector("[data-quick]");
  const place = () => document.getElementById("quick");
  let chosen = "";
  const options = () => [...(place()?.querySelectorAll("[role=option]") || [])];

  // without this script it is a search field and nothing more
  const ROLE = {
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "quick",
    "aria-autocomplete": "list"
  };
  Object.entries(ROLE).forEach(([name, value]) => box()?.setAttribute(name, value));

  document.addEventListener("keydown", (event) => {
    const field = box();
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
      return mark(rows, at < 0 ? (move > 0 ? 0 : rows.length - 1) : (at + move + rows.length) % rows.length);
    }
    if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      rows[at].click();
    }
  }, true);

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== place()) return;
    if (document.activeElement !== box() || !box().value.trim()) return close();
    box().removeAttribute("aria-activedescendant");
    box().setAttribute("aria-expanded", String(options().length > 0));
    // what was marked stays so if it is still there: an answer may come just before Enter
    const kept = options().findIndex((row) => row.href === chosen);
    if (kept >= 0) mark(options(), kept);
  });
  document.addEventListener("focusout", () => setTimeout(() => {
    if (!document.activeElement?.closest(".topbar-search")) close();
  }, 150));
  document.addEventListener("input", (event) => {
    if (event.target === box() && !event.target.value.trim()) close();
  });

  function mark(rows, n) {
    rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === n)));
    box().setAttribute("aria-activedescendant", rows[n].id);
    chosen = rows[n].href;
    rows[n].scrollIntoView({
      block: "nearest"
    });
  }

  function close() {
    chosen = "";
    place()?.replaceChildren();
    box()?.removeAttribute("aria-activedescendant");
    box()?.setAttribute("aria-expanded", "false");
  }
})();
