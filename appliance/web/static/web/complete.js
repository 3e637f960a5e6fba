// Type-ahead for words, people, tickets and canned replies. Fields work without it.
//   data-complete="words"    commas between words (tags)
//   data-complete="whole"    the whole field (a customer, a ticket)
//   data-complete="text"     a text area: "@" and ":" in data-at and data-colon name the addresses
// An address answers JSON: items of {text, label, note, use}, or tags, or people.
(() => {
  const WAIT = 150;
  let box = null,
    field = null,
    found = [],
    at = -1,
    timer = 0,
    asked = 0;

  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("[data-complete]")) return;
    field = event.target;
    clearTimeout(timer);
    const wanted = wantedBy(field);
    if (!wanted) return close();
    timer = setTimeout(() => ask(wanted), WAIT);
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("[data-complete][data-at-once]")) {
      field = event.target;
      ask({
        url: field.dataset.url,
        typed: field.value,
        start: 0
      });
    }
  });
  document.addEventListener("focusout", () => setTimeout(() => {
    if (document.activeElement !== field) close();
  }, 150));

  document.addEventListener("keydown", (event) => {
    if (!box || event.target !== field) return;
    const moves = {
      ArrowDown: 1,
      ArrowUp: -1
    };
    if (event.key in moves) {
      event.preventDefault();
      return mark((at + moves[event.key] + found.length) % found.length);
    }
    if (event.key === "Escape") {
      event.preventDefault();
      return close();
    }
    if ((event.key === "Enter" || event.key === "Tab") && at >= 0 && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      take(found[at]);
    }
  }, true);

  // What stands before the caret and could be completed.
  function wantedBy(field) {
    const kind = field.dataset.complete;
    if (kind === "whole") return {
      url: field.dataset.url,
      typed: field.value.trim(),
      start: 0
    };
    const before = field.value.slice(0, field.selectionStart);
    if (kind === "words") {
      const start = before.lastIndexOf(",") + 1;
      const typed = before.slice(start).trim();
      return typed && {
        url: field.dataset.url,
        typed,
        start
      };
    }
    const hit = before.match(/(^|[\s(])([@:])([\p{L}\p{N}._-]{0,30})$/u);
    const url = hit && (hit[2] === "@" ? field.dataset.at : field.dataset.colon);
    if (!url || (hit[2] === "@" && field.dataset.atFor && !document.querySelector(field.dataset.atFor)?.checked)) return null;
    return {
      url,
      typed: hit[3],
      start: before.length - hit[3].length - 1
    };
  }

  async function ask(wanted) {
    const mine = ++asked;
    try {
      const answer = await fetch(`${wanted.url}?q=${encodeURIComponent(wanted.typed)}`, {
        headers: {
          Accept: "application/json"
        }
      });
      if (!answer.ok || mine !== asked) return;
      const data = await answer.json();
      found = (data.items || data.people?.map((one) => ({
          text: `@${one.handle} `,
          label: one.name,
          note: `@${one.handle}`
        }))
        || data.tags?.map((tag) => ({
          text: tag,
          label: tag
        })) || []).map((one) => ({
        ...one,
        start: wanted.start
      }));
    } catch {
      return close();
    }
    if (document.activeElement === field) show();
  }

  function show() {
    if (!found.length) return close();
    close(false);
    box = document.createElement("ul");
    box.id = "complete";
    box.className = "complete";
    box.setAttribute("role", "listbox");
    box.setAttribute("aria-label", field.getAttribute("aria-label") || field.labels?.[0]?.textContent.trim() || "");
    found.forEach((one, n) => {
      const row = document.createElement("li");
      row.id = `complete-${n}`;
      row.setAttribute("role", "option");
      const label = document.createElement("span");
      label.textContent = one.label;
      row.append(label);
      if (one.note) {
        const note = document.createElement("small");
        note.textContent = one.note;
        row.append(note);
      }
      row.addEventListener("mousedown", (event) => {
        event.preventDefault();
        take(one);
      });
      box.append(row);
    });
    field.insertAdjacentElement("afterend", box);
    field.setAttribute("aria-controls", "complete");
    mark(field.dataset.complete === "whole" && !field.dataset.use ? -1 : 0);
  }

  function mark(n) {
    at = n;
    [...box.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === n)));
    if (n < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", `complete-${n}`);
    box.children[n].scrollIntoView({
      block: "nearest"
    });
  }

  function take(one) {
    const from = field;
    close();
    if (one.use) return from.dispatchEvent(new CustomEvent("skerry:use", {
      bubbles: true,
      detail: {
        ...one,
        field: from
      }
    }));
    if (from.dataset.complete === "whole") from.value = one.text;
    else {
      const comma = from.dataset.complete === "words";
      const text = comma ? `${one.start ? " " : ""}${one.text}, ` : one.text;
      from.setRangeText(text, one.start, from.selectionStart, "end");
    }
    for (const name of ["input", "change"]) from.dispatchEvent(new Event(name, {
      bubbles: true
    }));
    clearTimeout(timer);
  }

  function close(forget = true) {
    if (forget) {
      asked += 1;
      clearTimeout(timer);
    }
    box?.remove();
    box = null;
    at = -1;
    field?.removeAttribute("aria-activedescendant");
    field?.removeAttribute("aria-controls");
  }
})();
