// Draws the charts of a report. Without JavaScript the data tables below hold the same.
(() => {
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const charts = [];

  const dataset = (line, kind) => {
    const colour = token(line.colour);
    const isLine = kind === "line";
    return {
      label: line.label,
      data: line.values,
      borderColor: colour,
      backgroundColor: isLine ? colour : colour + "cc",
      borderWidth: isLine ? 2 : 0,
      pointRadius: line.values.length > 45 ? 0 : 2.5,
      pointHoverRadius: 5,
      tension: 0, // a smoothed line would overshoot: it shows values that never were
      spanGaps: true,
      maxBarThickness: 28,
      borderRadius: 2,
      borderDash: line.colour === "warn" ? [6, 4] : [],
    };
  };

  const options = (data) => {
    const quiet = token("quiet"),
      grid = {
        color: token("line")
      };
    const along = {
      ticks: {
        color: quiet,
        maxRotation: 0,
        autoSkipPadding: 12
      },
      grid: {
        display: false
      },
      stacked: data.kind === "stacked"
    };
    const up = {
      beginAtZero: true,
      ticks: {
        color: quiet,
        precision: data.unit ? undefined : 0
      },
      grid,
      stacked: data.kind === "stacked"
    };
    if (data.unit === "%") up.max = 100;
    const across = data.kind === "across";
    along.ticks.autoSkip = !across;
    return {
      animation: calm ? false : {
        duration: 250
      },
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: across ? "y" : "x",
      interaction: {
        mode: "index",
        axis: across ? "y" : "x",
        intersect: false
      },
      scales: across ? {
        x: up,
        y: along
      } : {
        x: along,
        y: up
      },
      plugins: {
        legend: {
          display: data.lines.length > 1,
          align: "end",
          labels: {
            color: token("bs-body-color"),
            boxWidth: data.kind === "line" ? 26 : 12,
            boxHeight: 12,
            usePointStyle: data.kind === "line",
            pointStyle: "line"
          }
        }
      },
    };
  };

  const draw = (canvas) => {
    const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const type = data.kind === "line" ? "line" : "bar";
    charts.push(new Chart(canvas, {
      type,
      data: {
        labels: data.labels,
        datasets: data.lines.map((line) => dataset(line, data.kind))
      },
      options: options(data),
    }));
  };

  const drawAll = () => {
    while (charts.length) charts.pop().destroy();
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.locale = document.documentElement.lang; // of the numbers at the axes
    document.querySelectorAll("canvas[data-chart]").forEach(draw);
  };

  document.addEventListener("DOMContentLoaded", () => {
    if (!("Chart" in window)) return;
    drawAll();
    new MutationObserver(drawAll).observe(document.documentElement, {
      attributeFilter: ["data-bs-theme"]
    });
    // The dates are shown only for a custom range.
    const span = document.getElementById("id_span");
    const toggleDates = () => document.querySelectorAll(".report-start, .report-end").forEach((field) => {
      field.hidden = span.value !== "own";
    });
    if (span) {
      toggleDates();
      span.addEventListener("change", toggleDates);
    }
  });
  const dataTables = () => document.querySelectorAll(".report-data");
  window.addEventListener("beforeprint", () => {
    dataTables().forEach((table) => {
      table.open = true;
    });
    charts.forEach((chart) => chart.resize());
  });
  window.addEventListener("afterprint", () => {
    dataTables().forEach((table) => {
      table.open = false;
    });
  });
})();
