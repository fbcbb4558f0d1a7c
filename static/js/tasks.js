// The task list: what htmx leaves to us. Order, counts, the new-task key, and failures that say what to do.
(() => {
  const MESSAGES = {
    400: "That could not be understood. Reload the page and try again.",
    403: "This page is out of date. Reload it and try again.",
    404: "That task is no longer here. It was probably deleted in another window.",
    413: "That is too long to save. Shorten it and try again.",
    429: "Too many changes at once. Wait a moment and try again.",
  };
  const FAILED = "That could not be saved. Check your connection and try again.";
  const EXPLAINED = [409, 422]; // the answer itself says what is wrong
  const DRAFT = ["id_title", "id_due_date", "id_priority", "id_category"];
  const titleField = () => document.getElementById("id_title");

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
      const counted = section.matches(".section-closed") ? ".task" : ".task:not(.closed)";
      const goesOn = index === filled.length - 1 && document.querySelector("#more a");
      section.querySelector(".count").textContent = section.querySelectorAll(counted).length + (goesOn ? "+" : "");
    });
  };

  // Whoever pressed a button of a row that was replaced stays in that row, or goes to the next one.
  const refocus = (row, next) => {
    if (!row || row.isConnected || document.activeElement !== document.body) return;
    const now = document.getElementById(row.id);
    (now?.querySelector(".check") ?? next?.querySelector(".task-title") ?? titleField())?.focus();
  };

  document.addEventListener("htmx:finally:swap", (event) => {
    const { ctx } = event.detail;
    document.querySelectorAll(".task.new").forEach(place);
    count();
    ctx.submitterToast?.remove();
    refocus(ctx.submitterRow, ctx.nextRow);
  });

  // The line empties at once, for the next thought, even while the last one waits to be sent; if a task could not
  // be added, its title comes back.
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    ctx.submitterRow = ctx.request.submitter?.closest?.(".task");
    ctx.submitterToast = ctx.request.submitter?.closest?.(".toast");
    ctx.nextRow = ctx.submitterRow?.nextElementSibling;
    ctx.submitterRow?.classList.add("busy");
    if (ctx.sourceElement.id === "quick-add") {
      ctx.draft = DRAFT.map((id) => [id, document.getElementById(id).value]);
      ctx.sourceElement.reset();
      titleField().value = "";
    }
  });

  const failed = (ctx, text) => {
    if (text) window.showToast(text);
    if (ctx?.draft && !titleField().value) ctx.draft.forEach(([id, value]) => (document.getElementById(id).value = value));
  };
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    const { status } = ctx.response;
    // Signed out, or signed in anew, in another window. What was typed is not thrown away by a reload.
    if (status === 403 && !ctx.draft) location.reload();
    else failed(ctx, EXPLAINED.includes(status) ? "" : (MESSAGES[status] ?? FAILED));
  });
  document.addEventListener("htmx:error", (event) => failed(event.detail.ctx, FAILED));
  document.addEventListener("htmx:finally:request", (event) => {
    event.detail.ctx.submitterRow?.classList.remove("busy");
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "n" || event.key === "a") {
      event.preventDefault();
      titleField()?.focus();
    }
  });
})();
