// From a number to the conversations that it counts: the numbers are buttons, and a panel lists what is behind one.

import { h, keyed, setText } from "./dom.js";
import * as format from "./format.js";
import { fanName } from "./inbox.js";

const by = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 800px)");

let opener = null; // what had the focus when the panel was opened
let shown = null; // the query of what is listed

/**
 * Have a node say texts, of which some lead to what they count: `{text, drill, group, what, more}`, where `drill` is an
 * answer's own, `what` tells what is counted, and `more` are other parameters. What counts nothing leads nowhere.
 */
export function say(node, ...parts) {
  const items = parts.map((part, n) => ({ n, ...(typeof part === "object" ? part : { text: part }) }));
  keyed(node, items, ({ n, drill }) => `${n} ${drill ? "leads" : "says"}`, ({ drill }) => (drill ? leading() : saying()));
}

function saying() {
  const span = h("span");
  return [span, ({ text }) => setText(span, text)];
}

function leading() {
  const button = h("button", { type: "button", class: "link" });
  return [button, ({ text, drill, group, what, more = {} }) => {
    setText(button, text);
    button.dataset.drill = `${drill}&${new URLSearchParams({ group, ...more })}`;
    button.dataset.what = what;
    button.setAttribute("aria-label", `${text}: ${what}, list them`);
  }];
}

/** A number that leads to what it counts where it counts anything. */
export const counting = (number, text, link) => (number ? { text, ...link } : text);

export function drawDrill({ drill, chats }, mayRead) {
  const panel = by("drill");
  if (drill === null) {
    if (panel.open) panel.close();
    if (shown !== null && opener?.isConnected) opener.focus({ preventScroll: true });
    shown = null;
    return;
  }
  setText(by("drill-title"), drill.what);
  setText(by("drill-state"), says(drill));
  const rows = drill.conversations.map((each) => ({ each, chat: chats.get(each.chatId), mayRead }));
  keyed(by("drilled"), rows, ({ each }) => `${each.creatorId} ${each.conversationId}`, row);
  by("drill-more").hidden = drill.next === null || drill.asking;
  if (shown !== drill.query) opener = document.activeElement;
  if (!panel.open) narrow.matches ? panel.showModal() : panel.show();
  if (shown !== drill.query) by("drill-title").focus();
  shown = drill.query;
}

function says({ error, asking, conversations, total, counted, amount }) {
  if (error) return error;
  if (asking && !conversations.length) return "Asking…";
  const spread = `${format.count(counted)} in ${format.count(total)} conversation${total === 1 ? "" : "s"}`;
  const paid = amount === null ? "" : `, ${format.money(amount)}`;
  const part = conversations.length < total ? `; the first ${format.count(conversations.length)} are shown` : "";
  return `${spread}${paid}${part}.`;
}

function row({ each, mayRead }) {
  const name = h("span", { class: "name" });
  const facts = h("span", { class: "quiet" });
  const line = h("span", { class: "line" }, name, facts);
  const start = each.conversationId.slice(each.chatId.length + 1); // the id of its first message
  // Who may not read messages is told which conversations they are, and no more.
  const inner = mayRead
    ? h("button", { type: "button", "data-chat-id": each.chatId, "data-message-id": start }, line)
    : h("p", {}, line);
  return [h("li", { "data-testid": "drilled-row" }, inner), ({ each: now, chat }) => {
    setText(name, chat ? fanName(chat) : `Fan ${now.fanId}`);
    const found = [
      format.moment(Date.parse(now.startDate)),
      now.messageCount ? `${format.count(now.messageCount)} message${now.messageCount === 1 ? "" : "s"}` : "a broadcast alone",
      ...(now.counted === 1 ? [] : [`counted ${format.count(now.counted)} times`]),
      ...(now.amount ? [format.money(now.amount)] : []),
    ];
    setText(facts, found.join(" · "));
  }];
}
