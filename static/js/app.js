// Every page: colours, the viewer's time zone, toasts, the account menu. Pages work without it.
(() => {
  const YEAR = 31536000;
  const secure = location.protocol === "https:" ? ";Secure" : "";
  const remember = (name, value) => {
    document.cookie = `${name}=${value};Path=/;Max-Age=${YEAR};SameSite=Lax${secure}`;
  };

  // The server decides what is overdue and what is due today, in this zone.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) remember("tz", zone);

  const setTheme = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    remember("theme", theme);
    document.querySelectorAll("#theme button").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.value === theme));
    });
    document.dispatchEvent(new CustomEvent("theme:changed", { detail: { theme } }));
  };
  document.getElementById("theme")?.addEventListener("submit", (event) => {
    if (!event.submitter) return;
    event.preventDefault();
    setTheme(event.submitter.value);
  });

  const menu = document.getElementById("account");
  document.addEventListener("click", (event) => {
    if (menu?.open && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu?.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // A toast leaves by itself, but never while it is pointed at or focused.
  const LIFETIME = 8000;
  const MOST = 3;
  const toasts = document.getElementById("toasts");
  if (!toasts) return;
  const retire = (toast) => {
    const tryLater = () => {
      if (toast.matches(":hover, :focus-within")) setTimeout(tryLater, 1000);
      else toast.remove();
    };
    setTimeout(tryLater, LIFETIME);
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) if (node.classList?.contains("toast")) retire(node);
    }
    while (toasts.children.length > MOST) toasts.firstElementChild.remove();
  }).observe(toasts, { childList: true });
  toasts.querySelectorAll(".toast").forEach(retire);
  toasts.addEventListener("click", (event) => {
    if (event.target.closest(".toast-close")) event.target.closest(".toast").remove();
  });
  window.showToast = (text) => {
    const toast = document.getElementById("toast-template").content.cloneNode(true);
    toast.querySelector("p").textContent = text;
    toasts.append(toast);
  };
})();
