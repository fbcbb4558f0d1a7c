// The board: dragging a card presses the button of its menu that moves it there, so keys, menu and mouse do the same.
(() => {
  let card = null;
  const column = (event) => event.target.closest?.(".column");
  const leave = () => document.querySelectorAll(".drop").forEach((one) => one.classList.remove("drop"));

  document.addEventListener("dragstart", (event) => {
    card = event.target.closest?.(".task-card");
    if (!card) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.querySelector(".task-title").textContent);
    card.classList.add("dragging");
  });
  document.addEventListener("dragover", (event) => {
    if (!card || !column(event)) return;
    event.preventDefault();
    leave();
    column(event).classList.add("drop");
  });
  document.addEventListener("dragend", () => {
    card?.classList.remove("dragging");
    card = null;
    leave();
  });
  document.addEventListener("drop", (event) => {
    const to = column(event);
    if (!card || !to) return;
    event.preventDefault();
    const button = card.querySelector(`.move button[value=${to.dataset.status}]`);
    if (!button) return;
    const moved = card;
    button.click();
    moved.classList.remove("dragging");
    to.querySelector(".cards").prepend(moved); // at once; the page then looks again
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
