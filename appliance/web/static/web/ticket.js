// The page of a ticket: inserting into the reply, drafts, saving properties, presence.
(() => {
  const form = () => document.getElementById("reply");
  const textarea = () => document.getElementById("id_body");
  const token = () => form().querySelector("[name=csrfmiddlewaretoken]").value;
  const kind = () => form().querySelector("[name=kind]:checked")?.value || "reply";

  // --- inserting into the reply

  document.addEventListener("click", (event) => {
    const insert = event.target.closest("[data-insert]");
    if (insert) insertText(insert.dataset.insert);
    const quote = event.target.closest("[data-quote]");
    if (quote) insertText(quoteOf(quote));
    const label = event.target.closest("[data-then-focus]");
    if (label) setTimeout(() => focusTextarea());
  });

  function insertText(text, from, to) {
    if (!textarea() || textarea().readOnly) return;
    showTextarea();
    const start = from ?? textarea().selectionStart,
      end = to ?? textarea().selectionEnd;
    const before = textarea().value.slice(0, start);
    const gap = from !== undefined || !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
    textarea().setRangeText(`${gap}${text}\n`, start, end, "end");
    textarea().dispatchEvent(new Event("input", {
      bubbles: true
    }));
    focusTextarea();
  }

  // Leaves the preview, so that the text that is inserted can be seen.
  function showTextarea() {
    form().querySelector("[role=tab][aria-selected=false]")?.id.endsWith("_write") && form().querySelector("[id$=_write]").click();
  }

  function focusTextarea() {
    showTextarea();
    textarea()?.focus();
    textarea()?.scrollIntoView({
      block: "center"
    });
  }

  function quoteOf(button) {
    const message = document.getElementById(button.dataset.quote).querySelector("[data-words]");
    const selection = getSelection();
    const isInside = !selection.isCollapsed && message.contains(selection.anchorNode) && message.contains(selection.focusNode);
    const text = (isInside ? selection.toString() : message.innerText).trim();
    return `> **${button.dataset.quoteBy}**\n>\n${text.split("\n").map((line) => `> ${line}`.trimEnd()).join("\n")}\n`;
  }

  // A canned response was chosen in the field beside the text, or after ":" in it.
  document.addEventListener("skerry:use", async (event) => {
    const {
      field,
      use,
      start
    } = event.detail;
    const inText = field === textarea();
    const caret = field.selectionStart;
    if (!inText) field.value = "";
    try {
      const body = new URLSearchParams({
        csrfmiddlewaretoken: token()
      });
      const response = await fetch(use, {
        method: "POST",
        body
      });
      if (!response.ok) throw new Error(response.status);
      const {
        text
      } = await response.json();
      if (inText) insertText(text, start, caret);
      else insertText(text);
    } catch {
      showState(form().dataset.notInserted);
    }
  });

  // --- sending

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form()?.contains(event.target) && !event.target.matches("input")) {
      event.preventDefault();
      form().requestSubmit();
    }
  });

  // --- drafts

  let timer = 0,
    saved = null,
    pending = null;
  document.addEventListener("input", (event) => {
    if (event.target !== textarea()) return;
    writingUntil = Date.now() + 20_000;
    clearTimeout(timer);
    timer = setTimeout(saveDraft, 1200);
  });
  document.addEventListener("submit", (event) => {
    if (event.target !== form() && event.target.id !== "discard-draft") return;
    clearTimeout(timer);
    pending?.abort();
    saved = textarea().value;
  });
  addEventListener("pagehide", () => {
    if (!form()?.dataset.sent) saveDraft(true);
  });

  async function saveDraft(isLeaving = false) {
    const body = textarea()?.value;
    if (body === undefined || textarea().readOnly || (saved === null ? body === textarea().defaultValue : body === saved)) return;
    saved = body;
    pending = new AbortController();
    const data = new URLSearchParams({
      kind: kind(),
      body,
      csrfmiddlewaretoken: token()
    });
    try {
      const options = isLeaving ? {
        keepalive: true
      } : {
        signal: pending.signal
      };
      const response = await fetch(form().dataset.draft, {
        method: "POST",
        body: data,
        ...options
      });
      if (!response.ok) throw new Error(response.status);
      showState(body ? form().dataset.saved : "");
    } catch (error) {
      if (error.name === "AbortError") return;
      saved = null;
      showState(form().dataset.notSaved);
    }
  }

  function showState(text) {
    const element = form()?.querySelector("[data-draft-state]");
    if (element) element.textContent = text;
  }

  // --- polling

  let writingUntil = 0;
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "presence") event.detail.parameters.is_writing = Date.now() < writingUntil ? "1" : "";
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.id === "presence" && event.detail.xhr?.status === 204) event.target.replaceChildren();
  });
  // Messages that came while nothing was written have been seen; later ones are shown before sending.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "conversation" || !textarea() || textarea().value) return;
    const newest = document.getElementById("conversation").dataset.newest;
    for (const field of document.querySelectorAll("[name=seen_message]")) field.value = newest;
  });
  // A part with the focus, or with changes that are not saved yet, is not replaced.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.contains(document.activeElement) || busy.has(event.detail.target.id)) event.detail.shouldSwap = false;
  });

  // --- properties are saved when they change

  const busy = new Set();
  const savedState = () => document.getElementById("saved");
  document.addEventListener("change", (event) => {
    const part = event.target.closest("[data-autosave]");
    if (part) busy.add(part.id);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.target.closest("[data-autosave]");
    if (!part) return;
    const until = part.querySelector("[name=resume_at]");
    if (part.querySelector("[name=status]")?.value === "hold" && until && !until.value) {
      event.preventDefault();
      until.focus();
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const part = event.target.closest?.("[data-autosave]") || event.target;
    if (part.id) busy.delete(part.id);
  });
  for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => {
      if (event.target.closest("[data-autosave]") && savedState()) savedState().textContent = savedState().dataset.failed;
    });
  }
})();
