// Sentiment over time, drawn by Plotly, with the same values as a table.

import { h, keyed, setText } from "./dom.js";
import * as format from "./format.js";

const LENGTH = { hour: 3600e3, day: 86400e3, week: 7 * 86400e3, month: 31 * 86400e3 };

// The page's policy forbids style elements. Plotly adds none for what is there: its own rules, of which style.css
// has those that this chart needs, and those of maps, whose id is a digest of them.
const STYLES = {
  "plotly.js-style-global": "no-inline-styles",
  "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53": "",
};

let loading = null;

function plotly() {
  loading ??= new Promise((resolve, reject) => {
    for (const [id, name] of Object.entries(STYLES)) document.head.append(h("meta", { id, class: name }));
    const script = h("script", { src: "/static/plotly.min.js" });
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("The chart's library could not be loaded."));
    document.head.append(script);
  });
  return loading;
}

let latest = null;

/** Show `trend` (a sentiment trend) over the window of `analytics`. */
export async function drawSentiment(trend, { startDate, endDate }) {
  latest = trend;
  const mean = document.getElementById("sentiment-mean");
  const node = document.getElementById("sentiment");
  setText(
    mean,
    trend.n
      ? `mean ${format.score(trend.sentiment_score)}, ${format.mood(trend.sentiment_score)}, over ${format.count(trend.n)} fan messages`
      : "",
  );
  node.setAttribute(
    "aria-label",
    trend.n
      ? `Line chart of sentiment by ${trend.bucket}, ${trend.trend.length} points, ${mean.textContent}`
      : "No sentiment in this window",
  );
  drawValues(trend);
  node.classList.toggle("blank", !trend.n);
  let Plotly;
  try {
    Plotly = await plotly();
  } catch (error) {
    node.textContent = `${error.message} The values are in the table below.`;
    return;
  }
  if (latest !== trend) return;
  Plotly.react(node, traces(trend), layout(trend, startDate, endDate), { displayModeBar: false, responsive: true });
}

function traces({ trend, bucket }) {
  const x = [];
  const y = [];
  const n = [];
  let before = null;
  for (const point of trend) {
    const now = Date.parse(point.date);
    if (before !== null && now - before > 1.5 * LENGTH[bucket]) {
      x.push(point.date);
      y.push(null); // nothing was said between: the solid line breaks
      n.push(null);
    }
    before = now;
    x.push(point.date);
    y.push(point.sentiment_score);
    n.push(point.n);
  }
  const accent = colour("--accent");
  const most = Math.max(...n, 1);
  return [
    {
      x: trend.map((point) => point.date),
      y: trend.map((point) => point.sentiment_score),
      mode: "lines",
      line: { color: accent, width: 1, dash: "dot" },
      opacity: 0.45,
      hoverinfo: "skip",
    },
    {
      x, y,
      customdata: n,
      mode: "lines+markers",
      line: { color: accent, width: 2 },
      marker: { color: accent, size: n.map((value) => 4 + 5 * Math.sqrt((value ?? 0) / most)) },
      hovertemplate: "%{x}<br>sentiment %{y:.2f}<br>n = %{customdata}<extra></extra>",
    },
  ];
}

function layout({ n, time_zone: zone }, startDate, endDate) {
  const band = (y0, y1, fill) => ({
    type: "rect", xref: "paper", x0: 0, x1: 1, y0, y1, fillcolor: fill, line: { width: 0 }, layer: "below",
  });
  const name = (text, y) => ({
    text, y, xref: "paper", x: 0.995, xanchor: "right", showarrow: false, font: { size: 11, color: colour("--quiet") },
  });
  const nothing = {
    text: "No fan messages with a sentiment in this window",
    ...{ xref: "paper", yref: "paper", x: 0.5, y: 0.5, showarrow: false },
    font: { size: 13, color: colour("--quiet") },
  };
  return {
    autosize: true,
    showlegend: false,
    dragmode: false,
    margin: { l: 40, r: 16, t: 6, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("--quiet") },
    hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--line"), font: { color: colour("--text") } },
    xaxis: {
      type: "date", range: [startDate, endDate].map((time) => wall(time, zone)),
      showgrid: false, linecolor: colour("--line"), fixedrange: true,
    },
    yaxis: { range: [0, 1], tickvals: [0, 0.4, 0.6, 1], gridcolor: colour("--line"), zeroline: false, fixedrange: true },
    shapes: [band(0, 0.4, colour("--negative-band")), band(0.6, 1, colour("--positive-band"))],
    annotations: n ? [name("negative", 0.04), name("neutral", 0.5), name("positive", 0.96)] : [nothing],
  };
}

function drawValues({ trend, bucket, time_zone: zone }) {
  keyed(document.getElementById("sentiment-values"), trend, ({ date }) => date, ({ date }) => {
    const value = h("td", { class: "number" });
    const n = h("td", { class: "number" });
    const update = (point) => {
      setText(value, format.score(point.sentiment_score));
      setText(n, format.count(point.n));
    };
    return [h("tr", { title: `${bucket}, ${zone}` }, h("th", { scope: "row" }, date), value, n), update];
  });
}

/** An instant as the wall clock of `zone` shows it: Plotly's axis has no time zone of its own. */
function wall(instant, zone) {
  return new Date(instant).toLocaleString("sv-SE", { timeZone: zone });
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
