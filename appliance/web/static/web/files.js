// Files can be dropped on a form or pasted into its text; the chosen files are listed.
(() => {
  const inputOf = (form) => form?.querySelector("input[type=file]");

  document.addEventListener("change", (event) => {
    if (event.target.matches("input[type=file]")) list(event.target);
  });
  document.addEventListener("dragover", (event) => {
    const form = event.target.closest?.("[data-drop]");
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    const form = event.target.closest?.("[data-drop]");
    if (form && !form.contains(event.relatedTarget)) form.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    const form = event.target.closest?.("[data-drop]");
    if (!form || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    form.classList.remove("dropping");
    add(inputOf(form), event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    const input = inputOf(event.target.closest?.("[data-drop]"));
    if (!input || !event.clipboardData?.files.length) return;
    event.preventDefault();
    add(input, event.clipboardData.files);
  });

  function add(input, files) {
    const all = new DataTransfer();
    for (const file of [...input.files, ...files]) all.items.add(file);
    input.files = all.files;
    list(input);
  }

  function list(input) {
    const container = document.querySelector(`[data-files-of="${CSS.escape(input.id)}"]`);
    if (!container) return;
    container.replaceChildren(...[...input.files].map((file) => {
      const row = document.createElement("li");
      row.textContent = `${file.name} (${size(file.size)})`;
      return row;
    }));
  }

  function size(bytes) {
    const units = ["B", "KB", "MB", "GB"];
    const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
    return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
  }
})();
