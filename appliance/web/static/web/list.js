// The list of tickets: what is ticked, where one was and what is folded stays, while it is looked at
// again every few seconds. Every page works without this file.
(() => {
  const ticked = new Set();
  const boxes = () => [...document.querySelectorAll("#live input[name=ticket]")];
  const live = () => document.getElementById("live");
  const words = (holder, n) => (n === 1 ? holder.dataset.one : holder.dataset.many.replace("%s", n));

  // --- ticks

  function remember() {
    for (const box of boxes()) ticked[box.checked ? "add" : "delete"](box.value);
    show();
  }

  function restore() {
    const there = boxes();
    const values = new Set(there.map((box) => box.value));
    for (const value of ticked)
      if (!values.has(value)) ticked.delete(value);
    for (const box of there) box.checked = ticked.has(box.value);
    show();
  }

  function show() {
    const form = document.getElementById("bulk");
    if (!form) return;
    const whole = form.elements.select_all?.checked;
    form.classList.toggle("is-on", ticked.size > 0 || whole || Boolean(form.querySelector("[role=alert]")));
    const count = form.querySelector(".bulk-count");
    const said = ticked.size && !whole ? words(form, ticked.size) : "";
    if (count && said && count.textContent !== said) count.textContent = said;
    const all = document.getElementById("choose-page");
    if (!all) return;
    all.checked = ticked.size > 0 && ticked.size === boxes().length;
    all.indeterminate = ticked.size > 0 && !all.checked;
  }

  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (box.closest?.("[data-choose-none]")) return none();
    if (!box.matches?.("#live input[name=ticket]")) return;
    const all = boxes();
    const from = all.findIndex((one) => one.value === last);
    const to = all.indexOf(box);
    if (event.shiftKey && from >= 0) { // everything between the two
      for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = box.checked;
      remember();
    }
    last = box.value;
  });

  function none() {
    const form = document.getElementById("bulk");
    if (form.elements.select_all) form.elements.select_all.checked = false;
    for (const box of boxes()) box.checked = false;
    for (const alert of form.querySelectorAll("[role=alert]")) alert.remove();
    remember();
    document.querySelector("#live a[data-keys-open]")?.focus();
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "choose-page") {
      for (const box of boxes()) box.checked = event.target.checked;
      remember();
    } else if (event.target.matches("#live input[name=ticket], #bulk input[name=select_all]")) remember();
  });

  // --- looked at again: only while somebody looks, and without moving what they read

  let seen = new Set(),
    place = null;
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
    remember();
    seen = new Set(rows().map((row) => row.id));
    const top = rows().find((row) => row.getBoundingClientRect().bottom > 0);
    place = top && scrollY > 0 ? {
      id: top.id,
      at: top.getBoundingClientRect().top
    } : null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isList(event)) return;
    restore();
    fold();
    const row = place && document.getElementById(place.id);
    if (row) scrollBy({
      top: row.getBoundingClientRect().top - place.at,
      behavior: "instant"
    });
    announce(rows().filter((one) => !seen.has(one.id)).length);
  });

  function announce(fresh) {
    const news = document.getElementById("list-news");
    if (news && fresh && seen.size) news.textContent = words(news, fresh);
  }

  // --- folds of the queues

  const key = "folds";
  const folds = () => {
    try {
      return JSON.parse(localStorage.getItem(key)) || {};
    } catch {
      return {};
    }
  };

  function fold() {
    const kept = folds();
    for (const one of document.querySelectorAll("[data-fold]")) {
      if (one.dataset.fold in kept && !one.querySelector("[aria-current]")) one.open = kept[one.dataset.fold];
    }
  }
  document.addEventListener("click", (event) => {
    const one = event.target.closest?.("summary")?.parentElement;
    if (!one?.dataset.fold) return;
    try {
      localStorage.setItem(key, JSON.stringify({
        ...folds(),
        [one.dataset.fold]: !one.open
      }));
    } catch {
      // in a private window nothing is stored
    }
  });

  // --- the minute in which a change can be taken back

  function minute() {
    for (const form of document.querySelectorAll(".undo[data-seconds]")) {
      setTimeout(() => form.remove(), Number(form.dataset.seconds) * 1000);
      form.removeAttribute("data-seconds");
    }
  }
  document.addEventListener("htmx:afterSettle", minute);

  // Back in a page the browser kept: what was sent from it is not sent again under its old key.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    const field = document.querySelector("#bulk [name=idempotency_key]");
    if (field) field.value = freshKey();
    if (live()) window.htmx?.trigger(live(), "look");
  });

  function freshKey() { // randomUUID is there only over TLS
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  remember();
  fold();
  minute();
})();
