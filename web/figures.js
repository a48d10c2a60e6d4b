// The figures of the window: headline, topics, response times, outcomes and actions.

import { correctButton } from "./correct.js";
import { changeMark } from "./change.js";
import { h, keyed, setText } from "./dom.js";
import { counting, say } from "./drill.js";
import * as format from "./format.js";

export const FEW_TOPICS = 20; // which are shown without groups

const by = (id) => document.getElementById(id);
const [sentimentMark, updateSentimentMark] = changeMark();

/**
 * The figures of a window, beside those of the period `before` where they are known; `drillOf(insight, more)` is a
 * query, and `known` are the account's topics and their groups, of which those that are in `unfolded` show theirs.
 */
export function drawFigures(analytics, before, drillOf, known, unfolded) {
  if (analytics === null) return;
  const behind = (group, what, more) => ({ drill: drillOf("full", more), group, what });
  drawHeadline(analytics, before, behind);
  if (!sentimentMark.isConnected) by("sentiment-change").append(sentimentMark);
  updateSentimentMark(analytics.sentiment, before?.sentiment, "score", format.score);
  drawTopics(analytics, drillOf, known, unfolded);
  drawResponse(analytics.response_time_metrics.response_time, before?.response_time_metrics.response_time);
  drawBars(by("outcomes"), analytics.outcomes, before?.outcomes, "No outcomes in this window.", (type) =>
    behind("outcomes", format.words(type), { value: type }),
  );
  drawBars(by("actions"), analytics.actions, before?.actions, "No engagement actions in this window.");
}

function drawHeadline({ conversations, broadcast_only: alone, revenue, outcomes, response_time_metrics: metrics }, before, behind) {
  const response = metrics.response_time;
  const was = before?.response_time_metrics;
  const over = (n, what) => (n ? `over ${format.count(n)} ${what}${n === 1 ? "" : "s"}` : "no data");
  const paid = outcomes.tip || outcomes.purchase || outcomes.renewal;
  facts(by("headline"), [
    [
      "Conversations", conversations, before?.conversations, format.count,
      alone ? `and ${format.count(alone)} broadcasts alone` : "in the window",
      "ratio", behind("conversations", "conversations"),
    ],
    [
      "Revenue", revenue, before?.revenue, format.money, paid ? "tips, purchases, renewals" : "no sales",
      "ratio", behind("outcomes", "outcomes"),
    ],
    [
      "Median response", response.median, was?.response_time.median, format.duration, over(response.n, "response"),
      "ratio", behind("responses", "answers"),
    ],
    ["Unanswered", response.unanswered, was?.response_time.unanswered, format.count, "fans waiting"],
    [
      "Average handling",
      minutes(metrics.average_handling_time_minutes), minutes(was?.average_handling_time_minutes), format.duration,
      over(metrics.average_handling_time_n, "conversation"),
    ],
    [
      "Silence", metrics.silence_percentage, was?.silence_percentage, format.percent,
      over(metrics.silence_n, "conversation"), "points",
    ],
    ["Turns", metrics.turns, was?.turns, format.decimal, over(metrics.turns_n, "conversation")],
  ]);
}

const minutes = (value) => (value === null || value === undefined ? null : value * 60);

function drawResponse(response, before) {
  setText(by("response-count"), `${format.count(response.n)} answered`);
  facts(by("response"), [
    ["Mean", response.mean, before?.mean, format.duration],
    ["Median", response.median, before?.median, format.duration],
    ["90th percentile", response.p90, before?.p90, format.duration],
    ["Longest", response.max, before?.max, format.duration],
    ["Unanswered", response.unanswered, before?.unanswered, format.count],
  ]);
}

/** Rows of `[name, figure, figure before, how both are written, remark, kind of change, what lists what is behind]`. */
function facts(list, rows) {
  keyed(list, rows, ([name]) => name, ([name]) => {
    const value = h("dd", { class: "value" });
    const [mark, updateMark] = changeMark();
    const moved = h("dd", { class: "moved" }, mark);
    const note = h("dd", { class: "quiet" });
    const update = ([, figure, before, show, remark = "", kind = "ratio", link = null]) => {
      say(value, link ? counting(figure, show(figure), link) : show(figure));
      updateMark(figure, before, kind, show);
      setText(note, remark);
      note.hidden = !remark;
    };
    return [h("div", {}, h("dt", {}, name), value, moved, note), update];
  });
}

export const MARKS = {
  new: "Not discussed in the window before, and more often now than chance explains",
  fading: "At most half of its share in the window before, and less than chance explains",
};

