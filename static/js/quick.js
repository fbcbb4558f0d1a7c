// The quick-add line: what is understood is marked while one types, and each part can be taken back.
(() => {
  const KEEP = "keep";
  const state = { kept: new Set(), line: "", timer: 0, asked: null };
  const form = () => document.getElementById("quick-add");
  const input = () => document.querySelector("#quick-add #id_title");

  const clear = () => {
    document.querySelector(".quick-marks")?.replaceChildren();
    document.getElementById("quick-parts")?.replaceChildren();
  };

  const mark = (line, parts) => {
    const marks = document.querySelector(".quick-marks");
    marks.replaceChildren();
    let at = 0;
    for (const part of parts) {
      marks.append(line.slice(at, part.start));
      const span = document.createElement("mark");
      span.className = `mark-${part.kind}`;
      span.textContent = line.slice(part.start, part.end);
      marks.append(span);
      at = part.end;
    }
    marks.append(line.slice(at));
    marks.scrollLeft = input().scrollLeft;
  };

  const list = (parts) => {
    const items = parts.map((part) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = `part part-${part.kind}`;
      button.title = form().dataset.keep.replace("{}", part.text);
      button.setAttribute("aria-label", `${part.means}. ${button.title}`);
      button.textContent = part.means;
      button.addEventListener("click", () => keep(part.text));
      item.append(button);
      return item;
    });
    document.getElementById("quick-parts").replaceChildren(...items);
  };

  const hidden = () => {
    form().querySelectorAll(`input[name=${KEEP}]`).forEach((field) => field.remove());
    for (const text of state.kept) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: KEEP, value: text });
      form().append(field);
    }
  };

  const keep = (text) => {
    state.kept.add(text);
    hidden();
    ask();
    input().focus();
  };

  const ask = async () => {
    if (!form()) return undefined;
    const line = input().value;
    state.line = line;
    state.asked?.abort();
    if (!line.trim()) return clear();
    state.asked = new AbortController();
    const query = new URLSearchParams({ line });
    for (const text of state.kept) query.append(KEEP, text);
    try {
      const answer = await fetch(`${form().dataset.parse}?${query}`, { signal: state.asked.signal });
      const type = answer.headers.get("content-type") ?? "";
      if (!answer.ok || !type.includes("json") || input()?.value !== line) return;
      // Offsets are of the line as it was read, and count characters as Python does, in code points.
      const { line: read, parts } = await answer.json();
      const points = [...read];
      const offset = (index) => points.slice(0, index).join("").length;
      const moved = parts.map((part) => ({ ...part, start: offset(part.start), end: offset(part.end) }));
      mark(read, moved);
      list(moved);
    } catch (error) {
      if (error.name !== "AbortError") clear(); // what is not marked is still understood when it is sent
    }
  };

  document.addEventListener("input", (event) => {
    if (!form() || event.target !== input()) return;
    const typed = event.target.value.normalize().toLowerCase();
    for (const text of state.kept) {
      if (!typed.includes(text.toLowerCase())) state.kept.delete(text);
    }
    hidden();
    const marks = document.querySelector(".quick-marks");
    if (!event.target.value.startsWith(state.line)) marks.replaceChildren();
    clearTimeout(state.timer);
    state.timer = setTimeout(ask, 120);
  });
  document.addEventListener("scroll", (event) => {
    if (form() && event.target === input()) document.querySelector(".quick-marks").scrollLeft = input().scrollLeft;
  }, true);
  document.addEventListener("quick:sent", () => {
    clearTimeout(state.timer);
    state.asked?.abort();
    state.kept.clear();
    state.line = "";
    if (!form()) return;
    hidden();
    clear();
  });
  document.addEventListener("click", (event) => {
    const example = event.target.closest(".example");
    if (!example || !form()) return;
    input().value = example.dataset.example;
    input().focus();
    ask();
  });
})();
