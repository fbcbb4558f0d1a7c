// Draws the figures that the page carries as JSON, in the page's colours, and again when those change.
// Cards that were not ready with the page, or failed, are fetched here. Without this file the page has its words,
// numbers and tables.
(() => {
  const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false, showTips: false };
  const root = document.documentElement;
  const drawn = new Set();
  const message = (name) => document.getElementById("chart-messages")?.dataset[name] ?? "";

  // What a style sheet leaves to the theme, as the colour that it is now: Plotly knows no light-dark().
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const plain = (value) => {
    if (!value.startsWith("light-dark(")) return value;
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };

  // "var(--name)" is the only way a figure names a colour or a font of the page.
  const resolve = (value, styles) => {
    if (typeof value === "string") {
      const token = /^var\((--[\w-]+)\)$/.exec(value);
      return token ? plain(styles.getPropertyValue(token[1]).trim()) : value;
    }
    if (Array.isArray(value)) return value.map((item) => resolve(item, styles));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, styles)]));
    }
    return value;
  };

  // Dates and numbers as the page's language writes them.
  const registerLocale = (language) => {
    const names = (options, dates) => dates.map((date) => new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options }).format(date));
    const week = Array.from({ length: 7 }, (_, n) => new Date(Date.UTC(2023, 0, 1 + n)));
    const year = Array.from({ length: 12 }, (_, n) => new Date(Date.UTC(2023, n, 1)));
    const parts = new Intl.NumberFormat(language).formatToParts(1234567.8);
    const part = (type, fallback) => parts.find((p) => p.type === type)?.value ?? fallback;
    window.Plotly.register({
      moduleType: "locale",
      name: language,
      dictionary: {},
      format: {
        days: names({ weekday: "long" }, week),
        shortDays: names({ weekday: "short" }, week),
        months: names({ month: "long" }, year),
        shortMonths: names({ month: "short" }, year),
        periods: ["AM", "PM"],
        dateTime: "%a %-d %b %Y %H:%M",
        date: "%-d %b %Y",
        time: "%H:%M",
        year: "%Y",
        month: "%b %Y",
        dayMonth: "%-d %b",
        dayMonthYear: "%-d %b %Y",
        decimal: part("decimal", "."),
        thousands: part("group", ","),
        grouping: [3],
        currency: ["", ""],
      },
    });
  };

  const draw = async (chart) => {
    const source = document.getElementById(chart.dataset.figure);
    if (!source) return;
    const { data, layout } = resolve(JSON.parse(source.textContent), getComputedStyle(root));
    const config = { ...CONFIG, locale: root.lang || "en" };
    await window.Plotly.react(chart, data, { ...layout, autosize: true }, config);
    chart.classList.remove("skeleton");
    chart.dataset.drawn = "true";
    if (!drawn.has(chart)) chart.on("plotly_click", ({ points }) => follow(chart, points));
    drawn.add(chart);
    offerSvg(chart);
  };

  // A trace names the query of the tasks behind its points; {x}, {y} and {0}, {1} … stand for the point's own values.
  const follow = (chart, points) => {
    const point = points[0];
    const drillDown = point.data.meta?.drill_down;
    if (!drillDown) return;
    const own = [].concat(point.customdata ?? []);
    const value = (text) => text.replace(/\{(\w+)\}/g, (_, name) => (name in { x: 0, y: 0 } ? point[name] : own[name]) ?? "");
    const query = Object.entries(drillDown).map(([name, text]) => [name, value(text)]).filter(([, text]) => text !== "");
    location.assign(`${chart.dataset.drillDown}&${new URLSearchParams(query)}`);
  };

  const svgOf = async (chart) => {
    const address = await window.Plotly.toImage(chart, { format: "svg", width: chart.clientWidth, height: chart.clientHeight });
    return new Blob([decodeURIComponent(address.slice(address.indexOf(",") + 1))], { type: "image/svg+xml" });
  };

  const offerSvg = (chart) => {
    const button = chart.closest("[data-card]")?.querySelector("[data-svg]");
    if (button) button.hidden = false;
  };

  const save = (blob, name) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  const giveUp = (chart) => {
    chart.classList.remove("skeleton");
    chart.classList.add("insight-empty");
    chart.textContent = message("undrawable");
  };

  const drawAll = async (scope) => {
    for (const chart of scope.querySelectorAll("[data-figure]:not([data-drawn])")) {
      try {
        await draw(chart);
      } catch (error) {
        console.error(error);
        giveUp(chart);
      }
    }
  };

  const repaint = () => [...drawn].filter((chart) => chart.isConnected).forEach(draw);

  const load = async (card) => {
    card.setAttribute("aria-busy", "true");
    card.querySelector(".insight-body")?.classList.add("skeleton");
    try {
      const answer = await fetch(card.dataset.card, { headers: { "X-Requested-With": "fetch" } });
      if (answer.redirected) return location.reload(); // signed out: the page leads to the sign-in page
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-card]");
      if (!fresh) throw new Error(`status ${answer.status}`);
      card.replaceWith(fresh);
      await drawAll(fresh);
    } catch {
      card.removeAttribute("aria-busy");
      const body = card.querySelector(".insight-body");
      body.className = "insight-body insight-failed";
      const again = Object.assign(document.createElement("a"), { href: location.href, className: "button", textContent: message("again") });
      again.dataset.retry = "";
      body.replaceChildren(message("failed"), again);
    }
  };

  document.addEventListener("click", (event) => {
    const again = event.target.closest("[data-retry]");
    if (!again) return;
    event.preventDefault();
    load(again.closest("[data-card]"));
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-svg]");
    if (!button) return;
    const chart = button.closest("[data-card]").querySelector("[data-drawn]");
    save(await svgOf(chart), `${button.dataset.svg}.svg`);
  });

  // A filter applies as soon as it is chosen, and its URL says only what is not the default.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-filters]");
    if (!form) return;
    const chosen = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
    if (chosen.compare === "yes") delete chosen.compare;
    location.assign(`${form.action}?${new URLSearchParams(chosen)}`);
  });

  if (window.Plotly) registerLocale(root.lang || "en");
  drawAll(document);
  document.querySelectorAll("[data-pending]").forEach(load);

  new MutationObserver(repaint).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
})();