function drawTopics({ topics, conversations }, drillOf, known, unfolded) {
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
  const rows = ranked.length > FEW_TOPICS ? folded(ranked, known, unfolded) : ranked.map((topic) => ({ topic }));
  keyed(by("topics"), rows.map((row) => ({ ...row, drillOf })), keyOfRow, (row) => (row.topic ? topicRow() : groupRow(row)));
}

const keyOfRow = ({ topic, group }) => (topic ? `topic ${topic.id}` : `group ${group.id}`);

/** Rows of topics, those of a group under it, where the first of them would be. */
function folded(ranked, { topics, groups }, unfolded) {
  const groupOf = new Map(topics.map(({ id, group }) => [id, group]));
  const inGroup = (id) => ranked.filter((topic) => groupOf.get(topic.id) === id);
  const rows = new Map(groups.map((group) => [group.id, { group, own: inGroup(group.id) }]));
  return ranked.flatMap((topic) => {
    const { group, own } = rows.get(groupOf.get(topic.id)) ?? { own: [] };
    if (own.length < 2) return [{ topic }];
    if (own[0] !== topic) return [];
    const isOpen = unfolded.has(group.id);
    return [{ group, own, isOpen }, ...(isOpen ? own.map((each) => ({ topic: each, group })) : [])];
  });
}

function groupRow({ group: { id } }) {
  const button = h("button", { type: "button", class: "link", "data-group": id });
  const quiet = h("span", { class: "quiet keywords" });
  return [h("tr", { class: "group" }, h("th", { scope: "rowgroup", colspan: "4" }, button, quiet)), ({ group, own, isOpen }) => {
    setText(button, group.label);
    button.setAttribute("aria-expanded", String(isOpen));
    setText(quiet, `${own.length} topics: ${own.map(({ topic }) => topic).join(", ")}`);
  }];
}

function topicRow() {
  const label = h("button", { type: "button", class: "link" });
  const mark = h("span", { class: "chip" });
  const keywords = h("span", { class: "quiet keywords" });
  const correct = correctButton("Correct this topic");
  const volume = h("td", { class: "number" });
  const share = h("span", { class: "number" });
  const bar = h("span", { class: "bar", "aria-hidden": "true" });
  const change = h("td", { class: "number" });
  const name = h("th", { scope: "row" }, h("span", { class: "label" }, label, " ", mark), keywords, correct);
  const row = h("tr", {}, name, volume, h("td", { class: "share" }, share, bar), change);
  return [row, ({ topic, group, drillOf: query }) => {
    row.classList.toggle("member", Boolean(group));
    label.dataset.topic = topic.id;
    setText(label, topic.topic);
    label.title = topic.keywords.join(", ");
    setText(mark, topic.mark ?? "");
    mark.hidden = !topic.mark;
    mark.title = MARKS[topic.mark] ?? "";
    Object.assign(correct.dataset, { kind: "topic", id: topic.id });
    setText(keywords, topic.keywords.slice(0, 4).join(", ") || (topic.category ?? ""));
    const drill = query("topics", { topic_id: topic.id, topic: topic.topic });
    say(volume, counting(topic.volume, format.count(topic.volume), { drill, group: "volume", what: `conversations, ${topic.topic}` }));
    setText(share, format.percent(topic.percentage_of_total));
    bar.style.setProperty("--part", Math.min(1, topic.percentage_of_total / 100));
    setText(change, format.trend(topic));
    change.title = `${format.count(topic.previous_volume)} in the window before`;
  }];
}

function drawBars(list, counts, before, nothing, linkOf = null) {
  const rows = Object.entries(counts).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  if (!rows.length) {
    keyed(list, [nothing], () => "nothing", () => [h("li", { class: "quiet" }, nothing), () => {}]);
    return;
  }
  const most = rows[0][1];
  const items = rows.map(([name, value]) => ({ name, value, was: before && (Object.hasOwn(before, name) ? before[name] : 0), part: value / most, link: linkOf?.(name) }));
  keyed(list, items, ({ name }) => `bar ${name}`, ({ name }) => {
    const n = h("span");
    const [mark, updateMark] = changeMark();
    const bar = h("span", { class: "bar", "aria-hidden": "true" });
    const update = ({ value, was, part, link }) => {
      say(n, link ? counting(value, format.count(value), link) : format.count(value));
      updateMark(value, was, "ratio", format.count);
      bar.style.setProperty("--part", part);
    };
    const figure = h("span", { class: "number" }, mark, n);
    return [h("li", {}, h("span", { class: "label" }, format.words(name)), figure, bar), update];
  });
}
