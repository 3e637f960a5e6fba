// The ticket list: ticks, scroll position and folds stay while the list is polled every few
// seconds. Every page works without this file.
(() => {
  const ticked = new Set();
  const checkboxes = () => [...document.querySelectorAll("#live input[name=ticket]")];
  const live = () => document.getElementById("live");
  const countText = (element, n) => (n === 1 ? element.dataset.one : element.dataset.many.replace("%s", n));

  // --- ticks

  function saveTicks() {
    for (const checkbox of checkboxes()) ticked[checkbox.checked ? "add" : "delete"](checkbox.value);
    showCount();
  }

  function restoreTicks() {
    const present = checkboxes();
    const values = new Set(present.map((checkbox) => checkbox.value));
    for (const value of ticked)
      if (!values.has(value)) ticked.delete(value);
    for (const checkbox of present) checkbox.checked = ticked.has(checkbox.value);
    showCount();
  }

  function showCount() {
    const form = document.getElementById("bulk");
    if (!form) return;
    const isAll = form.elements.select_all?.checked;
    form.classList.toggle("is-on", ticked.size > 0 || isAll || Boolean(form.querySelector("[role=alert]")));
    const count = form.querySelector(".bulk-count");
    const text = ticked.size && !isAll ? countText(form, ticked.size) : "";
    if (count && text && count.textContent !== text) count.textContent = text;
    showSuggestions(form, isAll);
    const selectPage = document.getElementById("choose-page");
    if (!selectPage) return;
    selectPage.checked = ticked.size > 0 && ticked.size === checkboxes().length;
    selectPage.indeterminate = ticked.size > 0 && !selectPage.checked;
  }

  function showSuggestions(form, isAll) { // how many of the ticked tickets have a suggested category
    const button = form.querySelector(".bulk-confirm");
    const guesses = checkboxes().filter((checkbox) => checkbox.checked && checkbox.closest("tr").querySelector(".guess"));
    button.hidden = !isAll && !guesses.length;
    button.dataset.plain ??= button.textContent;
    button.textContent = isAll ? button.dataset.plain : countText(button, guesses.length);
  }

  let last = null;
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest?.("[data-choose-none]")) return clearSelection();
    if (!target.matches?.("#live input[name=ticket]")) return;
    const all = checkboxes();
    const from = all.findIndex((checkbox) => checkbox.value === last);
    const to = all.indexOf(target);
    if (event.shiftKey && from >= 0) { // everything between the two
      for (const checkbox of all.slice(Math.min(from, to), Math.max(from, to) + 1)) checkbox.checked = target.checked;
      saveTicks();
    }
    last = target.value;
  });

  function clearSelection() {
    const form = document.getElementById("bulk");
    if (form.elements.select_all) form.elements.select_all.checked = false;
    for (const checkbox of checkboxes()) checkbox.checked = false;
    for (const alert of form.querySelectorAll("[role=alert]")) alert.remove();
    saveTicks();
    document.querySelector("#live a[data-keys-open]")?.focus();
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "choose-page") {
      for (const checkbox of checkboxes()) checkbox.checked = event.target.checked;
      saveTicks();
    } else if (event.target.matches("#live input[name=ticket], #bulk input[name=select_all]")) saveTicks();
  });

  // --- polling: only while the page is visible, and without moving what is read

  let shownIds = new Set(),
    openMenu = null,
    anchor = null;
  const rows = () => [...document.querySelectorAll("#live tr[id]")];
  const isList = (event) => event.detail.target?.id === "live" || event.detail.elt?.id === "live";

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "live" && document.hidden) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && live()) window.htmx?.trigger(live(), "look");
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isList(event) || !event.detail.shouldSwap) return;
    saveTicks();
    shownIds = new Set(rows().map((row) => row.id));
    openMenu = document.querySelector("#live .guess-menu[open]")?.id;
    const top = rows().find((row) => row.getBoundingClientRect().bottom > 0);
    anchor = top && scrollY > 0 ? {
      id: top.id,
      top: top.getBoundingClientRect().top
    } : null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isList(event)) return;
    restoreTicks();
    restoreFolds();
    if (openMenu) document.getElementById(openMenu)?.setAttribute("open", "");
    const row = anchor && document.getElementById(anchor.id);
    if (row) scrollBy({
      top: row.getBoundingClientRect().top - anchor.top,
      behavior: "instant"
    });
    announceNew(rows().filter((row) => !shownIds.has(row.id)).length);
  });

  function announceNew(count) {
    const news = document.getElementById("list-news");
    if (news && count && shownIds.size) news.textContent = countText(news, count);
  }

  // --- the menu with further categories closes like any other

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".guess-menu[open]"))
      if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest?.(".guess-menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // --- folds of the queues

  const key = "folds";
  const storedFolds = () => {
    try {
      return JSON.parse(localStorage.getItem(key)) || {};
    } catch {
      return {};
    }
  };

  function restoreFolds() {
    const folds = storedFolds();
    for (const section of document.querySelectorAll("[data-fold]")) {
      const name = section.dataset.fold;
      if (name in folds && !section.querySelector("[aria-current]")) section.open = folds[name];
    }
  }
  document.addEventListener("click", (event) => {
    const section = event.target.closest?.("summary")?.parentElement;
    if (!section?.dataset.fold) return;
    try {
      localStorage.setItem(key, JSON.stringify({
        ...storedFolds(),
        [section.dataset.fold]: !section.open
      }));
    } catch {
      // in a private window nothing is stored
    }
  });

  // --- the minute in which a bulk edit can be undone

  function limitUndo() {
    for (const form of document.querySelectorAll(".undo[data-seconds]")) {
      setTimeout(() => form.remove(), Number(form.dataset.seconds) * 1000);
      form.removeAttribute("data-seconds");
    }
  }
  document.addEventListener("htmx:afterSettle", limitUndo);

  // Back on a page from the browser's cache: a new bulk edit needs a new key.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    const field = document.querySelector("#bulk [name=idempotency_key]");
    if (field) field.value = newKey();
    if (live()) window.htmx?.trigger(live(), "look");
  });

  function newKey() { // randomUUID is there only over TLS
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  saveTicks();
  restoreFolds();
  limitUndo();
})();
