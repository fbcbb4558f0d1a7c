// The calendar: a task is dragged, or moved with [ and ], to another day. It is the change that selected tasks get.
(() => {
  const dayOf = (cell) => cell.querySelector("time").getAttribute("datetime");
  const table = () => document.querySelector(".calendar");
  const send = (task, day) => {
    window.tasks.follow = task.id;
    window.tasks.send(table().dataset.move, { ids: task.dataset.id, do: "apply", due_date: day });
  };
  const drop = (task, cell) => {
    if (task.closest(".day") === cell) return;
    send(task, dayOf(cell));
    cell.querySelector("ul").prepend(task); // at once; the page then looks again
  };
  window.dragging({ item: ".day-task", place: ".day", drop });

  // By a key, also to a day that is not on the page.
  window.tasks.shiftDay = (task, days) => {
    const day = new Date(`${dayOf(task.closest(".day"))}T12:00:00Z`);
    day.setUTCDate(day.getUTCDate() + days);
    send(task, day.toISOString().slice(0, 10));
  };
  document.addEventListener("htmx:finally:swap", () => {
    const moved = window.tasks.follow && document.getElementById(window.tasks.follow);
    if (moved && document.activeElement === document.body) moved.querySelector("a").focus();
  });
})();
