// Suggests people by their address or name in fields with `data-people`. Without it, they take an address or an id.
(() => {
  const PAUSE_MS = 200;
  const SHORTEST = 2;

  const suggestTo = (input, number) => {
    const list = document.createElement("datalist");
    list.id = `people-${number}`;
    input.after(list);
    input.setAttribute("list", list.id);
    let waiting = 0;
    let asked = "";

    const ask = async () => {
      const sought = input.value.trim();
      if (sought.length < SHORTEST || sought === asked) return;
      asked = sought;
      const answer = await fetch(`${input.dataset.people}?q=${encodeURIComponent(sought)}`);
      if (!answer.ok || asked !== sought) return;
      const { people } = await answer.json();
      list.replaceChildren(
        ...people.map(({ value, label }) => Object.assign(document.createElement("option"), { value, label })),
      );
    };

    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => ask().catch(() => {}), PAUSE_MS);
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("input[data-people]").forEach(suggestTo);
  });
})();
