// The figures of the window: headline, topics, response times, outcomes and actions.

import { h, keyed, setText } from "./dom.js";
import * as format from "./format.js";

const by = (id) => document.getElementById(id);

export function drawFigures(analytics) {
  if (analytics === null) return;
  drawHeadline(analytics);
  drawTopics(analytics);
  drawResponse(analytics.response_time_metrics.response_time);
  drawBars(by("outcomes"), analytics.outcomes, "No outcomes in this window.");
  drawBars(by("actions"), analytics.actions, "No engagement actions in this window.");
}

function drawHeadline({ conversations, broadcast_only: alone, revenue, outcomes, response_time_metrics: metrics }) {
  const response = metrics.response_time;
  const over = (n, what) => (n ? `over ${format.count(n)} ${what}${n === 1 ? "" : "s"}` : "no data");
  const paid = outcomes.tip || outcomes.purchase || outcomes.renewal;
  facts(by("headline"), [
    ["Conversations", format.count(conversations), alone ? `and ${format.count(alone)} broadcasts alone` : "in the window"],
    ["Revenue", format.money(revenue), paid ? "tips, purchases, renewals" : "no sales"],
    ["Median response", format.duration(response.median), over(response.n, "response")],
    ["Unanswered", format.count(response.unanswered), "fans waiting"],
    [
      "Average handling",
      format.duration(minutes(metrics.average_handling_time_minutes)),
      over(metrics.average_handling_time_n, "conversation"),
    ],
    ["Silence", format.percent(metrics.silence_percentage), over(metrics.silence_n, "conversation")],
    ["Turns", format.decimal(metrics.turns), over(metrics.turns_n, "conversation")],
  ]);
}

const minutes = (value) => (value === null || value === undefined ? null : value * 60);

function drawResponse(response) {
  setText(by("response-count"), `${format.count(response.n)} answered`);
  facts(by("response"), [
    ["Mean", format.duration(response.mean), ""],
    ["Median", format.duration(response.median), ""],
    ["90th percentile", format.duration(response.p90), ""],
    ["Longest", format.duration(response.max), ""],
    ["Unanswered", format.count(response.unanswered), ""],
  ]);
}

function facts(list, rows) {
  keyed(list, rows, ([name]) => name, ([name]) => {
    const value = h("dd", { class: "value" });
    const note = h("dd", { class: "quiet" });
    const update = ([, figure, remark]) => {
      setText(value, figure);
      setText(note, remark);
      note.hidden = !remark;
    };
    return [h("div", {}, h("dt", {}, name), value, note), update];
  });
}

const MARKS = {
  new: "Not discussed in the window before, and more often now than chance explains",
  fading: "At most half of its share in the window before, and less than chance explains",
};

function drawTopics({ topics, conversations }) {
  const ranked = [...topics].sort((a, b) => b.volume - a.volume || (a.topic < b.topic ? -1 : 1));
  setText(
    by("topics-count"),
    topics.length ? `${topics.length} in ${format.count(conversations)} conversations` : "",
  );
  if (!ranked.length) {
    keyed(by("topics"), [{ id: "none" }], ({ id }) => id, () => [
      h("tr", {}, h("td", { colspan: "4", class: "quiet" }, "No topics in this window.")),
      () => {},
    ]);
    return;
  }
  keyed(by("topics"), ranked, ({ id }) => `topic ${id}`, topicRow);
}

function topicRow() {
  const label = h("span", {});
  const mark = h("span", { class: "chip" });
  const keywords = h("span", { class: "quiet keywords" });
  const volume = h("td", { class: "number" });
  const share = h("span", { class: "number" });
  const bar = h("span", { class: "bar", "aria-hidden": "true" });
  const change = h("td", { class: "number" });
  const name = h("th", { scope: "row" }, h("span", { class: "label" }, label, " ", mark), keywords);
  const row = h("tr", {}, name, volume, h("td", { class: "share" }, share, bar), change);
  return [row, (topic) => {
    setText(label, topic.topic);
    label.title = topic.keywords.join(", ");
    setText(mark, topic.mark ?? "");
    mark.hidden = !topic.mark;
    mark.title = MARKS[topic.mark] ?? "";
    setText(keywords, topic.keywords.slice(0, 4).join(", ") || (topic.category ?? ""));
    setText(volume, format.count(topic.volume));
    setText(share, format.percent(topic.percentage_of_total));
    bar.style.setProperty("--part", Math.min(1, topic.percentage_of_total / 100));
    setText(change, format.trend(topic));
    change.title = `${format.count(topic.previous_volume)} in the window before`;
  }];
}

function drawBars(list, counts, nothing) {
  const rows = Object.entries(counts).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  if (!rows.length) {
    keyed(list, [nothing], () => "nothing", () => [h("li", { class: "quiet" }, nothing), () => {}]);
    return;
  }
  const most = rows[0][1];
  keyed(list, rows, ([name]) => `bar ${name}`, ([name]) => {
    const n = h("span", { class: "number" });
    const bar = h("span", { class: "bar", "aria-hidden": "true" });
    const update = ([, value]) => {
      setText(n, format.count(value));
      bar.style.setProperty("--part", value / most);
    };
    return [h("li", {}, h("span", { class: "label" }, format.words(name)), n, bar), update];
  });
}
