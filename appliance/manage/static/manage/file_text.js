// A text area with data-file-text can be filled from a file; a certificate in DER becomes PEM.
(() => {
  "use strict";

  function toPem(bytes) {
    const text = new TextDecoder().decode(bytes);
    if (text.includes("-----BEGIN")) return text;
    const base64 = btoa(String.fromCharCode(...bytes)).replace(/(.{64})/g, "$1\n");
    return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
  }

  for (const area of document.querySelectorAll("textarea[data-file-text]")) {
    const input = document.createElement("input");
    input.type = "file";
    input.className = "form-control mt-2";
    input.setAttribute("aria-label", area.dataset.fileText);
    input.addEventListener("change", async () => {
      const file = input.files[0];
      if (file && file.size <= 50000) {
        area.value = toPem(new Uint8Array(await file.arrayBuffer()));
      }
    });
    area.after(input);
  }
})();
