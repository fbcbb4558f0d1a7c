// Dragging with a mouse, a pen or a finger. window.dragging({ item, place, scroller, drop }): selectors of what is
// dragged and of where it may go, of what scrolls sideways, and what to do then. A finger drags after a short press,
// so that it can scroll as ever.
window.dragging = ({ item, place, scroller, drop }) => {
  const PRESS = 280;
  const SLACK = 10;
  const EDGE = 56;
  const STEP = 9;
  const root = document.documentElement;
  let dragged = null;
  let over = null;

  const mark = (where) => {
    if (where === over) return;
    over?.classList.remove("drop");
    over = where;
    over?.classList.add("drop");
  };
  const begin = (what) => {
    dragged = what;
    const top = what.getBoundingClientRect().top;
    what.classList.add("dragging");
    root.classList.add("choosing"); // places that are hidden otherwise appear, without moving what is dragged
    scrollBy(0, what.getBoundingClientRect().top - top);
  };
  const end = (where) => {
    const what = dragged;
    what?.classList.remove("dragging");
    root.classList.remove("choosing");
    dragged = null;
    mark(null);
    if (what && where) drop(what, where);
  };

  // --- A mouse: the browser's own dragging.
  document.addEventListener("dragstart", (event) => {
    const what = event.target.closest?.(item);
    if (!what) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", what.textContent.trim());
    begin(what);
  });
  document.addEventListener("dragover", (event) => {
    const where = dragged && event.target.closest?.(place);
    if (!where) return;
    event.preventDefault();
    mark(where);
  });
  document.addEventListener("dragend", () => end(null));
  document.addEventListener("drop", (event) => {
    const where = dragged && event.target.closest?.(place);
    if (!where) return;
    event.preventDefault();
    end(where);
  });

  // --- A finger or a pen: a copy of what is dragged goes with it, and the page scrolls at its edges.
  let pressed = null; // { what, x, y, timer, pointer }
  let ghost = null;
  let at = { x: 0, y: 0 };

  const follow = () => {
    if (!ghost) return;
    ghost.style.translate = `${at.x - ghost.grip.x}px ${at.y - ghost.grip.y}px`;
    if (at.y < EDGE * 2) scrollBy(0, -STEP);
    else if (at.y > innerHeight - EDGE) scrollBy(0, STEP);
    const sideways = scroller && document.querySelector(scroller);
    if (sideways && at.x < EDGE) sideways.scrollLeft -= STEP;
    else if (sideways && at.x > innerWidth - EDGE) sideways.scrollLeft += STEP;
    mark(document.elementFromPoint(at.x, at.y)?.closest(place) ?? null);
    requestAnimationFrame(follow);
  };
  const lift = () => {
    const { what, x, y } = pressed;
    begin(what);
    const box = what.getBoundingClientRect();
    ghost = what.cloneNode(true);
    ghost.removeAttribute("id");
    ghost.classList.replace("dragging", "ghost");
    ghost.setAttribute("aria-hidden", "true");
    ghost.style.width = `${box.width}px`;
    ghost.grip = { x: x - box.left, y: y - box.top };
    document.body.append(ghost);
    navigator.vibrate?.(10);
    follow();
  };
  const release = (where) => {
    if (!pressed) return;
    clearTimeout(pressed.timer);
    pressed.what.draggable = true;
    pressed = null;
    if (!ghost) return;
    ghost.remove();
    ghost = null;
    end(where);
    // The click that a finger makes when it leaves is not one on what it dragged.
    const swallow = (event) => (event.preventDefault(), event.stopPropagation());
    document.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => document.removeEventListener("click", swallow, { capture: true }), 50);
  };

  document.addEventListener("pointerdown", (event) => {
    const what = event.target.closest?.(item);
    if (event.pointerType === "mouse" || !event.isPrimary || !what || event.target.closest("button, summary, .menu")) return;
    what.draggable = false; // or the browser's own dragging would begin with a long press as well
    at = { x: event.clientX, y: event.clientY };
    pressed = { what, ...at, pointer: event.pointerId, timer: setTimeout(lift, PRESS) };
  });
  document.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pressed?.pointer) return;
    at = { x: event.clientX, y: event.clientY };
    if (!ghost && Math.hypot(at.x - pressed.x, at.y - pressed.y) > SLACK) release(null);
  });
  document.addEventListener("pointerup", (event) => {
    if (event.pointerId === pressed?.pointer) release(document.elementFromPoint(event.clientX, event.clientY)?.closest(place));
  });
  document.addEventListener("pointercancel", (event) => event.pointerId === pressed?.pointer && release(null));
  document.addEventListener("touchmove", (event) => ghost && event.cancelable && event.preventDefault(), { passive: false });
  document.addEventListener("contextmenu", (event) => pressed && event.preventDefault());
  document.addEventListener("keydown", (event) => event.key === "Escape" && release(null));
};
