// The inbox: who needs an answer next.

import { h, keyed, setText } from "./dom.js";
import * as format from "./format.js";
import { inbox } from "./state.js";

const HIGH = 80;

export const PARTS = [
  ["unread", "Unread"],
  ["waiting", "Waiting"],
  ["sentiment", "Low sentiment"],
  ["spend", "Spend"],
];

export const fanName = (chat) => chat.name ?? `Fan ${chat.fanId}`;

export function drawInbox(state, now) {
  const { rows, total } = inbox(state);
  const scores = `${format.count(total)} chat${total === 1 ? "" : "s"}`;
  const part = total > rows.length;
  setText(document.getElementById("inbox-count"), part ? `first ${format.count(rows.length)} of ${scores}` : scores);
  document.getElementById("inbox-more").hidden = !part;
  const items = rows.map((chat) => ({
    chat, now, online: state.online.has(chat.fanId), current: state.open?.id === chat.id,
  }));
  keyed(document.getElementById("inbox"), items, ({ chat }) => chat.id, inboxRow);
}

function inboxRow({ chat: { id } }) {
  const score = h("span", { class: "score" });
  const [bar, updateBar] = partsBar();
  const name = h("span", { class: "name" });
  const online = h("span", { class: "online" }, h("span", { class: "sr" }, ", online now"));
  const preview = h("span", { class: "preview" });
  const feeling = h("span", { class: "mood" });
  const waiting = h("span", { class: "waiting" });
  const unread = h("span", { class: "unread" });
  const button = h(
    "button", { type: "button" },
    h("span", { class: "rank" }, h("span", { class: "sr" }, "Priority "), score, bar),
    h("span", { class: "who" }, h("span", { class: "line" }, name, online), preview),
    h("span", { class: "when" }, h("span", { class: "line" }, unread, waiting), feeling),
  );
  const row = h("li", { "data-testid": "inbox-row", "data-chat-id": id }, button);
  let shown = null;
  return [row, ({ chat, now, online: isOnline, current }) => {
    online.hidden = !isOnline;
    setText(waiting, waits(chat, now));
    waiting.title = chat.notWaiting ?? "";
    button.setAttribute("aria-pressed", String(current));
    if (chat === shown) return;
    shown = chat;
    row.classList.toggle("high", (chat.priority ?? 0) > HIGH);
    setText(score, chat.priority === null ? format.NONE : String(Math.round(chat.priority)));
    updateBar(chat.parts);
    setText(name, fanName(chat));
    setText(preview, lastWords(chat));
    setText(feeling, chat.sentiment === null ? "no sentiment" : `${format.score(chat.sentiment)} ${format.mood(chat.sentiment)}`);
    feeling.dataset.mood = format.mood(chat.sentiment);
    setText(unread, chat.unread ? `${chat.unread} unread` : "");
    unread.hidden = !chat.unread;
  }];
}

/** The four contributions to a priority score as one stacked bar: `[element, update(parts)]`. */
export function partsBar() {
  const segments = PARTS.map(([key]) => h("span", { "data-part": key }));
  const bar = h("span", { class: "parts", "aria-hidden": "true" }, ...segments);
  return [bar, (parts) => {
    bar.hidden = parts === null;
    if (parts === null) return;
    PARTS.forEach(([key], i) => segments[i].style.setProperty("--part", parts[key] / 100));
    bar.title = PARTS.map(([key, label]) => `${label}: ${format.decimal(parts[key])}`).join("\n");
  }];
}

function waits(chat, now) {
  if (chat.notWaiting !== null) return "no answer needed";
  if (chat.waitingSince === null) return chat.recent.length ? "answered" : "";
  return `waiting ${format.shortly((now - chat.waitingSince) / 1000)}`;
}

function lastWords(chat) {
  const last = chat.recent.at(-1);
  if (!last) return "No messages";
  const speaker = last.direction === "creator" ? "You: " : "";
  return speaker + format.messageText(last);
}
