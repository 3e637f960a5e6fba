// Set the theme before the first paint: the last choice, or the system's.
(() => {
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = (theme) => document.documentElement.setAttribute("data-bs-theme", theme);
  show(stored() || (system.matches ? "dark" : "light"));
  system.addEventListener("change", () => {
    if (!stored()) show(system.matches ? "dark" : "light");
  });
  document.documentElement.classList.add("js");
})();
