// Moving tasks to another day: the page for it opens over the list, or over the task.
(() => {
  const dialog = () => document.getElementById("snooze");
  const checked = () => window.tasks.boxes().filter((box) => box.checked).map((box) => box.value);
  let opener = null;

  const open = async (address, from) => {
    if (dialog().open) return;
    opener = from;
    await htmx.ajax("GET", address, { target: "#snooze-body", swap: "innerHTML" });
    if (!dialog()?.querySelector("form[action]")) return; // what went wrong has been said
    dialog().showModal();
    dialog().querySelector(".snooze-choices button")?.focus();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-snooze]");
    if (event.target === dialog()) dialog().close();
    if (!link || !dialog() || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const ids = link.value ? [link.value] : link.href ? [] : checked();
    if (!link.href && !ids.length) return;
    event.preventDefault();
    link.closest("details.menu")?.removeAttribute("open");
    open(link.href || `${link.getAttribute("formaction")}?${new URLSearchParams(ids.map((id) => ["ids", id]))}`, link);
  });

  document.addEventListener("tasks:snoozed", () => {
    const row = opener?.closest("[id]")?.id;
    if (opener?.closest("#bulk")) window.tasks.unselect();
    dialog()?.close();
    document.getElementById("snooze-body")?.replaceChildren();
    if (document.getElementById("edit")) return void (window.nav.unsent() || window.nav.go(location.href));
    document.getElementById(row)?.querySelector("a")?.focus();
  });
})();
