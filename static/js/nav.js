// From page to page without a reload. htmx asks (hx-boost) and swaps; here is what makes it a navigation: the styles and
// scripts of the next page, its address, title and focus, going back, what takes long, and what goes wrong.
// A page that is not one of ours (hx-boost on its body says so) is loaded as ever.
(() => {
  const SLOW = 150;
  const VERY_SLOW = 1200;
  const SHOWN = [409, 422]; // refusals whose answer is the page, with what was written
  const MOST_DRAFTS = 20;
  const said = (name) => document.getElementById("said")?.dataset[name];
  const inside = (page) => page.body.hasAttribute("hx-boost:inherited");
  let going = null; // the one request that may bring the next page
  let next = null; // where to go once what is being saved is saved
  const changed = "BroadcastChannel" in window ? new BroadcastChannel("tasks") : null;

  // --- Styles and scripts: exactly the styles of the next page, and each script once. ------------------------------
  const byName = (address) => address.replace(/\.[0-9a-f]{12}(?=\.\w+$)/, "");
  const loaded = (element) =>
    new Promise((resolve, reject) => {
      element.addEventListener("load", resolve, { once: true });
      element.addEventListener("error", reject, { once: true });
      document.head.append(element);
    });

  const styles = (page) => {
    const here = new Map([...document.querySelectorAll("link[rel=stylesheet]")].map((link) => [link.getAttribute("href"), link]));
    const there = [...page.querySelectorAll("link[rel=stylesheet]")].map((link) => link.getAttribute("href"));
    const waits = there.filter((href) => !here.has(href)).map((href) => {
      // Not for the page that is still there: it applies when the next one comes.
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", media: "not all" });
      link.setAttribute("href", href);
      return loaded(link);
    });
    return Promise.all(waits).then(() => () => {
      document.querySelectorAll("link[rel=stylesheet]").forEach((link) => {
        if (there.includes(link.getAttribute("href"))) link.removeAttribute("media");
        else link.remove();
      });
    });
  };

  const scripts = (page) => {
    const here = [...document.scripts].map((script) => script.getAttribute("src"));
    const there = [...page.querySelectorAll("script[src]")].map((script) => script.getAttribute("src"));
    const missing = there.filter((src) => !here.includes(src));
    // The site was updated meanwhile: its scripts are not mixed.
    if (missing.some((src) => here.map((one) => one && byName(one)).includes(byName(src)))) throw new Error("updated");
    return Promise.all(missing.map((src) => loaded(Object.assign(document.createElement("script"), { src, async: false }))));
  };

  // --- What takes long says so. ------------------------------------------------------------------------------------
  const timers = [];
  const busy = () => {
    timers.push(setTimeout(() => document.documentElement.classList.add("going"), SLOW));
    timers.push(setTimeout(() => (document.getElementById("going").textContent = said("going")), VERY_SLOW));
  };
  const idle = () => {
    timers.splice(0).forEach(clearTimeout);
    document.documentElement.classList.remove("going");
    const status = document.getElementById("going");
    if (status) status.textContent = "";
  };

  // --- What was written and not sent is there again when one comes back to it. --------------------------------------
  const drafts = new Map();
  const controls = (form) => [...form.elements].filter((field) => field.name && !["hidden", "submit", "button", "file"].includes(field.type));
  const isNew = (field) => {
    if (field.type === "checkbox") return field.checked !== field.defaultChecked;
    if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
    return field.value !== field.defaultValue;
  };
  const written = (form) => controls(form).filter(isNew).map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]);
  const keepDrafts = (ctx) => {
    const dropped = ctx.sourceElement.closest?.("[data-discard]");
    document.querySelectorAll("form[data-draft]").forEach((form) => {
      const { draft } = form.dataset;
      drafts.delete(draft);
      const values = written(form);
      if (values.length && form !== ctx.request.form && !dropped) drafts.set(draft, values);
    });
    while (drafts.size > MOST_DRAFTS) drafts.delete(drafts.keys().next().value);
  };
  const bringDrafts = () => {
    document.querySelectorAll("form[data-draft]").forEach((form) => {
      const values = drafts.get(form.dataset.draft);
      drafts.delete(form.dataset.draft);
      values?.forEach(([name, value]) => {
        const field = form.elements[name];
        if (typeof value === "boolean") field.checked = value;
        else field.value = value;
        if (field.closest("details")) field.closest("details").open = true;
        setTimeout(() => field.dispatchEvent(new Event("input", { bubbles: true })), 0);
      });
      if (values && form.dataset.back) window.showToast(form.dataset.back, "success");
    });
  };

  // --- One request -------------------------------------------------------------------------------------------------
  const nothing = (ctx) => {
    ctx.push = ctx.replace = "false";
    return new Response(null, { status: 204 });
  };
  const leave = (ctx, address) => {
    location.assign(address);
    return nothing(ctx);
  };
  const unreachable = (ctx) => {
    keepDrafts(ctx);
    const block = document.getElementById("unreachable").content.cloneNode(true);
    block.querySelector("a").href = location.href;
    document.getElementById("main").replaceChildren(block);
    htmx.process(document.getElementById("main"));
  };
  // Going back has changed the address already, so the page of that address is shown, whatever it is.
  const refused = (ctx, status) => {
    if (ctx.restores && status) return leave(ctx, location.href);
    if (ctx.request.method === "GET" && [400, 403].includes(status)) return leave(ctx, ctx.request.action);
    if (ctx.restores) unreachable(ctx);
    else window.problem(status, ctx);
    return nothing(ctx);
  };
  const address = (ctx, response) => {
    if (ctx.restores) return;
    const moved = ctx.request.method === "GET" || response.redirected;
    const same = response.url === location.href.split("#")[0];
    ctx.push = String(moved && !same);
    ctx.replace = String(moved && same);
    const from = ctx.sourceElement.getAttribute?.("href") ?? "";
    history.replaceState({ ...history.state, htmx: true, from, y: scrollY, rows: document.querySelectorAll("#lists .task").length }, "");
  };
  const answered = async (ctx, response) => {
    const writes = ctx.request.method !== "GET";
    if (response.status >= 400 && !SHOWN.includes(response.status)) return refused(ctx, response.status);
    const text = response.headers.get("content-type")?.includes("text/html") ? await response.text() : "";
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!inside(page)) return writes && new URL(response.url).pathname === said("login") ? refused(ctx, 401) : leave(ctx, response.url);
    try {
      [ctx.dress] = await Promise.all([styles(page.head), scripts(page.head)]);
    } catch {
      return leave(ctx, response.url);
    }
    if (ctx !== going) return nothing(ctx);
    ctx.root = page.documentElement;
    address(ctx, response);
    response.text = () => Promise.resolve(text);
    return response;
  };
  const ask = (ctx) => async (url, request) => {
    try {
      return await answered(ctx, await fetch(url, request));
    } catch {
      return ctx === going ? refused(ctx, 0) : nothing(ctx);
    }
  };

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.target !== document.body) return;
    ctx.restores = "HX-History-Restore-Request" in ctx.request.headers;
    const saving = going && going.request.method !== "GET";
    const again = going && ctx.sourceElement !== document.body && ctx.sourceElement === going.sourceElement;
    if (saving && ctx.request.method === "GET" && !ctx.sourceElement.matches("form")) next = ctx.request.action;
    if (!ctx.restores && (saving || again)) return void event.preventDefault();
    going?.request.abort?.();
    going = ctx;
    // The server answers as it answers any browser: whole pages, and redirects with what there is to say.
    ctx.request.headers = { Accept: "text/html" };
    ctx.fetch = ask(ctx);
    idle();
    busy();
  });

  // Tells the scripts that there is another page; what they still fetch for it is waited for.
  const shown = (was) => {
    const waits = [];
    document.querySelectorAll("[data-part]").forEach((field) => (field.value = field.dataset.part));
    document.dispatchEvent(new CustomEvent("page:shown", { detail: { was, waits } }));
    return waits;
  };
  const goOn = () => document.querySelector("form[data-goes-on]")?.requestSubmit(); // what is done in steps
  const focus = (ctx, from) => {
    const main = document.getElementById("main");
    const back = from && main.querySelector(`a[href="${CSS.escape(from)}"]`);
    const told = ctx.request.method !== "GET" && main.querySelector("[aria-invalid=true], [role=alert], [role=status]");
    const place = back || told || main.querySelector("h1") || main;
    if (!place.matches("a, input, select, textarea")) place.tabIndex = -1;
    place.focus({ preventScroll: !told });
  };

  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (!ctx.root) return;
    keepDrafts(ctx);
    ctx.toasts = [...tasks[0].fragment.querySelectorAll("#toasts > .toast")];
    ctx.dress();
    for (const name of ["lang", "dir", "data-theme"]) {
      if (ctx.root.hasAttribute(name)) document.documentElement.setAttribute(name, ctx.root.getAttribute(name));
      else document.documentElement.removeAttribute(name);
    }
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    if (!ctx.root) return;
    // What can still be undone goes along; the rest was about the page before.
    document.querySelectorAll(".toast:not(:has(.toast-action))").forEach((toast) => toast.remove());
    document.getElementById("toasts")?.append(...ctx.toasts);
    bringDrafts();
    const was = ctx.restores ? (history.state ?? {}) : {};
    const waits = shown(was);
    // The browser puts the page back to where it was, if it can and if all of it is there by now.
    const scrolls = ctx.restores && (waits.length || !window.navigation || /firefox/i.test(navigator.userAgent));
    if (!waits.length) focus(ctx, was.from);
    else Promise.all(waits).then(() => going || focus(ctx, was.from));
    if (scrolls) Promise.all(waits).then(() => going || scrollTo(0, was.y ?? 0));
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = event.detail;
    const writes = ctx.request.method !== "GET";
    if (writes) {
      changed?.postMessage("changed");
      document.dispatchEvent(new CustomEvent("tasks:changed"));
    }
    if (ctx !== going) return;
    idle();
    going = null;
    const address = next;
    next = null;
    if (!ctx.root || ctx.response.status >= 400) return;
    if (address) go(address);
    else goOn();
  });
  changed?.addEventListener("message", () => document.dispatchEvent(new CustomEvent("tasks:elsewhere")));

  const go = (url) => htmx.ajax("GET", url, { target: document.body, swap: "outerSync show:top", push: "true" });
  window.nav = { go, keep: (name, values) => drafts.set(name, values) };
  document.addEventListener("DOMContentLoaded", () => {
    shown({});
    setTimeout(goOn); // after htmx, which takes the page over in a timer of its own
  });

  // --- What went wrong, of any request: it says what to do, and takes nothing away. --------------------------------
  const renew = async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector("#act [name=csrfmiddlewaretoken]")?.value;
    if (!token) return window.problem(401);
    document.querySelectorAll("[name=csrfmiddlewaretoken]").forEach((field) => (field.value = token));
    return window.showToast(said("e403"));
  };
  const unsent = (ctx) => ctx?.draft || [...document.forms].some((form) => form.closest("main") && form.id !== "bulk" && form.method !== "get" && written(form).length);
  window.nav.unsent = () => Boolean(unsent());
  window.problem = (status, ctx) => {
    if (ctx?.quiet) return undefined;
    if (SHOWN.includes(status)) return undefined;
    if (status === 403 && ctx?.request.method !== "GET") return void renew().catch(() => window.showToast(said("failed")));
    if (status !== 401) return window.showToast(said(`e${status}`) ?? said(ctx?.request.method === "GET" ? "unread" : "failed"));
    if (!unsent(ctx)) return location.assign(said("login"));
    return window.showToast(said("e401"), "error", { text: said("signin"), href: said("login") });
  };
  // Signed out meanwhile: the answer to a part of a page says where to sign in.
  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = event.detail;
    if (!ctx.hx.redirect?.startsWith(said("login"))) return;
    event.preventDefault();
    window.problem(401, ctx);
    document.dispatchEvent(new CustomEvent("tasks:refused", { detail: { ctx } }));
  });
  document.addEventListener("htmx:response:error", (event) => window.problem(event.detail.ctx.response.status, event.detail.ctx));
  document.addEventListener("htmx:error", (event) => event.detail.ctx && window.problem(0, event.detail.ctx));
})();
