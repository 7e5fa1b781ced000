// Filters without a new page, charts, and the progress of an upload. Without it everything but the
// pictures works: forms are sent and links are followed.
"use strict";
(() => {
  const here = () => location.pathname + location.search;
  let asked = 0;
  let shown = here();

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
      // The links to other pages take the filters with them.
      const [links, newer] = [document, page].map((each) => each.querySelector("nav.pages ul"));
      if (links && newer && !links.contains(document.activeElement)) links.replaceWith(newer);
      if (remember) history.pushState({}, "", address);
      shown = here();
      clvCharts.draw(fresh);
      document.documentElement.dataset.shown = String(mine);
    } catch (problem) {
      location.assign(address);
    }
  }

  function chosen(form) {
    const query = new URLSearchParams();
    const period = form.querySelector("select[name=period]");
    const own = form.period && form.period.value === "own";
    for (const [name, value] of new FormData(form)) {
      // What counts anyway isn't said: another page may have another usual period.
      if (name === "period" && period && value === period.dataset.usual) continue;
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
      if (form.querySelector("select[name=period]")) form.period.addEventListener("change", days);
      form.addEventListener("change", () => show(chosen(form), true));
      form.addEventListener("submit", (event) => { event.preventDefault(); show(chosen(form), true); });
      // Fields as well as numbers go back; a jump within the page is no change of address.
      window.addEventListener("popstate", () => { if (here() !== shown) location.reload(); });
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
    sending();
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
        // What follows is on the page, not in the bar.
        if (state.over || state.status !== holder.dataset.status) { location.reload(); return; }
      } catch (problem) {
        words.textContent = "The connection was lost; trying again.";
      }
      setTimeout(look, 1000);
    }
    look();
  }

  // How much of a file has left the browser.
  function sending() {
    const form = document.getElementById("send");
    if (!form) return;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const holder = form.querySelector(".sending");
      const [bar, words] = [holder.querySelector("progress"), holder.querySelector("[role=status]")];
      const button = form.querySelector("button");
      holder.hidden = false;
      button.disabled = true;
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.upload.onprogress = (sent) => {
        if (!sent.lengthComputable) return;
        bar.value = sent.loaded / sent.total;
        words.textContent = sent.loaded < sent.total
          ? `${Math.round(100 * bar.value)} % sent` : "Sent; waiting for the receiver";
      };
      request.onload = () => {
        if (request.status < 300 && request.responseURL !== form.action) {
          location.assign(request.responseURL);
        } else {
          const page = new DOMParser().parseFromString(request.responseText, "text/html");
          const said = page.querySelector("[role=alert]") || page.querySelector("main p");
          words.textContent = said ? said.textContent : "It was refused.";
          words.className = "problem";
          button.disabled = false;
        }
      };
      request.onerror = () => { words.textContent = "The connection was lost."; button.disabled = false; };
      request.send(new FormData(form));
    });
  }

  function draw() {
    if (window.Plotly) clvCharts.draw();
    else clvCharts.failed("The chart's program didn't load; the numbers stand in the tables.");
  }

  arm();
  window.addEventListener("load", draw);
})();
