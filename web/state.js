// What the page knows, and how each frame changes it. Pure: no DOM, no network, no clock.
// Frames leave out what is not known; here, as in what is asked for, it is null.

const MOST_TOPICS = 10; // that an update has
const RECENT = 50; // messages kept of each chat for the inbox; the panel asks for the rest

export const PAGE = 50; // chats that a page starts from, and asks for at a time

export const initial = {
  connection: "connecting", // connecting | live | lost
  loaded: false, // a full picture has arrived
  system: null, // {status, detail, progress}
  problem: null, // text
  days: 30,
  bucket: "day",
  analytics: null, // of the shown window
  before: null, // the same of the period before
  trend: null, // of the shown bucket, when it is not the day
  kind: "topic", // of the factors whose sales are compared
  money: null, // {conversion, ppv} of the shown window and kind
  heat: null, // of the shown window
  measure: "fan_messages", // what of it is shown
  people: null, // of the shown window
  team: "person", // what people are told apart by: person or shift
  beside: "", // whose figures they are shown beside; "": of the period before
  known: { topics: [], groups: [] }, // what topics the account can have, and which belong together
  unfolded: new Set(), // ids of the groups whose topics are shown
  topic: null, // {id, label, keywords, mark, course, messages, asking, error} of the one that is looked at
  drill: null, // {query, what, conversations, total, counted, amount, next, asking, error} of a number
  sort: "value", // of the fans
  segment: "", // of the fans that are shown; "": all
  fans: null, // as the insight answers them, those of the pages behind as well
  cohorts: null,
  found: null, // {text, mode, messages, next, by, waiting, without_meaning, asking, error} of the last search
  chats: new Map(), // by chat id, those that are known; the service has `total`
  total: 0,
  ranked: 0, // so many of the most urgent are known
  shown: PAGE, // so many of the known are to be shown
  online: new Set(), // user ids
  open: null, // {id, at, messages: Map, more, loading, error}; `at` is the message to show first, or null
};

export function reduce(state, event) {
  return (transitions[event.type] ?? ((same) => same))(state, event.payload, event);
}

