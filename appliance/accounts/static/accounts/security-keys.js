// Forms that a security key or a passkey answers. Their options are in the page, or are fetched from
// data-options, because each is valid once.
(() => {
  const {
    webauthnJSON
  } = globalThis;

  async function readOptions(form) {
    const element = document.getElementById("key-options");
    if (!form.dataset.options) return JSON.parse(element.textContent);
    const response = await fetch(form.dataset.options);
    if (!response.ok) throw new Error(response.status);
    return response.json();
  }

  async function answer(form) {
    const options = await readOptions(form);
    if (form.dataset.keyForm === "get") return webauthnJSON.get(options.request_options);
    const creation = options.creation_options;
    if (form.elements.passwordless.checked) {
      Object.assign(creation.publicKey.authenticatorSelection, {
        residentKey: "required",
        requireResidentKey: true,
        userVerification: "required"
      });
    }
    return webauthnJSON.create(creation);
  }

  for (const form of document.querySelectorAll("[data-key-form]")) {
    if (!webauthnJSON?.supported()) continue;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      const error = form.querySelector("#key-error");
      error.hidden = true;
      try {
        form.elements.credential.value = JSON.stringify(await answer(form));
        form.submit();
      } catch {
        error.hidden = false;
      }
    });
  }
})();
