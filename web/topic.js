// One topic: its words, how often it was discussed when, and messages that are typical of it.

import { h, keyed, setText } from "./dom.js";
import { MARKS } from "./figures.js";
import * as format from "./format.js";
import { fanName } from "./inbox.js";

const by = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 800px)");

let opener = null; // what had the focus when the panel was opened
let shown = null; // the id of the topic that is shown

export function drawTopic({ topic, chats }, mayRead) {
  const panel = by("topic");
  if (topic === null) {
    if (panel.open) panel.close();
    if (shown !== null && opener?.isConnected) opener.focus({ preventScroll: true });
    shown = null;
    return;
  }
  setText(by("topic-title"), topic.label);
  setText(by("topic-mark"), topic.mark ?? "");
  by("topic-mark").title = MARKS[topic.mark] ?? "";
  by("topic-mark").hidden = !topic.mark;
  setText(by("topic-keywords"), topic.keywords.join(", "));
  drawCourse(topic.course ?? []);
  setText(by("topic-state"), says(topic, mayRead));
  const rows = topic.messages.map((each) => ({ each, chat: chats.get(each.chatId) }));
  keyed(by("typical"), rows, ({ each }) => `${each.chatId} ${each.messageId}`, message);
  if (shown !== topic.id) opener = document.activeElement;
  if (!panel.open) narrow.matches ? panel.showModal() : panel.show();
  if (shown !== topic.id) by("topic-title").focus();
  shown = topic.id;
}

function says({ error, messages, asking }, mayRead) {
  if (error) return error;
  if (asking) return "Asking…";
  if (!mayRead) return "You may not read messages: none are shown.";
  return messages.length ? "Messages that are typical of it, each of another chat:" : "No typical messages in this window.";
}

/** The conversations that discuss it, by the time they began. */
function drawCourse(course) {
  const most = Math.max(1, ...course.map(({ volume }) => volume));
  keyed(by("course"), course, ({ date }) => date, ({ date }) => {
    const said = h("span", { class: "sr" });
    const row = h("li", {}, said);
    return [row, ({ volume, conversations }) => {
      row.style.setProperty("--part", volume / most);
      row.title = `${date.slice(0, 10)}: ${format.count(volume)} of ${format.count(conversations)} conversations`;
      setText(said, row.title);
    }];
  });
}

function message({ each }) {
  const name = h("span", { class: "name" });
  const facts = h("span", { class: "quiet" });
  const text = h("span", { class: "text" });
  const place = { "data-chat-id": each.chatId, "data-message-id": each.messageId };
  const button = h("button", { type: "button", ...place }, h("span", { class: "line" }, name, facts), text);
  return [h("li", { "data-testid": "typical-row" }, button), ({ each: now, chat }) => {
    setText(name, chat ? fanName(chat) : `Fan ${now.fanId}`);
    setText(facts, `${now.direction === "fan" ? "Fan" : "You"} · ${format.moment(Date.parse(now.createdAt))}`);
    setText(text, now.text ?? "");
  }];
}