const transitions = {
  connection: (state, connection) => ({ ...state, connection }),
  problem: (state, problem) => ({ ...state, problem }),
  window: (state, days) => ({ ...state, days, trend: null, before: null }),
  bucket: (state, bucket) => ({ ...state, bucket, trend: null }),
  insights: (state, analytics) => prioritise({ ...state, analytics }, analytics),
  trend: (state, trend) => ({ ...state, trend }),
  kind: (state, kind) => ({ ...state, kind }),
  money: (state, money) => ({ ...state, money }),
  before: (state, before) => ({ ...state, before }),
  people: (state, people) => ({ ...state, people }),
  people_by: (state, chosen) => ({ ...state, ...chosen }),
  heat: (state, heat) => ({ ...state, heat }),
  measure: (state, measure) => ({ ...state, measure }),
  fans_by: (state, chosen) => ({ ...state, ...chosen }),
  fans: (state, { fans, cohorts }) => ({ ...state, fans, cohorts }),
  /** The page behind `after`; one that was asked for before the fans were is let go. */
  more_fans: (state, { after, found }) =>
    state.fans?.next === after
      ? { ...state, fans: { ...state.fans, fans: [...state.fans.fans, ...found.fans], next: found.next } }
      : state,
  /** A search begins, or with a cursor goes on. */
  search(state, { text, mode, cursor }) {
    const nothing = { text, mode, messages: [], next: null, by: [], waiting: 0, without_meaning: 0 };
    return { ...state, found: { ...(cursor ? state.found : nothing), asking: true, error: null } };
  },
  found(state, { messages, ...rest }) {
    const found = { ...state.found, ...rest, messages: [...state.found.messages, ...messages], asking: false };
    return { ...state, found };
  },
  search_failed: (state, error) => ({ ...state, found: { ...state.found, asking: false, error } }),

  /** What a number counts is asked for, or more of it. */
  drilling(state, { query, what }) {
    const nothing = { query, what, conversations: [], total: 0, counted: 0, amount: null, next: null };
    const isMore = state.drill?.query === query;
    return { ...state, drill: { ...(isMore ? state.drill : nothing), asking: true, error: null } };
  },
  drilled(state, { query, found: { conversations, ...rest } }) {
    if (state.drill?.query !== query) return state;
    const all = [...state.drill.conversations, ...conversations];
    return { ...state, drill: { ...state.drill, ...rest, conversations: all, asking: false } };
  },
  drill_failed: (state, { query, error }) =>
    state.drill?.query === query ? { ...state, drill: { ...state.drill, asking: false, error } } : state,
  known_topics: (state, known) => ({ ...state, known }),
  folded(state, id) {
    const unfolded = new Set(state.unfolded);
    if (!unfolded.delete(id)) unfolded.add(id);
    return { ...state, unfolded };
  },
  /** A topic is looked at: what is asked for comes later. */
  topic_opened(state, id) {
    const { topic: label, keywords, mark } = state.analytics.topics.find((each) => each.id === id);
    return { ...state, topic: { id, label, keywords, mark, course: null, messages: [], asking: true, error: null } };
  },
  topic_told: (state, { id, told }) =>
    state.topic?.id === id ? { ...state, topic: { ...state.topic, ...told, asking: false } } : state,
  topic_closed: (state) => ({ ...state, topic: null }),
  undrilled: (state) => ({ ...state, drill: null }),

  system_status: (state, system) => ({ ...state, system }),
  system_error: (state, { errorMessage, code }) => ({
    ...state,
    problem: code ? `${errorMessage} (${code})` : errorMessage,
  }),

  /** Replaces everything, or everything of the frame's creator, but for the chat that is looked at. */
  full_sync_response(state, { conversations, analytics }, { creatorId = null }) {
    const stays = ([id, chat]) => (creatorId !== null && chat.creatorId !== creatorId) || id === state.open?.id;
    const others = [...state.chats].filter(stays);
    const chats = new Map([...others, ...conversations.map((node) => [node.conversationId, withNode(null, node)])]);
    const ranked = Math.min(PAGE, conversations.length);
    const shown = state.days === 30 || state.analytics === null ? analytics : state.analytics;
    return prioritise(
      { ...state, chats, ranked, analytics: shown, loaded: true },
      analytics,
    );
  },

  more: (state) => ({ ...state, shown: state.shown + PAGE }),
  /** Chats from `offset` on, the most urgent first. */
  ranked(state, { offset, conversations, total }) {
    const chats = new Map(state.chats);
    for (const node of conversations) {
      chats.set(node.conversationId, withNode(chats.get(node.conversationId) ?? null, node));
    }
    const end = conversations.length ? offset + conversations.length : total;
    return { ...state, chats, total, ranked: Math.max(state.ranked, end) };
  },
  /** What was said in a chat before a frame told of it for the first time. */
  recent(state, { id, messages }) {
    const chat = state.chats.get(id);
    if (!chat) return state;
    const known = new Map([...messages, ...chat.recent].map((message) => [String(message.id), message]));
    const recent = inOrder(known.values()).slice(-RECENT);
    const chats = new Map(state.chats);
    chats.set(id, { ...chat, recent, waitingSince: waitingSince(recent, chat.endDate, null) });
    return { ...state, chats };
  },

  append_message(state, node) {
    const chats = new Map(state.chats);
    chats.set(node.conversationId, withNode(chats.get(node.conversationId) ?? null, node));
    return { ...state, chats, open: appended(state.open, node) };
  },

  analytics_update(state, analytics) {
    const shown = state.days === 30 ? withTopics(analytics, state.analytics) : state.analytics;
    return prioritise({ ...state, analytics: shown }, analytics);
  },

  enrichment_result(state, { conversationId, topics, actions, sentiment = null, outcomes }) {
    const chat = state.chats.get(conversationId);
    if (!chat) return state;
    const chats = new Map(state.chats);
    chats.set(conversationId, { ...chat, topics, actions, sentiment, outcomes });
    return { ...state, chats };
  },

  online_users_update: (state, { user_ids }) => ({ ...state, online: new Set(user_ids.map(String)) }),

  opened: (state, { id, at = null }) => ({
    ...state,
    open: { id, at, messages: new Map(), more: false, loading: true, error: null },
  }),
  closed: (state) => ({ ...state, open: null }),
  /** Messages as received, latest first, from `offset` back; `more` says whether there are older ones. */
  page(state, { id, offset, items, more }) {
    if (state.open?.id !== id) return state;
    const oldest = state.open.loading || offset > 0; // else the latest ones were read again
    const messages = new Map(state.open.messages);
    let near = -Infinity;
    for (const item of items.toReversed()) {
      near = at(item) ?? near; // what carries no time keeps its place beside what does
      messages.set(String(item.id), { ...item, near });
    }
    const open = { ...state.open, messages, more: oldest ? more : state.open.more, loading: false, error: null };
    return { ...state, open };
  },
  page_failed: (state, { id, error }) =>
    state.open?.id === id ? { ...state, open: { ...state.open, loading: false, error } } : state,
};

/** Milliseconds since the epoch of a message as received, or null. */
export function at(message) {
  const created = message.createdAt;
  if (typeof created === "number") return created > 1e11 ? created : created * 1000;
  const parsed = Date.parse(created ?? "");
  return Number.isNaN(parsed) ? null : parsed;
}


const idOf = (user) => (user?.id === undefined || user.id === null ? null : String(user.id));

