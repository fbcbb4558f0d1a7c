// The board: dragging a card presses the button of its menu that moves it there, so keys, menu, mouse and finger do
// the same.
(() => {
  window.dragging({
    item: ".task-card",
    place: ".column",
    scroller: ".board",
    drop: (card, column) => {
      const button = card.querySelector(`.move button[value=${column.dataset.status}]`);
      if (!button) return;
      button.click();
      column.querySelector(".cards").prepend(card); // at once; the page then looks again
    },
  });

  // A card moved by a key keeps the focus where it went.
  document.addEventListener("htmx:finally:swap", () => {
    const id = window.tasks?.follow;
    const moved = id && document.getElementById(id);
    if (!moved || moved.contains(document.activeElement)) return;
    if (document.activeElement === document.body) {
      moved.querySelector(".task-title").focus();
    }
  });
})();
