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
    const sentence = event.target.closest("[data-insert-sentence]");
    if (sentence) insertSentence(sentence.dataset.insertSentence);
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

  // Goes into the paragraph at the cursor; what is selected stays.
  function insertSentence(text) {
    if (!textarea() || textarea().readOnly) return;
    showTextarea();
    const at = textarea().selectionEnd;
    const before = textarea().value.slice(0, at),
      after = textarea().value.slice(at);
    const blank = (isNeeded) => isNeeded ? " " : "";
    textarea().setRangeText(`${blank(/\S$/.test(before))}${text}${blank(/^\S/.test(after))}`, at, at, "end");
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
    if (!form().querySelector("[data-markdown]")) return quoted([button.dataset.quoteBy, "", ...text.split("\n")]);
    return quoted([`**${escapeMarkdown(button.dataset.quoteBy)}**`, "", ...text.split("\n").map(escapeMarkdown)]);
  }

  function quoted(lines) {
    return `${lines.map((line) => `> ${line}`.trimEnd()).join("\n")}\n`;
  }

  // Markdown of one line that reads like the text, as core/markdown.py makes it.
  function escapeMarkdown(line) {
    return line.trimEnd().replace(/[`*_~|<[\]]|\\(?![A-Za-z0-9])|&(?=[#\w]+;)|^[!-/:-@^]/g, "\\$&")
      .replace(/^(\d{1,9})([.)])/, "$1\\$2").replace(/^ | (?= )|\t/g, "\u00a0");
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
      showState(form().dataset.notInserted, true);
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

  const SAVE_AFTER = 1200; // milliseconds without a key
  const MAX_WAIT = 8000; // milliseconds
  const MAX_KEEPALIVE = 60_000; // bytes: browsers refuse larger requests that outlive a page
  let timer = 0,
    saved = null, // text and kind that are stored
    saving = Promise.resolve(true),
    isSaving = false,
    released = null; // the form whose submission waited for the draft

  const current = () => `${kind()} ${textarea().value}`;
  const initial = () => `${form().querySelector("[name=kind][checked]")?.value || "reply"} ${textarea().defaultValue}`;
  const isUnsaved = () => Boolean(textarea() && !textarea().readOnly) && current() !== (saved ?? initial()) &&
    Boolean(saved !== null || textarea().value || textarea().defaultValue);

  function saveSoon() {
    clearTimeout(timer);
    timer = setTimeout(saveDraft, SAVE_AFTER);
  }
  document.addEventListener("input", (event) => {
    if (event.target !== textarea()) return;
    writingUntil = Date.now() + 20_000;
    saveSoon();
  });
  document.addEventListener("change", (event) => {
    if (event.target.name === "kind" && form()?.contains(event.target)) saveSoon();
  });

  // A reply or a macro is sent after the draft is stored: the first then removes its own draft, and the
  // second keeps it. Without an answer a reply is sent all the same, a macro is not.
  document.addEventListener("submit", async (event) => {
    const target = event.target;
    if (target.id === "discard-draft") return forgetDraft();
    if (!form() || (target !== form() && !target.matches("[data-after-draft]"))) return;
    clearTimeout(timer);
    if (released === target || !(isUnsaved() || isSaving)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    event.submitter?.classList.add("is-busy");
    const isSaved = await saveDraft();
    event.submitter?.classList.remove("is-busy");
    if (!isSaved && target !== form()) return document.querySelector("dialog[open]")?.close();
    setTimeout(() => { // a form ignores requestSubmit during its submit event
      released = target;
      target.requestSubmit(event.submitter);
      released = null;
    });
  }, true);
  addEventListener("pagehide", () => {
    if (!form()?.dataset.sent) sendDraft(); // now: nothing that waits would run
  });

  function forgetDraft() {
    clearTimeout(timer);
    saved = current();
  }

  // One request at a time, so that an older text never overwrites a newer one. Returns whether all is stored.
  function saveDraft() {
    clearTimeout(timer);
    saving = saving.then(sendDraft);
    return saving;
  }

  async function sendDraft() {
    if (!isUnsaved()) return true;
    const text = current();
    const body = textarea().value;
    const data = new URLSearchParams({
      kind: kind(),
      body,
      draft_key: form().querySelector("[name=draft_key]").value,
      restored_at: form().querySelector("[name=restored_at]").value,
      csrfmiddlewaretoken: token()
    });
    saved = text;
    isSaving = true;
    try {
      const response = await fetch(form().dataset.draft, {
        method: "POST",
        body: data,
        signal: AbortSignal.timeout(MAX_WAIT),
        keepalive: data.toString().length < MAX_KEEPALIVE
      });
      if (!response.ok) throw new Error(response.status);
      showState(body ? form().dataset.saved : "");
      const {
        warning
      } = response.status === 204 ? {} : await response.json();
      showWarning(warning);
      return true;
    } catch {
      if (saved === text) saved = null;
      showState(form().dataset.notSaved, true);
      return false;
    } finally {
      isSaving = false;
    }
  }

  function showState(text, isError = false) {
    const element = form()?.querySelector("[data-draft-state]");
    if (!element) return;
    element.textContent = text;
    element.classList.toggle("is-error", isError);
  }

  // What the server says about the text, such as an @word that fits nobody.
  function showWarning(text = "") {
    const element = form()?.querySelector("[data-draft-warning]");
    if (element) element.textContent = text;
  }

  // --- the preview of a macro

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "macro-preview") return;
    for (const menu of document.querySelectorAll("details.macros[open]")) menu.open = false;
    if (!event.detail.target.open) event.detail.target.showModal();
  });
  document.addEventListener("click", (event) => {
    const dialog = event.target.closest("[data-close-dialog]")?.closest("dialog");
    if (!dialog) return;
    event.preventDefault();
    dialog.close();
  });

  // --- the sides: folded on a phone, where they stand below the conversation

  const phone = matchMedia("(max-width: 860px)");
  const sides = () => document.querySelectorAll("details.ticket-side");
  const foldSides = () => sides().forEach((side) => {
    side.open = !phone.matches || location.hash === `#${side.id}`;
  });
  phone.addEventListener("change", foldSides);
  foldSides();
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".ticket-jumps a");
    const side = link && document.querySelector(link.hash);
    if (side?.matches("details")) side.open = true;
  });

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

  const busy = new Set(); // ids of parts with changes that are not stored
  const changed = new Map(); // id of a part -> its changed fields

  const partOf = (event) => event.detail.elt.closest("[data-autosave]"); // also when it was replaced

  function showSaved(name) {
    const element = document.getElementById("saved");
    if (!element) return;
    const text = document.createElement("span");
    text.className = name === "saving" ? "quiet" : "saved-not";
    text.textContent = element.dataset[name] || "";
    element.replaceChildren(text);
  }
  document.addEventListener("change", (event) => {
    const part = event.target.closest("[data-autosave]");
    if (!part) return;
    busy.add(part.id);
    changed.set(part.id, [...changed.get(part.id) || [], event.target.name]);
    showSaved("saving");
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (partOf(event)) showSaved("saving");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const part = partOf(event);
    if (!part || !event.detail.successful) return;
    busy.delete(part.id);
    changed.delete(part.id);
  });
  // The browser sends nothing while a field holds what it cannot read, such as "12e" for a number, and
  // does not call that a change.
  function showInvalid(part) {
    showSaved("invalid");
    for (const field of part.querySelectorAll(":invalid")) field.setAttribute("aria-invalid", "true");
  }
  document.addEventListener("htmx:validation:halted", (event) => {
    const part = partOf(event);
    if (part) showInvalid(part);
  });
  document.addEventListener("focusout", (event) => {
    const part = event.target.validity?.badInput && event.target.closest("[data-autosave]");
    if (part) showInvalid(part);
  });
  // The server has not stored what the fields show.
  for (const [failure, name] of [
      ["htmx:sendError", "failed"],
      ["htmx:timeout", "failed"],
      ["htmx:responseError", "refused"]
    ]) {
    document.addEventListener(failure, (event) => {
      const part = partOf(event);
      if (!part) return;
      showSaved(name);
      for (const field of changed.get(part.id) || []) part.elements[field]?.setAttribute("aria-invalid", "true");
    });
  }
})();
