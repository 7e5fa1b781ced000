// The report carries plotly.js compressed: unpacks it, runs it and draws.
(async () => {
  try {
    const packed = document.getElementById("plotly").textContent;
    const bytes = Uint8Array.from(atob(packed.trim()), (letter) => letter.charCodeAt(0));
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script);
    clvCharts.draw();
  } catch (problem) {
    clvCharts.failed("This browser can't draw the chart; its numbers stand in the text and tables.");
  }
})();
