// Keys for everything. The sheet that "?" opens is in the page; what it lists is what is here.
(() => {
  const sheet = () => document.getElementById("keys");
  const rows = () => [...document.querySelectorAll("#lists .task:not([hidden]), #lists .task-card, #lists .day-task")];
  const current = () => document.activeElement?.closest?.(".task, .task-card, .day-task");
  const go = async (place, address) => (place === "i" || !window.nav ? location.assign(address) : window.nav.go(address));
  // The line for new tasks and the search are on the list, wherever one is.
  const find = async (selector) => {
    if (!document.querySelector(selector)) await go("t", sheet()?.dataset.list);
    document.querySelector(selector)?.focus();
  };
  const press = (selector) => current()?.querySelector(selector)?.click();
  const move = (step) => {
    const all = rows();
    const at = all.indexOf(current());
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
    next?.querySelector("a.task-title, .restore, a")?.focus();
  };
  const priority = (value) => {
    const box = current()?.querySelector(".select");
    const bulk = document.getElementById("bulk");
    if (box && bulk) window.tasks.send(bulk.action, { ids: box.value, do: "apply", priority: value });
  };
  const select = () => {
    const box = current()?.querySelector(".select");
    if (!box) return;
    window.tasks.selecting(true);
    box.checked = !box.checked;
    window.tasks.selected();
  };
  const shift = (side) => {
    const card = current();
    if (card?.matches(".day-task")) return window.tasks.shiftDay(card, side);
    const columns = ["pending", "in_progress", "completed", "cancelled"];
    const column = card?.closest("[data-status]");
    if (!column) return undefined;
    const to = columns[columns.indexOf(column.dataset.status) + side];
    const button = to && card.querySelector(`.move button[value=${to}]`);
    if (!button) return undefined;
    window.tasks.follow = card.id;
    return button.click();
  };
  // In the trash the key opens the question whether one is sure.
  const remove = () => {
    const sure = current()?.querySelector(".sure");
    if (!current()) return document.querySelector("#edit [formaction$='/delete/']")?.click();
    if (!sure) return press("[formaction$='/delete/']");
    sure.open = true;
    return sure.querySelector("button").focus();
  };
  const places = { t: "list", b: "board", c: "calendar", d: "done", a: "all", x: "trash", i: "insights", s: "settings" };
  let goes = 0;

  const KEYS = {
    n: () => find("#quick-add #id_title"),
    a: () => KEYS.n(),
    "/": () => find("#q"),
    j: () => move(1),
    k: () => move(-1),
    c: () => press(".check"),
    e: () => (current()?.querySelector(".edit-line") ? press(".edit-line") : press(".task-title")),
    o: () => press(".task-title"),
    s: () => (current() ?? document.querySelector(".selecting #bulk, #edit"))?.querySelector("[data-snooze]")?.click(),
    x: select,
    "#": remove,
    Delete: remove,
    r: () => press(".restore"),
    d: () => document.querySelector("#edit [formaction$='/duplicate/']")?.click(),
    m: () => document.querySelector(".more a")?.click(),
    h: () => document.querySelector(".calendar-nav [rel=prev]")?.click(),
    l: () => document.querySelector(".calendar-nav [rel=next]")?.click(),
    t: () => document.querySelector(".calendar-nav [data-today]")?.click(),
    w: () => document.querySelector(".calendar-nav [data-other]")?.click(),
    b: () => document.querySelector(".selecting #bulk button")?.focus(),
    z: () => [...document.querySelectorAll(".toast-action")].pop()?.click(),
    1: () => priority("urgent"),
    2: () => priority("high"),
    3: () => priority("medium"),
    4: () => priority("low"),
    "[": () => shift(-1),
    "]": () => shift(1),
    "?": () => sheet()?.showModal(),
    g: () => (goes = Date.now()),
  };

  const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

  const escape = (event) => {
    const line = event.target.closest(".line");
    if (line) return line.querySelector("[data-cancel]").click();
    const menu = event.target.closest("details.menu[open]");
    if (menu) {
      menu.open = false;
      return menu.querySelector("summary").focus();
    }
    if (typing(event.target)) return event.target.blur();
    if (document.querySelector(".selecting")) window.tasks?.unselect();
    return undefined;
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return void escape(event);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      return void event.target.closest("form")?.requestSubmit();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || sheet()?.open) return;
    if (goes && Date.now() - goes < 1500 && event.key in places) {
      goes = 0;
      const address = sheet()?.dataset[places[event.key]];
      if (address) {
        event.preventDefault();
        go(event.key, address);
      }
      return;
    }
    if (event.key in KEYS && (!event.repeat || "jk".includes(event.key))) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) sheet()?.showModal();
    if (event.target === sheet()) sheet().close();
  });
})();
