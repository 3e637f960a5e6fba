// Completion of tags, people, tickets and canned responses. Fields work without it.
//   data-complete="words"    commas between words (tags)
//   data-complete="whole"    the whole field (a customer, a ticket)
//   data-complete="text"     a text area: "@" and ":" in data-at and data-colon name the addresses
// With data-pick only an offered item is of use: the first one is marked, so that Enter chooses it.
// Enter before the items have come waits for them, except in a text and where any text is allowed;
// so does Tab while the items of an earlier text are shown.
// An address answers JSON: items of {text, label, note, use}, or tags, or people.
(() => {
  const WAIT = 150;
  let list = null,
    field = null,
    items = [],
    active = -1,
    timer = 0,
    requests = 0,
    isWaiting = false, // for the items of the text that is in the field now
    pendingChoice = null;

  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("[data-complete]")) return;
    if (field !== event.target) close();
    field = event.target;
    clearTimeout(timer);
    const target = findTarget(field);
    if (!target) return close();
    isWaiting = true;
    pendingChoice = null;
    requests += 1; // a response to what was typed before comes too late
    timer = setTimeout(() => request(target), WAIT);
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("[data-complete][data-at-once]")) {
      field = event.target;
      isWaiting = true;
      request(findTarget(field));
    }
  });
  document.addEventListener("focusout", () => setTimeout(() => {
    if (document.activeElement !== field) close();
  }, 150));

  document.addEventListener("keydown", (event) => {
    if (event.target !== field || event.isComposing) return;
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    const isChoice = event.key === "Enter" || (event.key === "Tab" && list);
    if (isWaiting && isPlain && isChoice) return chooseLater(event);
    if (!list) return;
    const moves = {
      ArrowDown: 1,
      ArrowUp: -1
    };
    if (event.key in moves) {
      event.preventDefault();
      return setActive((active + moves[event.key] + items.length) % items.length);
    }
    if (event.key === "Escape") {
      event.preventDefault();
      return close();
    }
    if ((event.key === "Enter" || event.key === "Tab") && active >= 0 && isPlain && !isWaiting) {
      event.preventDefault();
      choose(items[active]);
    }
  }, true);

  function chooseLater(event) {
    if (field.dataset.complete === "text") return close();
    if (!isPick() && field.dataset.complete === "whole") return;
    pendingChoice = {
      // skerry.js says where Enter does not submit
      isSubmitting: event.key === "Enter" && !event.defaultPrevented
    };
    event.preventDefault();
  }

  function finishWaiting() {
    const choice = pendingChoice;
    isWaiting = false;
    pendingChoice = null;
    if (!choice || document.activeElement !== field) return;
    if (list && active >= 0) choose(items[active]);
    else if (choice.isSubmitting) field.form?.requestSubmit();
  }

  const isPick = () => "pick" in field.dataset;

  // Returns the text before the caret that can be completed, where it starts and the URL to request.
  function findTarget(field) {
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
    const match = before.match(/(^|[\s(])([@:])([\p{L}\p{M}\p{N}._+'’@-]{0,60})$/u);
    const url = match && (match[2] === "@" ? field.dataset.at : field.dataset.colon);
    if (!url || (match[2] === "@" && field.dataset.atFor && !document.querySelector(field.dataset.atFor)?.checked)) return null;
    return {
      url,
      typed: match[3],
      start: before.length - match[3].length - 1
    };
  }

  async function request(target) {
    const number = ++requests;
    try {
      const response = await fetch(`${target.url}?q=${encodeURIComponent(target.typed)}`, {
        headers: {
          Accept: "application/json"
        }
      });
      if (!response.ok) throw new Error(response.status);
      const data = await response.json();
      if (number !== requests) return;
      items = (data.items || data.people?.map((person) => ({
          text: `@${person.handle} `,
          label: person.name,
          note: `@${person.handle}`
        }))
        || data.tags?.map((tag) => ({
          text: tag,
          label: tag
        })) || []).map((item) => ({
        ...item,
        start: target.start
      }));
    } catch {
      if (number === requests) items = [];
    }
    if (number !== requests) return;
    if (document.activeElement === field) show();
    finishWaiting();
  }

  function show() {
    close(false);
    if (!items.length) return;
    list = document.createElement("ul");
    list.id = "complete";
    list.className = "complete";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", field.getAttribute("aria-label") || field.labels?.[0]?.textContent.trim() || "");
    items.forEach((item, n) => {
      const row = document.createElement("li");
      row.id = `complete-${n}`;
      row.setAttribute("role", "option");
      const label = document.createElement("span");
      label.textContent = item.label;
      row.append(label);
      if (item.note) {
        const note = document.createElement("small");
        note.textContent = item.note;
        row.append(note);
      }
      row.addEventListener("mousedown", (event) => {
        event.preventDefault();
        choose(item);
      });
      list.append(row);
    });
    field.insertAdjacentElement("afterend", list);
    field.setAttribute("aria-controls", "complete");
    setActive(field.dataset.complete === "whole" && !isPick() ? -1 : 0);
  }

  function setActive(n) {
    active = n;
    [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === n)));
    if (n < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", `complete-${n}`);
    list.children[n].scrollIntoView({
      block: "nearest"
    });
  }

  function choose(item) {
    const input = field;
    close();
    if (item.use) return input.dispatchEvent(new CustomEvent("skerry:use", {
      bubbles: true,
      detail: {
        ...item,
        field: input
      }
    }));
    if (input.dataset.complete === "whole") input.value = item.text;
    else {
      const comma = input.dataset.complete === "words";
      const text = comma ? `${item.start ? " " : ""}${item.text}, ` : item.text;
      input.setRangeText(text, item.start, input.selectionStart, "end");
    }
    for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, {
      bubbles: true
    }));
    close(); // the input event asked for items again
  }

  function close(cancel = true) {
    if (cancel) {
      requests += 1;
      clearTimeout(timer);
      isWaiting = false;
      pendingChoice = null;
    }
    list?.remove();
    list = null;
    active = -1;
    field?.removeAttribute("aria-activedescendant");
    field?.removeAttribute("aria-controls");
  }
})();
