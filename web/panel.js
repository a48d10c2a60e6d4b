// The side panel: one chat's messages with what was understood of each.

import { correctButton } from "./correct.js";
import { h, keyed, setText } from "./dom.js";
import * as format from "./format.js";
import { PARTS, fanName, partsBar } from "./inbox.js";
import { at, direction, inOrder } from "./state.js";

const by = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 800px)");

let shownId = null;
let opener = null; // what had the focus when the chat was opened
let shownMessages = null;
let shownAt = null; // the message that was brought into view

export function drawPanel({ open, chats }) {
  const panel = by("panel");
  if (open === null) {
    if (panel.open) hide(panel);
    return;
  }
  const chat = chats.get(open.id);
  setText(by("panel-title"), chat ? fanName(chat) : `Chat ${open.id}`);
  drawFacts(chat);
  drawState(open);
  const list = by("messages");
  const changed = shownId !== open.id;
  if (changed) list.replaceChildren();
  const atEnd = changed || list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  if (changed || shownMessages !== open.messages) {
    const items = inOrder(open.messages.values());
    keyed(list, items.map((message) => ({ message, chat })), ({ message }) => message.id, bubble);
    shownMessages = open.messages;
  }
  if (changed) opener = document.activeElement;
  if (!panel.open) show(panel); // which takes the focus
  if (changed) by("panel-title").focus();
  shownId = open.id;
  if (open.at === null) shownAt = null;
  const isToShow = open.at !== null && shownAt !== open.at;
  const sought = isToShow ? list.querySelector(`[data-message-id="${CSS.escape(open.at)}"]`) : null;
  if (sought) {
    shownAt = open.at;
    list.querySelector(".sought")?.classList.remove("sought");
    sought.classList.add("sought");
    sought.tabIndex = -1;
    sought.scrollIntoView({ block: "center" });
    sought.focus({ preventScroll: true });
  } else if (atEnd) {
    list.scrollTop = list.scrollHeight;
  }
}

function show(panel) {
  if (narrow.matches) panel.showModal();
  else panel.show();
}

function hide(panel) {
  panel.close();
  const chat = `[data-chat-id="${CSS.escape(shownId)}"]`;
  const row = shownAt === null ? `#inbox ${chat}` : `#found ${chat}[data-message-id="${CSS.escape(shownAt)}"]`;
  const isInTable = opener?.isConnected && opener.dataset.chatId === shownId;
  (isInTable ? opener : document.querySelector(`${row} button`))?.focus({ preventScroll: true });
  shownId = shownAt = null;
}

function drawFacts(chat) {
  const facts = by("panel-facts");
  keyed(facts, chat ? [chat] : [], ({ id }) => id, () => {
    const figures = h("p", { class: "figures" });
    const topics = h("p", { class: "chips" });
    const [bar, updateBar] = partsBar();
    const legend = h("ul", { class: "legend" });
    const update = ({ priority, parts, messageCount, sentiment, topics: uses, outcomes }) => {
      const found = [
        `Priority ${format.decimal(priority)}`,
        `${format.count(messageCount)} messages`,
        `sentiment ${format.score(sentiment)} ${sentiment === null ? "" : format.mood(sentiment)}`.trim(),
      ];
      if (outcomes.length) found.push(`${outcomes.length} outcome${outcomes.length === 1 ? "" : "s"}`);
      setText(figures, found.join(" · "));
      updateBar(parts);
      const rows = parts ? PARTS : [];
      keyed(legend, rows, ([key]) => key, ([key, label]) => {
        const value = h("span", { class: "number" });
        return [
          h("li", { "data-part": key }, h("span", {}, label), value),
          ([name]) => setText(value, format.decimal(parts[name])),
        ];
      });
      chips(topics, uses.map(({ id, topic }) => ["topic", id, topic]));
    };
    return [h("div", {}, figures, bar, legend, topics), update];
  });
}

function drawState(open) {
  const text = open.error ?? (open.loading ? "Loading messages…" : open.messages.size ? "" : "No messages.");
  setText(by("panel-state"), text);
  by("panel-state").hidden = !text;
  by("panel-older").hidden = open.loading || !open.more;
}

function bubble() {
  const text = h("p", { class: "text" });
  const meta = h("p", { class: "meta" });
  const found = h("p", { class: "chips" });
  const correct = correctButton("Correct what was understood of this message");
  const row = h("li", { "data-testid": "message" }, h("div", { class: "bubble" }, text, meta), found, correct);
  return [row, ({ message, chat }) => {
    const side = direction(message, chat?.creatorId);
    row.dataset.direction = side;
    row.dataset.messageId = message.id;
    Object.assign(correct.dataset, { kind: "message", id: message.id, chat: chat?.id ?? "" });
    correct.hidden = !message.enrichment;
    setText(text, format.messageText(message));
    setText(meta, remarks(message, side).join(" · "));
    chips(found, understood(message));
  }];
}

function remarks(message, side) {
  const media = message.media?.length ?? 0;
  const [price, tip] = [message.price, message.tipAmount].map((amount) => Number(amount) || 0);
  return [
    side === "fan" ? "Fan" : "You",
    format.moment(at(message)),
    ...(price > 0 ? [`priced ${format.money(price)}`] : []),
    ...(tip > 0 ? [`tip ${format.money(tip)}`] : []),
    ...(media ? [`${media} attachment${media === 1 ? "" : "s"}`] : []),
  ];
}

/** `[kind, key, label]` for each thing that was understood of a message; null: not looked at yet. */
function understood(message) {
  const { enrichment } = message;
  if (!enrichment) return [["pending", "", "not analysed yet"]];
  const { sentiment, sentimentReason, language, topics, actions, entities, failed } = enrichment;
  return [
    ...(sentiment === null ? [] : [[format.mood(sentiment), "", `${format.score(sentiment)} ${format.mood(sentiment)}`]]),
    ...(sentimentReason === "language" ? [["pending", "language", `${tongue(language)}: not read`]] : []),
    ...(topics ?? []).map(({ id, topic }) => ["topic", id, topic]),
    ...(actions ?? []).map((action) => ["action", action, format.words(action) + evidenceOf(action, message)]),
    ...(entities ?? []).map(({ type, text, start }) => ["entity", `${type} ${start}`, `${words(type)}: ${text}`]),
    ...Object.keys(failed).map((strategy) => ["pending", strategy, `no ${words(strategy)}: it failed`]),
  ];
}

/** What shows an action: the words, a field that the platform set, or how sure the model is. */
function evidenceOf(action, message) {
  const told = message.enrichment.actionEvidence?.[action]; // under pseudonyms there is none
  if (!told) return "";
  const [kind, at] = told.split(" ");
  if (kind === "model") return ` (model, ${format.share(Number(at))})`;
  if (kind !== "text") return ` (${told})`;
  const characters = [...format.messageText(message)].slice(...at.split(":").map(Number));
  return characters.length ? `: ${characters.join("")}` : "";
}

const tongues = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

/** The English name of a language that is stated by its code; messages of earlier releases state none. */
function tongue(language) {
  return language ? tongues.of(language) : "another language";
}

const words = (type) => format.words(type.toLowerCase());

function chips(list, items) {
  list.hidden = !items.length;
  keyed(list, items, ([kind, key, label]) => `${kind} ${key} ${label}`, ([kind, , label]) => [
    h("span", { class: "chip", "data-kind": kind }, label),
    () => {},
  ]);
}
