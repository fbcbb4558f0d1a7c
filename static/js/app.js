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
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "theme" || !event.submitter) return;
    event.preventDefault();
    setTheme(event.submitter.value);
  });

  // What takes long says so, and is not sent twice. A page that comes back out of the history is as it was.
  const rest = (form) => {
    form.removeAttribute("aria-busy");
    form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    form.querySelector(".busy-note")?.remove();
  };
  const busy = (form) => {
    form.setAttribute("aria-busy", "true");
    const note = Object.assign(document.createElement("p"), { className: "busy-note" });
    note.setAttribute("role", "status");
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", form.dataset.busy);
    form.append(note);
    note.append(bar, form.dataset.busy);
    // A button that is disabled before the form is sent is not part of what is sent.
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)), 0);
  };
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-busy]");
    if (form) busy(form);
  });
  // A file that no single request may have is sent piece by piece, as the server asks for it.
  const SMALL = { bytes: 100000, rows: 1000 };
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
  const isSmall = async (file) =>
    file.size <= SMALL.bytes && ((await file.text()).match(/[\n{]/g) ?? []).length <= SMALL.rows;
  const asked = async (form, url, body) => {
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const headers = { "X-CSRFToken": token, "Content-Type": "application/octet-stream" };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(url, { method: "POST", headers, body }).catch(() => null);
      if (answer?.headers.get("Content-Type") === "application/json" && answer.status !== 503) {
        const said = await answer.json();
        if (answer.ok) return said;
        if (!said.again || attempt > 20) throw new Error(said.error);
      } else if (answer && answer.status < 500) throw new Error(form.dataset.failed);
      else if (attempt > 5) throw new Error(form.dataset.failed);
      await pause(2);
    }
  };
  const sendPieces = async (form, file, dryRun) => {
    let job = await asked(form, `${form.dataset.pieces}?bytes=${file.size}${dryRun ? "&dry_run=1" : ""}`);
    const bar = form.querySelector(".busy-note progress");
    bar.max = file.size;
    while (job.running) {
      bar.value = job.offset;
      job = await asked(form, `${job.url}?offset=${job.offset}`, file.slice(job.offset, job.offset + job.wanted));
    }
    if (window.nav) window.nav.go(job.url);
    else location.assign(job.url);
  };
  document.addEventListener(
    "submit",
    async (event) => {
      const form = event.target.closest("form[data-pieces]");
      const file = form?.querySelector("[type=file]").files[0];
      if (!file || form.dataset.small) return void (form && delete form.dataset.small);
      event.preventDefault();
      event.stopImmediatePropagation();
      const { submitter } = event;
      if (await isSmall(file)) {
        form.dataset.small = "yes";
        return form.requestSubmit(submitter);
      }
      busy(form);
      try {
        await sendPieces(form, file, submitter?.name === "dry_run");
      } catch (error) {
        window.showToast(error.message || form.dataset.failed, "error");
      }
      return rest(form);
    },
    true,
  );
  const restAll = () => document.querySelectorAll("[aria-busy][data-busy]").forEach(rest);
  window.addEventListener("pageshow", restAll);
  document.addEventListener("htmx:finally:request", restAll);
  document.addEventListener("click", (event) => {
    const group = event.target.closest("a[data-file]")?.closest("[data-said]");
    if (group) window.showToast?.(group.dataset.said, "success");
  });

  // A form that is on its way is not sent again, however often its button is pressed. What htmx sends, it looks after.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog") return;
    if ("sent" in form.dataset) return void event.preventDefault();
    form.dataset.sent = "";
    setTimeout(() => delete form.dataset.sent, 5000);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  // A password can be looked at until it is sent.
  const reveal = (button, shown) => {
    document.getElementById(button.dataset.reveal).type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (button) reveal(button, button.getAttribute("aria-pressed") !== "true");
  });
  document.addEventListener("submit", (event) => {
    event.target.querySelectorAll("[data-reveal]").forEach((button) => reveal(button, false));
  });
  // A new one is judged while it is typed, by the server: it has the one rule.
  const JUDGED_AFTER = 300;
  const ABOUT = ["csrfmiddlewaretoken", "email", "given_name", "family_name"];
  let judging;
  const judge = async (input, strength) => {
    const form = new FormData(input.form);
    const body = new URLSearchParams({ password: input.value });
    ABOUT.forEach((name) => form.has(name) && body.append(name, form.get(name)));
    const answer = await fetch(strength.dataset.strength, { method: "POST", body }).catch(() => null);
    if (!answer?.ok) return;
    const found = await answer.json();
    if (body.get("password") !== input.value) return;
    strength.querySelector("meter").value = found.score;
    strength.querySelector("[role=status]").textContent = input.value ? found.text : "";
  };
  document.addEventListener("input", (event) => {
    const strength = event.target.closest(".field")?.querySelector("[data-strength]");
    if (!strength) return;
    clearTimeout(judging);
    judging = setTimeout(() => judge(event.target, strength), JUDGED_AFTER);
  });

  const account = () => document.getElementById("account");
  document.addEventListener("click", (event) => {
    const menu = account();
    if (menu?.open && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = account();
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
  window.showToast = (text, level = "error", link = null) => {
    const toast = document.getElementById("toast-template").content.cloneNode(true).firstElementChild;
    toast.className = `toast toast-${level}`;
    toast.querySelector("p").textContent = text;
    if (link) {
      const anchor = Object.assign(document.createElement("a"), { href: link.href, textContent: link.text, target: "_blank" });
      toast.querySelector("p").append(" ", anchor);
    }
    toasts.append(toast);
  };
})();
