// One task: its checklist as boxes, the custom repeat when it is wanted, its history, and news from other windows.
(() => {
  const LINE = /^\s*(?:[-*]\s+)?(?:\[([ xX]?)\]\s*)?(.*?)\s*$/;

  const steps = (area) => {
    const list = document.createElement("ol");
    list.className = "steps";
    const write = () => {
      const lines = [...list.children].map((item) => [item.querySelector("[type=checkbox]").checked, item.querySelector(".input").value.trim()]);
      area.value = lines.filter(([, text]) => text).map(([done, text]) => `[${done ? "x" : " "}] ${text}`).join("\n");
    };
    const add = (done, text, after) => {
      const item = document.getElementById("step-template").content.cloneNode(true).firstElementChild;
      item.querySelector("[type=checkbox]").checked = done;
      item.querySelector(".input").value = text;
      if (after) after.after(item);
      else list.append(item);
      return item.querySelector(".input");
    };
    area.value.split("\n").forEach((line) => {
      const [, done, text] = LINE.exec(line) ?? [];
      if (text) add((done ?? "").toLowerCase() === "x", text);
    });
    list.addEventListener("input", write);
    list.addEventListener("change", write);
    list.addEventListener("click", (event) => {
      if (!event.target.closest(".icon-button")) return;
      const item = event.target.closest("li");
      (item.nextElementSibling ?? item.previousElementSibling)?.querySelector(".input").focus();
      item.remove();
      write();
    });
    list.addEventListener("keydown", (event) => {
      const item = event.target.closest("li");
      if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && event.target.matches(".input")) {
        event.preventDefault();
        add(false, "", item).focus();
      }
      if (event.key === "Backspace" && event.target.matches(".input") && !event.target.value && item.previousElementSibling) {
        event.preventDefault();
        item.previousElementSibling.querySelector(".input").focus();
        item.remove();
        write();
      }
    });
    const more = document.getElementById("step-add").content.cloneNode(true).firstElementChild;
    more.addEventListener("click", () => add(false, "").focus());
    const label = document.querySelector(`label[for=${area.id}]`);
    list.setAttribute("aria-label", label.textContent);
    area.after(list, more);
    area.hidden = true;
    area.parentElement.querySelector(".help")?.remove();
    label.removeAttribute("for");
  };
  const custom = () => {
    const repeat = document.getElementById("id_recurrence");
    const field = document.querySelector(".field-custom");
    const choose = () => (field.hidden = repeat.value !== "custom");
    if (!repeat || !field) return;
    choose();
    repeat.addEventListener("change", () => {
      choose();
      if (!field.hidden) field.querySelector("input").focus();
    });
  };

  // "Every 1 week", "every 2 weeks": what follows a number is in the singular or plural that it wants.
  document.addEventListener("input", (event) => {
    const line = event.target.matches("#repeat [type=number]") && event.target.closest(".repeat-line");
    if (line) line.querySelectorAll("[data-one]").forEach((word) => (word.textContent = Number(event.target.value) === 1 ? word.dataset.one : word.dataset.many));
  });

  // Parts of the page that come after it.
  const part = async (address) => {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    return answer.ok && answer.status !== 204 ? answer.text() : "";
  };
  const show = (place, html) => {
    place.replaceChildren(document.createRange().createContextualFragment(html));
    htmx.process(place);
  };

  const history = () => {
    const more = document.getElementById("history-more");
    const events = document.getElementById("history-events");
    more?.addEventListener("toggle", async () => {
      if (!more.open || events.dataset.loaded) return;
      const html = await part(events.dataset.load).catch(() => "");
      if (!html) return;
      events.dataset.loaded = "yes";
      show(events, html);
    });
  };

  let looked = Date.now();
  const look = async () => {
    const stale = document.getElementById("stale");
    if (document.hidden || !stale) return;
    looked = Date.now();
    const html = await part(stale.dataset.fresh).catch(() => "");
    if (html && stale.isConnected) show(stale, html);
  };
  document.addEventListener("tasks:elsewhere", look);
  // The latest comes in a window of its own while there are words in this one.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#stale a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (window.nav.unsent()) return void (link.target = "_blank");
    event.preventDefault();
    window.nav.go(link.href);
  });
  document.addEventListener("tasks:changed", look);
  document.addEventListener("visibilitychange", () => Date.now() - looked > 3000 && look());
  window.addEventListener("focus", () => Date.now() - looked > 10000 && look());

  document.addEventListener("page:shown", () => {
    const area = document.getElementById("id_checklist");
    if (area && !area.hasAttribute("aria-invalid")) steps(area);
    custom();
    history();
  });
})();
