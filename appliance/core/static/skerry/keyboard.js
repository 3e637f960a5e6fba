// The keyboard. What a page offers stands on its elements (data-key, data-keys-list); `?` lists
// exactly that, so the list cannot be wrong. Every page works without this file.
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
  const isThere = (element) => !element.disabled && !element.closest("[hidden], template");
  let waiting = "",
    waitingSince = 0;

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return leave(event);
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") {
      event.preventDefault();
      return showKeys();
    }
    if (isOff()) return;
    const first = performance.now() - waitingSince < PAUSE ? waiting : "";
    waiting = "";
    if (first && press(`${first} ${event.key}`)) return event.preventDefault();
    if (begins(event.key)) {
      waiting = event.key;
      waitingSince = performance.now();
      return;
    }
    if (press(event.key) || inList(event.key)) event.preventDefault();
  });

  const holders = () => [...document.querySelectorAll("[data-key]")].filter(isThere);
  const begins = (key) => holders().some((one) => one.dataset.key.startsWith(`${key} `));

  function press(key) {
    const element = holders().find((one) => one.dataset.key === key);
    if (!element) return false;
    for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      if (!element.matches("summary")) fold.open = true;
    }
    element.focus({
      preventScroll: false
    });
    if (!isTyping(element)) element.click();
    document.getElementById(element.dataset.thenFocus)?.focus(); // at once: the next key is text
    return true;
  }

  // Lists: j and k move, o and Enter open, x ticks.
  function inList(key) {
    const rows = [...document.querySelectorAll("[data-keys-list] [data-keys-item]")].filter(isThere);
    if (!rows.length) return false;
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    if (key === "j" || key === "k") {
      const next = at < 0 ? remembered(rows) : Math.min(rows.length - 1, Math.max(0, at + (key === "j" ? 1 : -1)));
      return focusRow(rows[next]);
    }
    if (at < 0) return false;
    if (key === "o") {
      target(rows[at])?.click();
      return true;
    }
    if (key === "x") {
      const box = rows[at].querySelector("input[type=checkbox]");
      box?.click();
      return Boolean(box);
    }
    return false;
  }

  const target = (row) => row.querySelector("[data-keys-open]") || row.querySelector("a[href], button") || row;
  let lastRow = "";
  const remembered = (rows) => Math.max(0, rows.findIndex((row) => row.id && row.id === lastRow));

  function focusRow(row) {
    lastRow = row.id;
    target(row).focus();
    row.scrollIntoView({
      block: "nearest"
    });
    return true;
  }
  // A list that htmx has brought anew keeps the place.
  let lostFrom = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    const row = document.activeElement?.closest?.("[data-keys-item]");
    lostFrom = row && event.detail.target.contains(row) ? row.id : "";
  });
  document.addEventListener("htmx:afterSettle", () => {
    const row = lostFrom && document.getElementById(lostFrom);
    if (row && document.activeElement === document.body) target(row).focus({
      preventScroll: true
    });
    lostFrom = "";
  });

  function leave(event) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
    if (isTyping(event.target) && !event.defaultPrevented) event.target.blur();
  }

  // The dialog is in base.html, so that its words are translated; the rows come from the page.
  function showKeys() {
    const dialog = document.getElementById("keys");
    if (!dialog || dialog.open) return;
    const groups = new Map();
    const add = (group, keys, label) => {
      const name = group || dialog.dataset.page;
      if (!groups.has(name)) groups.set(name, new Map());
      if (!groups.get(name).has(keys)) groups.get(name).set(keys, label);
    };
    const groupOf = (one) => one.closest("[data-key-group]")?.dataset.keyGroup
      || (one.closest(".topbar") ? dialog.dataset.everywhere : "");
    for (const one of holders()) add(groupOf(one), one.dataset.key, labelOf(one));
    for (const one of document.querySelectorAll("[data-key-shown]")) {
      if (isThere(one)) add(groupOf(one), one.dataset.keyShown, one.dataset.keyShownLabel || labelOf(one));
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

  const labelOf = (one) => (one.dataset.keyLabel || one.getAttribute("aria-label") || one.textContent || "").trim().replace(/\s+/g, " ");

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
      const words = document.createElement("dd");
      words.textContent = label;
      const row = document.createElement("div");
      row.append(term, words);
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
    if (event.target.id === "keys") event.target.close(); // beside the box
  });
})();
