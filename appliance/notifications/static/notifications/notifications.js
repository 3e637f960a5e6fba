// The number of unread notifications before the title of the page, for whoever looks at another tab.
(() => {
  const show = () => {
    const bell = document.getElementById("bell");
    if (!bell) return;
    const plain = document.title.replace(/^\(\d+\+?\) /, "");
    const count = bell.querySelector(".bell-count");
    document.title = count ? `(${count.textContent}) ${plain}` : plain;
  };
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:afterSettle", show);
})();
