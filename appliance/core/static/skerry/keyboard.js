// Keyboard shortcuts. A page declares them on its elements (data-key, data-keys-list), and `?` lists
// these, so the list is always correct. Every page works without this file.
(() => {
  const PAUSE = 1200; // milliseconds between the two keys of "g o"
  const isTyping = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const isOff = () => {
    try {
      return localStorage.getItem("keys") === "off";
    } catch {
      return false;
    }
  };
  const isAvailable = (element) => !element.disabled && !element.closest("[hidden], template");
  let firstKey = "",
    firstKeyAt = 0;

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return closeMenus(event);
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") {
      event.preventDefault();
      return showKeys();
    }
    if (isOff()) return;
    const prefix = performance.now() - firstKeyAt < PAUSE ? firstKey : "";
    firstKey = "";
    if (prefix && press(`${prefix} ${event.key}`)) return event.preventDefault();
    if (startsSequence(event.key)) {
      firstKey = event.key;
      firstKeyAt = performance.now();
      return;
    }
    if (press(event.key) || handleListKey(event.key)) event.preventDefault();
  });

  const shortcutElements = () => [...document.querySelectorAll("[data-key]")].filter(isAvailable);
  const startsSequence = (key) => shortcutElements().some((element) => element.dataset.key.startsWith(`${key} `));

  function press(key) {
    const element = shortcutElements().find((item) => item.dataset.key === key);
    if (!element) return false;
    for (let details = element.closest("details"); details; details = details.parentElement.closest("details")) {
      if (!element.matches("summary")) details.open = true;
    }
    element.focus({
      preventScroll: false
    });
    if (!isTyping(element)) element.click();
    document.getElementById(element.dataset.thenFocus)?.focus(); // now, because the next key is text
    return true;
  }

  // Lists: j and k move, o and Enter open, x selects.
  function handleListKey(key) {
    const rows = [...document.querySelectorAll("[data-keys-list] [data-keys-item]")].filter(isAvailable);
    if (!rows.length) return false;
    const index = rows.findIndex((row) => row.contains(document.activeElement));
    if (key === "j" || key === "k") {
      const next = index < 0 ? lastRowIndex(rows) : Math.min(rows.length - 1, Math.max(0, index + (key === "j" ? 1 : -1)));
      return focusRow(rows[next]);
    }
    if (index < 0) return false;
    if (key === "o") {
      target(rows[index])?.click();
      return true;
    }
    if (key === "x") {
      const checkbox = rows[index].querySelector("input[type=checkbox]");
      checkbox?.click();
      return Boolean(checkbox);
    }
    return false;
  }

  const target = (row) => row.querySelector("[data-keys-open]") || row.querySelector("a[href], button") || row;
  let lastRowId = "";
  const lastRowIndex = (rows) => Math.max(0, rows.findIndex((row) => row.id && row.id === lastRowId));

  function focusRow(row) {
    lastRowId = row.id;
    target(row).focus();
    row.scrollIntoView({
      block: "nearest"
    });
    return true;
  }
  // Restore the focus after htmx has replaced a list.
  let focusedRowId = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    const row = document.activeElement?.closest?.("[data-keys-item]");
    focusedRowId = row && event.detail.target.contains(row) ? row.id : "";
  });
  document.addEventListener("htmx:afterSettle", () => {
    const row = focusedRowId && document.getElementById(focusedRowId);
    if (row && document.activeElement === document.body) target(row).focus({
      preventScroll: true
    });
    focusedRowId = "";
  });

  function closeMenus(event) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
    if (isTyping(event.target) && !event.defaultPrevented) event.target.blur();
  }

  // The dialog is a template, so that its texts are translated; the rows come from the page.
  function showKeys() {
    const dialog = document.getElementById("keys");
    if (!dialog || dialog.open) return;
    const groups = new Map();
    const add = (group, keys, label) => {
      const name = group || dialog.dataset.page;
      if (!groups.has(name)) groups.set(name, new Map());
      if (!groups.get(name).has(keys)) groups.get(name).set(keys, label);
    };
    const groupOf = (element) => element.closest("[data-key-group]")?.dataset.keyGroup ||
      (element.closest(".topbar") ? dialog.dataset.everywhere : "");
    for (const element of shortcutElements()) add(groupOf(element), element.dataset.key, labelOf(element));
    for (const element of document.querySelectorAll("[data-key-shown]")) {
      if (!isAvailable(element)) continue;
      add(groupOf(element), element.dataset.keyShown, element.dataset.keyShownLabel || labelOf(element));
    }
    for (const list of document.querySelectorAll("[data-keys-list]")) {
      if (!list.querySelector("[data-keys-item]")) continue;
      add(list.dataset.keysList, "j", dialog.dataset.next);
      add(list.dataset.keysList, "k", dialog.dataset.previous);
      add(list.dataset.keysList, "o", dialog.dataset.open);
      if (list.querySelector("[data-keys-item] input[type=checkbox]")) add(list.dataset.keysList, "x", dialog.dataset.choose);
    }
    add(dialog.dataset.everywhere, "?", dialog.dataset.these);
    add(dialog.dataset.everywhere, "Esc", dialog.dataset.leave);
    dialog.querySelector("[data-keys-table]").replaceChildren(...[...groups].map(section));
    dialog.querySelector("[data-keys-switch]").checked = !isOff();
    dialog.showModal();
  }

  const labelOf = (element) =>
    (element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent || "").trim().replace(/\s+/g, " ");

  function section([name, rows]) {
    const part = document.createElement("section");
    const heading = document.createElement("h3");
    heading.textContent = name;
    const list = document.createElement("dl");
    for (const [keys, label] of rows) {
      const term = document.createElement("dt");
      for (const key of keys.split(" ")) {
        const cap = document.createElement("kbd");
        cap.textContent = key;
        term.append(cap, " ");
      }
      const description = document.createElement("dd");
      description.textContent = label;
      const row = document.createElement("div");
      row.append(term, description);
      list.append(row);
    }
    part.append(heading, list);
    return part;
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-switch]")) return;
    try {
      localStorage.setItem("keys", event.target.checked ? "on" : "off");
    } catch {
      // in a private window nothing is stored
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys-show]")) showKeys();
    if (event.target.id === "keys") event.target.close(); // a click on the backdrop
  });
})();
