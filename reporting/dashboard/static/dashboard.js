// Filters without a new page, charts, and the progress of an upload. Without it everything but the
// pictures works: forms are sent and links are followed.
"use strict";
(() => {
  let asked = 0;

  async function show(address, remember) {
    const mine = ++asked;
    const results = document.getElementById("results");
    results.classList.add("busy");
    results.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("results");
      if (mine !== asked) return;
      if (!answer.ok || answer.redirected || !fresh) { location.assign(address); return; }
      results.replaceWith(fresh);
      if (remember) history.pushState({}, "", address);
      clvCharts.draw(fresh);
      document.documentElement.dataset.shown = String(mine);
    } catch (problem) {
      location.assign(address);
    }
  }

  function chosen(form) {
    const query = new URLSearchParams();
    const own = form.period && form.period.value === "own";
    for (const [name, value] of new FormData(form)) {
      if (value && (own || (name !== "from" && name !== "to"))) query.set(name, value);
    }
    const text = query.toString();
    return location.pathname + (text ? `?${text}` : "");
  }

  function arm() {
    const form = document.getElementById("filters");
    if (form) {
      const days = () => {
        for (const field of form.querySelectorAll(".own")) field.hidden = form.period.value !== "own";
      };
      if (form.period) form.period.addEventListener("change", days);
      form.addEventListener("change", () => show(chosen(form), true));
      form.addEventListener("submit", (event) => { event.preventDefault(); show(chosen(form), true); });
      window.addEventListener("popstate", () => location.reload());
    }
    const company = document.querySelector("select[data-go]");
    if (company) {
      company.addEventListener("change", () => {
        location.assign(company.dataset.go.replace("{}", encodeURIComponent(company.value)));
      });
    }
    document.addEventListener("toggle", (event) => {
      if (event.target.open) clvCharts.draw(event.target);
    }, true);
    watch();
  }

  // Asks how far an upload is until it is at its end.
  function watch() {
    const holder = document.querySelector("[data-progress]");
    if (!holder) return;
    const bar = holder.querySelector("progress");
    const words = holder.querySelector("[role=status]");
    async function look() {
      try {
        const answer = await fetch(holder.dataset.progress, { headers: { Accept: "application/json" } });
        const state = await answer.json();
        words.textContent = state.text;
        words.className = state.tone;
        if (state.share === null) bar.removeAttribute("value"); else bar.value = state.share;
        if (state.over) return;
      } catch (problem) {
        words.textContent = "The connection was lost; trying again.";
      }
      setTimeout(look, 1000);
    }
    look();
  }

  function draw() {
    if (window.Plotly) clvCharts.draw();
    else clvCharts.failed("The chart's program didn't load; the numbers stand in the tables.");
  }

  arm();
  window.addEventListener("load", draw);
})();
