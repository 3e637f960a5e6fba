// The page of a ticket: putting things into the answer, drafts, saving properties, who else is here.
(() => {
  const form = () => document.getElementById("reply");
  const box = () => document.getElementById("id_body");
  const token = () => form().querySelector("[name=csrfmiddlewaretoken]").value;
  const kind = () => form().querySelector("[name=kind]:checked")?.value || "reply";

  // --- into the answer

  document.addEventListener("click", (event) => {
    const insert = event.target.closest("[data-insert]");
    if (insert) put(insert.dataset.insert);
    const quote = event.target.closest("[data-quote]");
    if (quote) put(quoteOf(quote));
    const label = event.target.closest("[data-then-focus]");
    if (label) setTimeout(() => focusBox());
  });

  function put(text, from, to) {
    if (!box() || box().readOnly) return;
    write();
    const start = from ?? box().selectionStart,
      end = to ?? box().selectionEnd;
    const before = box().value.slice(0, start);
    const gap = from !== undefined || !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
    box().setRangeText(`${gap}${text}\n`, start, end, "end");
    box().dispatchEvent(new Event("input", {
      bubbles: true
    }));
    focusBox();
  }

  // Text is put in where it can be seen: not behind the preview.
  function write() {
    form().querySelector("[role=tab][aria-selected=false]")?.id.endsWith("_write") && form().querySelector("[id$=_write]").click();
  }

  function focusBox() {
    write();
    box()?.focus();
    box()?.scrollIntoView({
      block: "center"
    });
  }

  function quoteOf(button) {
    const words = document.getElementById(button.dataset.quote).querySelector("[data-words]");
    const chosen = getSelection();
    const inside = !chosen.isCollapsed && words.contains(chosen.anchorNode) && words.contains(chosen.focusNode);
    const text = (inside ? chosen.toString() : words.innerText).trim();
    return `> **${button.dataset.quoteBy}**\n>\n${text.split("\n").map((line) => `> ${line}`.trimEnd()).join("\n")}\n`;
  }

  // A canned reply was chosen in the field beside the text, or after ":" in it.
  document.addEventListener("skerry:use", async (event) => {
    const {
      field,
      use,
      start
    } = event.detail;
    const inText = field === box();
    const caret = field.selectionStart;
    if (!inText) field.value = "";
    try {
      const body = new URLSearchParams({
        csrfmiddlewaretoken: token()
      });
      const answer = await fetch(use, {
        method: "POST",
        body
      });
      if (!answer.ok) throw new Error(answer.status);
      const {
        text
      } = await answer.json();
      if (inText) put(text, start, caret);
      else put(text);
    } catch {
      say(form().dataset.notThere || "");
    }
  });

  // --- sending

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form()?.contains(event.target)) {
      event.preventDefault();
      form().requestSubmit();
    }
  });

  // --- drafts

  let timer = 0,
    saved = null,
    underway = null;
  document.addEventListener("input", (event) => {
    if (event.target !== box()) return;
    writingUntil = Date.now() + 20_000;
    clearTimeout(timer);
    timer = setTimeout(keep, 1200);
  });
  document.addEventListener("submit", (event) => {
    if (event.target !== form() && event.target.id !== "discard-draft") return;
    clearTimeout(timer);
    underway?.abort();
    saved = box().value;
  });
  addEventListener("pagehide", () => {
    if (!form()?.dataset.sent) keep(true);
  });

  async function keep(leaving = false) {
    const body = box()?.value;
    if (body === undefined || box().readOnly || (saved === null ? body === box().defaultValue : body === saved)) return;
    saved = body;
    underway = new AbortController();
    const data = new URLSearchParams({
      kind: kind(),
      body,
      csrfmiddlewaretoken: token()
    });
    try {
      const options = leaving ? {
        keepalive: true
      } : {
        signal: underway.signal
      };
      const answer = await fetch(form().dataset.draft, {
        method: "POST",
        body: data,
        ...options
      });
      if (!answer.ok) throw new Error(answer.status);
      say(body ? form().dataset.saved : "");
    } catch (error) {
      if (error.name === "AbortError") return;
      saved = null;
      say(form().dataset.notSaved);
    }
  }

  function say(words) {
    const place = form()?.querySelector("[data-draft-state]");
    if (place) place.textContent = words;
  }

  // --- what arrives

  let writingUntil = 0;
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "presence") event.detail.parameters.is_writing = Date.now() < writingUntil ? "1" : "";
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.id === "presence" && event.detail.xhr?.status === 204) event.target.replaceChildren();
  });
  // What came while nothing was written has been seen; what comes later is shown before sending.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "conversation" || !box() || box().value) return;
    const newest = document.getElementById("conversation").dataset.newest;
    for (const seen of document.querySelectorAll("[name=seen_message]")) seen.value = newest;
  });
  // A part somebody is at work in is not taken from under their hands.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.contains(document.activeElement) || busy.has(event.detail.target.id)) event.detail.shouldSwap = false;
  });

  // --- properties save themselves

  const busy = new Set();
  const saidOf = () => document.getElementById("saved");
  document.addEventListener("change", (event) => {
    const owner = event.target.closest("[data-autosave]");
    if (owner) busy.add(owner.id);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const owner = event.target.closest("[data-autosave]");
    if (!owner) return;
    const until = owner.querySelector("[name=resume_at]");
    if (owner.querySelector("[name=status]")?.value === "hold" && until && !until.value) {
      event.preventDefault();
      until.focus();
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const owner = event.target.closest?.("[data-autosave]") || event.target;
    if (owner.id) busy.delete(owner.id);
  });
  for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => {
      if (event.target.closest("[data-autosave]") && saidOf()) saidOf().textContent = saidOf().dataset.failed;
    });
  }
})();
