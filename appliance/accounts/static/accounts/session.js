// What a page does when its session ends: it covers itself, and goes on after the next log-in.
(() => {
  const dialog = () => document.getElementById("signed-out");

  // What a page asks by itself does not keep its session: a timer, or an event of another answer.
  document.addEventListener("htmx:configRequest", (event) => {
    const trigger = event.detail.triggeringEvent;
    if (!trigger || trigger instanceof CustomEvent) event.detail.headers["X-Background"] = "yes";
  });

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) cover();
  });

  function cover() {
    for (const other of document.querySelectorAll("dialog[open]:not(#signed-out)")) other.close();
    if (!dialog().open) dialog().showModal();
  }
  dialog().addEventListener("cancel", (event) => event.preventDefault()); // Escape

  // After a log-in in another tab the forms of this page need the new token. A page of somebody else
  // is not shown to whoever has logged in now.
  async function goOn() {
    if (!dialog().open || document.hidden) return;
    const response = await fetch(dialog().dataset.state, {
      headers: {
        "X-Background": "yes"
      }
    }).catch(() => null);
    if (!response?.ok) return;
    const {
      user,
      token
    } = await response.json();
    if (String(user) !== dialog().dataset.user) return location.reload();
    for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token;
    dialog().close();
  }
  document.addEventListener("visibilitychange", goOn);
  addEventListener("focus", goOn);
})();
