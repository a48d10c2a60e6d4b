// The search box: messages by word and by meaning, each of which opens its chat at the message.

import { h, keyed, setText } from "./dom.js";
import * as format from "./format.js";
import { fanName } from "./inbox.js";

const by = (id) => document.getElementById(id);

export function drawFound({ found, chats }) {
  setText(by("find-state"), found ? says(found) : "");
  by("find-more").hidden = !found?.next || found.asking;
  const rows = (found?.messages ?? []).map((hit) => ({ hit, chat: chats.get(hit.chatId) }));
  keyed(by("found"), rows, ({ hit }) => `${hit.chatId} ${hit.messageId}`, result);
}

function says({ error, asking, messages, by: ways, waiting, without_meaning: left }) {
  if (error) return error;
  if (asking && !messages.length) return "Searching…";
  const count = messages.length;
  return [
    count ? `${format.count(count)} message${count === 1 ? "" : "s"} shown.` : "Nothing found.",
    ...(ways.includes("meaning") || !ways.length ? [] : ["By words alone."]),
    ...(waiting ? ["Some chats are still being read."] : []),
    ...(left && ways.includes("meaning") ? [`${format.count(left)} messages are found by their words alone so far.`] : []),
  ].join(" ");
}

function result({ hit }) {
  const name = h("span", { class: "name" });
  const facts = h("span", { class: "quiet" });
  const text = h("span", { class: "text" }, ...marked(hit));
  const button = h("button", { type: "button" }, h("span", { class: "line" }, name, facts), text);
  const row = h(
    "li", { "data-testid": "found-row", "data-chat-id": hit.chatId, "data-message-id": hit.messageId }, button,
  );
  return [row, ({ chat }) => {
    setText(name, chat ? fanName(chat) : `Fan ${hit.fanId}`);
    setText(facts, `${hit.direction === "fan" ? "Fan" : "You"} · ${format.moment(Date.parse(hit.createdAt))}`);
  }];
}

/** The text with what was searched for marked. Places are counted in characters, not in UTF-16 units. */
function marked({ text, highlights }) {
  const characters = [...text];
  const parts = [];
  let end = 0;
  for (const [start, stop] of highlights) {
    parts.push(characters.slice(end, start).join(""), h("mark", {}, characters.slice(start, stop).join("")));
    end = stop;
  }
  return [...parts, characters.slice(end).join("")];
}
