// Show the number of unread notifications in the title and the icon of the page, to be seen from another tab.
(() => {
  const icon = document.querySelector("link[rel=icon]");
  const plainIcon = icon.href;
  let drawing = null; // of the icon without a number, fetched when there is one to show
  const show = () => {
    const badge = document.getElementById("notification-badge");
    if (!badge) return;
    const plain = document.title.replace(/^\(\d+\+?\) /, "");
    const count = badge.querySelector(".notification-count");
    document.title = count ? `(${count.textContent}) ${plain}` : plain;
    showIcon(count ? count.textContent : "");
  };

  let shownCount = "";
  async function showIcon(count) {
    if (count === shownCount) return;
    shownCount = count;
    if (!count) {
      icon.href = plainIcon;
      return;
    }
    drawing ??= fetch(plainIcon).then((response) => response.text());
    const svg = await drawing;
    if (count !== shownCount) return; // another number came meanwhile
    const badge = `<circle cx="21" cy="11" r="11" fill="#a4282f"/><text x="21" y="16" text-anchor="middle"
      font-family="sans-serif" font-weight="700" font-size="${count.length > 2 ? 11 : 15}" fill="#fff">${count}</text>`;
    icon.href = `data:image/svg+xml,${encodeURIComponent(svg.replace("</svg>", `${badge}</svg>`))}`;
  }
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:afterSettle", show);
})();
