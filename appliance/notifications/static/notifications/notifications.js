// Put the number of unread notifications before the title of the page, to be seen from another tab.
(() => {
  const show = () => {
    const badge = document.getElementById("notification-badge");
    if (!badge) return;
    const plain = document.title.replace(/^\(\d+\+?\) /, "");
    const count = badge.querySelector(".notification-count");
    document.title = count ? `(${count.textContent}) ${plain}` : plain;
  };
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:afterSettle", show);
})();