/** "fan" or "creator": frames say it, for a message as received it is derived as the service does. */
export function direction(message, creatorId) {
  if (message.direction) return message.direction;
  if (typeof message.isSentByMe === "boolean") return message.isSentByMe ? "creator" : "fan";
  const from = idOf(message.fromUser);
  const to = idOf(message.toUser);
  if (from !== null) return from === creatorId ? "creator" : "fan";
  if (to !== null) return to === creatorId ? "fan" : "creator";
  // A captured send is what the page sent, before the platform gave it a sender and a time.
  const { fromUser, toUser, withUser, createdAt } = message;
  return fromUser || toUser || withUser || createdAt ? "fan" : "creator";
}

/** Oldest first; what carries no time has just arrived. */
export function inOrder(messages) {
  const key = (message) => [at(message) ?? message.near ?? Infinity, String(message.id)];
  return [...messages].sort((a, b) => {
    const [timeA, idA] = key(a);
    const [timeB, idB] = key(b);
    if (timeA !== timeB) return timeA < timeB ? -1 : 1;
    return idA.length - idB.length || (idA < idB ? -1 : Number(idA > idB));
  });
}

/** The chats that come first among the known, and how many there are in all. */
export function inbox(state) {
  const rank = (chat) => chat.priority ?? -1;
  const rows = [...state.chats.values()].sort(
    (a, b) => rank(b) - rank(a) || (b.endDate ?? 0) - (a.endDate ?? 0) || (a.id < b.id ? -1 : 1),
  );
  return { rows: rows.slice(0, state.shown), total: Math.max(state.total, rows.length) };
}

function withNode(chat, node) {
  const byId = new Map((chat?.recent ?? []).map((message) => [String(message.id), message]));
  for (const message of node.messages) byId.set(String(message.id), message);
  for (const message of node.changedMessages ?? []) {
    if (byId.has(String(message.id))) byId.set(String(message.id), message);
  }
  for (const id of node.removedMessages ?? []) byId.delete(String(id));
  const recent = inOrder(byId.values()).slice(-RECENT);
  const priority = node.priorityScore ?? chat?.priority ?? null;
  const { messageCount, topics, actions, sentiment = null, outcomes, creatorId, fanId } = node;
  const endDate = node.endDate ? Date.parse(node.endDate) : null;
  return {
    id: node.conversationId,
    ...{ creatorId, fanId, endDate, messageCount, topics, actions, sentiment, outcomes, recent, priority },
    name: nameOf(node, recent) ?? chat?.name ?? null,
    waitingSince: waitingSince(recent, endDate, chat?.waitingSince ?? null),
    notWaiting: node.notWaiting ?? null,
    unread: node.unreadCount ?? chat?.unread ?? null,
    parts: node.priority ?? chat?.parts ?? null,
  };
}

/** The fan's name as every message has it; where there is none, frames have the fan's id in its place. */
function nameOf({ withUser, fanId }, messages) {
  for (const user of [withUser, messages.at(-1)?.fromUser]) {
    const name = user?.displayName || user?.name || user?.username;
    if (name && name !== fanId) return name;
  }
  return null;
}

/** When the fan messages at the end began, or null when the last word is the creator's. */
function waitingSince(recent, endDate, before) {
  const direct = recent.filter(({ kind }) => (kind ?? "direct") === "direct"); // nothing else answers
  const answer = direct.findLastIndex((message) => message.direction === "creator");
  const open = direct[answer + 1];
  if (!open) return null;
  const since = at(open) ?? endDate;
  // Without an answer among the recent ones the run may have begun before them.
  return answer < 0 && before !== null ? Math.min(before, since) : since;
}

/** An update has the topics with most volume: the others stay as they are known. */
function withTopics(analytics, before) {
  const told = new Set(analytics.topics.map(({ id }) => id));
  // Fewer than it may have are all there are.
  const others = told.size < MOST_TOPICS ? [] : (before?.topics ?? []).filter(({ id }) => !told.has(id));
  return { ...analytics, topics: [...analytics.topics, ...others] };
}

/** Priorities and unread counts are changes, and hold whatever the window. */
function prioritise(state, { priority, unreadCounts, chats: total }) {
  const chats = new Map(state.chats);
  for (const [id, parts] of Object.entries(priority)) {
    const chat = chats.get(id);
    if (chat) chats.set(id, { ...chat, priority: parts.score, parts, unread: unreadCounts[id] ?? chat.unread });
  }
  return { ...state, chats, total };
}

function appended(open, node) {
  if (open?.id !== node.conversationId) return open;
  const messages = new Map(open.messages);
  for (const message of node.messages) messages.set(String(message.id), message);
  for (const message of node.changedMessages ?? []) {
    const id = String(message.id);
    if (messages.has(id)) messages.set(id, { ...message, enrichment: messages.get(id).enrichment });
  }
  for (const id of node.removedMessages ?? []) messages.delete(String(id));
  return { ...open, messages };
}
