// The pages of tasks: what htmx leaves to us. Order, counts, selection, freshness, and a line that is not lost.
(() => {
  const DRAFT = ["id_title", "id_due_date", "id_priority", "id_category"];
  const titleField = () => document.querySelector("#quick-add #id_title");
  const isList = () => Boolean(document.querySelector(".view-open, .view-done, .view-all"));

  // Lists of dated tasks run by date, the others from the newest task down; ids sort by age.
  const place = (row) => {
    const list = row.parentElement;
    const dated = ["s-overdue", "s-today", "s-upcoming"].includes(list.id);
    const comesAfter = dated
      ? (other) => other.dataset.order > row.dataset.order
      : (other) => other.id < row.id;
    const next = [...list.querySelectorAll(".task")].find((other) => other !== row && comesAfter(other));
    if (next) next.before(row);
    row.classList.remove("new");
  };

  const count = () => {
    const filled = [...document.querySelectorAll(".section")].filter((section) => section.querySelector(".task"));
    filled.forEach((section, index) => {
      const counter = section.querySelector(".count");
      if (!counter) return;
      const counted = section.matches(".section-closed") ? ".task" : ".task:not(.closed)";
      const goesOn = index === filled.length - 1 && document.querySelector("#more a");
      counter.textContent = section.querySelectorAll(counted).length + (goesOn ? "+" : "");
    });
  };

  // Whoever pressed a button of a row that was replaced stays in that row, or goes to the next one.
  const refocus = (row, next) => {
    if (!row || row.isConnected || document.activeElement !== document.body) return;
    const now = document.getElementById(row.id);
    (now?.querySelector(".check") ?? next?.querySelector(".task-title") ?? titleField())?.focus();
  };

  // --- Freshness: other windows of this browser are told, and a page that comes back into view looks again. ------
  let seen = Date.now();
  let waiting = 0;
  let written = 0; // how many changes this page has sent: an answer to a look from before one is out of date
  const busy = () => document.querySelector(".task.editing, .dragging, dialog[open], details.menu[open]");
  const extended = () => document.querySelectorAll("#lists .task").length > 50;

  const lookAgain = (part, more) => htmx.ajax("GET", location.href, { target: part, select: part, swap: "outerMorph", quiet: true, ...more });
  const refresh = () => {
    clearTimeout(waiting);
    if (document.hidden || busy()) return void (waiting = setTimeout(refresh, 2000));
    seen = Date.now();
    // A list that was paged on is left as it is: looking again would shorten it.
    if (!document.getElementById("lists") || (isList() && extended())) return;
    lookAgain("#lists", { written });
  };
  const refreshSoon = (delay = 150) => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, delay);
  };
  document.addEventListener("tasks:elsewhere", () => refreshSoon());
  document.addEventListener("tasks:look", () => refreshSoon());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - seen > 5000) refreshSoon(0);
  });
  window.addEventListener("focus", () => Date.now() - seen > 20000 && refreshSoon(0));
  window.addEventListener("pageshow", (event) => event.persisted && refreshSoon(0));

  // What was asked for a moment ago may be in the way by now: of an edit, a change, a longer list, another search.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (ctx.written === undefined) return;
    if (!ctx.target.isConnected) return void event.preventDefault(); // of a page that was left meanwhile
    const late = busy() || ctx.written !== written || (ctx.searched === undefined && isList() && extended());
    if (late) refreshSoon();
    if (late || (ctx.searched ?? sought()) !== sought()) event.preventDefault();
  });

  document.addEventListener("htmx:finally:swap", (event) => {
    const { ctx } = event.detail;
    document.querySelectorAll(".task.new").forEach(place);
    count();
    selected();
    ctx.submitterToast?.remove();
    refocus(ctx.submitterRow, ctx.nextRow);
    const fresh = document.querySelector(".task.editing:not([data-met])");
    if (fresh) {
      fresh.dataset.met = "";
      const field = fresh.querySelector("input:not([type=hidden])");
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length);
    }
  });

  // The line empties at once, for the next thought, even while the last one waits to be sent; if a task could not
  // be added, its title comes back.
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    ctx.submitterRow = ctx.request.submitter?.closest?.(".task");
    ctx.submitterToast = ctx.request.submitter?.closest?.(".toast");
    ctx.nextRow = ctx.submitterRow?.nextElementSibling;
    ctx.writes = ctx.request.method !== "GET" && ctx.target !== document.body;
    ctx.page = document.getElementById("view");
    if (ctx.writes) written += 1;
    ctx.wide = !isList() || /\/tasks\/(bulk|snooze)\//.test(ctx.request.action) || ctx.request.submitter?.name === "token";
    ctx.submitterRow?.classList.add("busy");
    // A menu that has been used is in nobody's way, and not in that of looking again either.
    const menu = ctx.request.submitter?.closest?.("details.menu[open]");
    if (menu) menu.open = false;
    if (ctx.sourceElement.id === "quick-add") {
      ctx.draft = DRAFT.map((id) => [id, document.getElementById(id).value]);
      ctx.sourceElement.reset();
      titleField().value = "";
      document.dispatchEvent(new CustomEvent("quick:sent"));
    }
  });

  const giveBack = (event) => {
    const draft = event.detail.ctx?.draft;
    if (!draft) return;
    if (!titleField()) window.nav.keep("quick", draft.map(([id, value]) => [id.replace("id_", ""), value]));
    else if (!titleField().value) draft.forEach(([id, value]) => (document.getElementById(id).value = value));
  };
  for (const name of ["htmx:response:error", "htmx:error", "tasks:refused"]) document.addEventListener(name, giveBack);
  document.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = event.detail;
    ctx.submitterRow?.classList.remove("busy");
    if (!ctx.writes) return;
    if (ctx.response?.status < 300 && ctx.request.action?.includes("/filters/")) return void lookAgain("#view");
    if (ctx.response?.status < 300 && (ctx.wide || ctx.page !== document.getElementById("view"))) {
      if (ctx.sourceElement.id === "bulk") unselect();
      refreshSoon(0);
    }
  });

  // --- Selection -----------------------------------------------------------------------------------------------
  const boxes = () => [...document.querySelectorAll(".select")];
  const selected = () => {
    const counter = document.getElementById("bulk-count");
    if (counter) counter.textContent = boxes().filter((box) => box.checked).length;
  };
  const selecting = (on) => document.getElementById("view").classList.toggle("selecting", on);
  const unselect = () => {
    boxes().forEach((box) => (box.checked = false));
    selecting(false);
    document.getElementById("bulk")?.reset();
    selected();
  };
  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest(".select");
    if (!box) return;
    if (event.shiftKey && last?.isConnected) {
      const all = boxes();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      all.slice(from, to + 1).forEach((one) => (one.checked = box.checked));
    }
    last = box;
    selected();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#select");
    if (!link) return;
    event.preventDefault();
    if (document.getElementById("view").classList.contains("selecting")) unselect();
    else selecting(true);
  });
  // What is sent as if a form with these fields had been submitted.
  const send = (action, fields) => {
    const act = document.getElementById("act");
    const button = document.createElement("button");
    Object.assign(button, { type: "submit", hidden: true, formAction: action });
    const extra = Object.entries(fields).map(([name, value]) => {
      const field = document.createElement("input");
      return Object.assign(field, { type: "hidden", name, value });
    });
    act.append(...extra, button);
    act.requestSubmit(button);
    [...extra, button].forEach((field) => field.remove());
  };
  window.tasks = { send, selecting, unselect, selected, boxes, refresh: refreshSoon };

  // A list that was paged on is as long again when one comes back to it.
  const length = () => document.querySelectorAll("#lists .task").length;
  const lengthen = async (rows) => {
    for (let before = -1; length() < rows && length() > before; ) {
      before = length();
      const more = document.querySelector("#more a");
      if (more) await htmx.ajax("GET", more.href, { target: "#more", swap: "outerHTML", quiet: true });
    }
  };
  document.addEventListener("page:shown", (event) => {
    selected();
    seen = Date.now();
    const { was, waits } = event.detail;
    if (isList() && length() < was.rows) waits.push(lengthen(was.rows));
  });

  // A menu that is open closes when one looks elsewhere.
  document.addEventListener("click", (event) => {
    document.querySelectorAll(".view details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  // Searching while one types; the address always says what is shown. One search at a time, and the last one counts.
  const sought = () => document.getElementById("q")?.value;
  let typing = 0;
  let searching = false;
  const search = async () => {
    const field = document.getElementById("q");
    const url = new URL(location.href);
    new FormData(field.form).forEach((value, name) => url.searchParams.set(name, value));
    url.searchParams.delete("cursor");
    if (!field.value.trim()) url.searchParams.delete("q");
    history.replaceState(history.state, "", url);
    if (searching) return;
    searching = true;
    const searched = field.value;
    await htmx.ajax("GET", url.href, { target: "#view", select: "#view", swap: "outerMorph", written, searched });
    searching = false;
    if (sought() !== searched) search();
  };
  document.addEventListener("input", (event) => {
    if (event.target.id !== "q") return;
    clearTimeout(typing);
    typing = setTimeout(search, 350);
  });
})();
