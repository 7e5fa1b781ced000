// Draws each .chart from the JSON inside it, in the colours of the page.
"use strict";
const clvCharts = (() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function themed(layout) {
    const axis = (given) => ({
      gridcolor: css("--grid"), zerolinecolor: css("--line"), linecolor: css("--line"),
      tickfont: { size: 12 }, ...given,
      title: { standoff: 10, font: { size: 12 }, ...(given && given.title) },
    });
    return {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: css("--ink") },
      hoverlabel: { bgcolor: css("--card"), bordercolor: css("--line"), font: { color: css("--ink") } },
      xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis),
      separators: ".,",
    };
  }

  function size(holder) {
    const width = Math.max(holder.parentElement.clientWidth, Number(holder.dataset.minWidth));
    holder.style.width = `${width}px`;
    return { width, height: Number(holder.dataset.height) };
  }

  function draw(root) {
    if (!window.Plotly) return;
    for (const holder of (root || document).querySelectorAll(".chart")) {
      const source = holder.querySelector("script[type='application/json']");
      if (source) { holder.figure = JSON.parse(source.textContent); source.remove(); }
      if (!holder.figure || holder.parentElement.clientWidth === 0) continue;
      const layout = { ...themed(holder.figure.layout), ...size(holder) };
      Plotly.react(holder, holder.figure.data, layout, { displayModeBar: false, responsive: false });
    }
    document.documentElement.dataset.charts = "drawn";
  }

  function failed(why) {
    for (const holder of document.querySelectorAll(".chart")) {
      if (!holder.querySelector(".chart-problem")) {
        const said = document.createElement("p");
        said.className = "chart-problem";
        said.textContent = why;
        holder.append(said);
      }
    }
  }

  let waiting = 0;
  const again = () => { clearTimeout(waiting); waiting = setTimeout(() => draw(), 120); };
  window.addEventListener("resize", again);
  window.addEventListener("beforeprint", () => draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  return { draw, failed };
})();
