// The page: who is looked at, what is fetched when, and one drawing per animation frame.

import * as api from "./api.js";
import { drawSentiment } from "./charts.js";
import { listenToCorrections } from "./correct.js";
import { h, setText } from "./dom.js";
import { drawDrill } from "./drill.js";
import { drawFans } from "./fans.js";
import { FEW_TOPICS, drawFigures } from "./figures.js";
import { drawFound } from "./find.js";
import { drawHeat } from "./heat.js";
import { drawInbox } from "./inbox.js";
import { drawMoney } from "./money.js";
import { drawPanel } from "./panel.js";
import { drawPeople } from "./people.js";
import { PAGE, direction, initial, reduce } from "./state.js";
import { drawTopic } from "./topic.js";

const MESSAGES = 100; // asked for at a time
const MANY = 1000; // asked for where a message is looked for
const LAST = 30; // messages of a chat that nothing was known of
const SETTLE = 1000; // ms: a burst of updates asks for the window once
const CLOCK = 30_000; // ms between redrawings of "waiting .."
const WINDOW = 300_000; // ms after which a quiet window is asked for again, as its ends move

const by = (id) => document.getElementById(id);
// `mask` true: names are not shown; `reads`: messages may be read
const who = { user: null, creator: null, mask: null, known: false, reads: false };

let state = initial;
let drawn = {};
let scheduled = false;

function dispatch(type, payload, frame = {}) {
  const before = state;
  state = reduce(state, { ...frame, type, payload });
  if (state !== before && !scheduled) {
    scheduled = true;
    requestAnimationFrame(draw);
  }
}

function draw() {
  scheduled = false;
  const now = state;
  const changed = (...keys) => keys.some((key) => now[key] !== drawn[key]);
  if (changed("connection", "system", "problem")) drawStatus(now);
  if (changed("chats", "total", "loaded", "analytics")) drawEmpty(now);
  if (changed("analytics", "before", "known", "unfolded")) {
    drawFigures(now.analytics, now.before, drillOf(now), now.known, now.unfolded);
  }
  if (changed("analytics", "trend", "bucket")) drawTrend(now);
  if (changed("money")) drawMoney(now.money);
  if (changed("people", "team", "beside")) drawPeople(now);
  if (changed("heat", "measure")) drawHeat(now);
  if (changed("fans", "cohorts", "chats", "segment")) drawFans(now);
  if (changed("chats", "total", "shown", "online", "open")) drawInbox(now, Date.now());
  if (changed("found", "chats")) drawFound(now);
  if (changed("drill", "chats")) drawDrill(now, who.reads);
  if (changed("topic", "chats")) drawTopic(now, who.reads);
  if (changed("chats", "open")) drawPanel(now);
  drawn = now;
}

/** From an insight of the shown window to the query of what is behind it. */
const drillOf = ({ analytics }) => (insight, more) => api.drillOf(who, analytics, insight, more);

function drawTrend({ analytics, bucket, trend }) {
  const shown = bucket === "day" ? analytics?.sentiment_trend : trend;
  if (shown) drawSentiment(shown, analytics);
}

const CONNECTION = {
  none: ["wait", "No user chosen"],
  connecting: ["wait", "Connecting…"],
  live: ["good", "Live"],
  lost: ["bad", "Connection lost, trying again…"],
};
const SYSTEM = {
  PROCESSING_SNAPSHOT: ["wait", "Reading a snapshot"],
  REALTIME: ["good", "Up to date"],
  ERROR: ["bad", "Error"],
};

function drawStatus({ connection, system, problem }) {
  pill(by("connection"), CONNECTION[connection]);
  pill(by("system"), system ? SYSTEM[system.status] : ["", ""]);
  const reading = system?.status === "PROCESSING_SNAPSHOT";
  by("progress").hidden = !reading;
  drawProgress(by("progress").querySelector("progress"), reading ? system.progress : null);
  setText(by("progress").querySelector("span"), reading ? (system.detail ?? "Reading the snapshot…") : "");
  const remark = system?.status === "REALTIME" ? (system.detail ?? null) : null;
  by("note").hidden = remark === null;
  setText(by("note"), remark ?? "");
  const trouble = problem ?? (system?.status === "ERROR" ? (system.detail ?? "The service reports an error.") : null);
  by("problem").hidden = trouble === null;
  setText(by("problem").querySelector("span"), trouble ?? "");
}

/** Where nobody is asked who they are, the page says what that means. */
function drawOpen({ open_at: address }) {
  by("open").hidden = address === null;
  if (address === null) return;
  const text =
    `Nobody is asked who they are: whoever reaches ${address}, which is this machine and whatever passes requests on ` +
    "to it, reads everything here. Start the service with AUTH=required to change that; docs/security.md sets it up.";
  setText(by("open"), text);
}

/** Without a progress the bar only says that something goes on. */
function drawProgress(bar, progress) {
  if (progress) {
    bar.max = progress.total;
    bar.value = progress.done;
  } else {
    bar.removeAttribute("value");
  }
}

function pill(node, [kind, text]) {
  node.dataset.kind = kind;
  node.hidden = !text;
  setText(node, text);
}

function drawEmpty({ loaded, chats, total }) {
  const empty = (loaded || !who.known) && chats.size === 0 && total === 0; // who reads no messages is shown no chats
  by("empty").hidden = !empty;
  document.body.classList.toggle("is-empty", empty);
  if (!empty) return;
  const { socket, post } = api.entrances(who);
  setText(by("empty-who"), who.user === null ? "The service has no users yet." : `User ${who.user} has no chats yet.`);
  setText(by("empty-socket"), socket);
  setText(by("empty-post"), `curl -X POST -H 'Content-Type: application/json' \\\n  --data @snapshot.json '${post}'`);
}

/** What asks for something again, after a delay: of several at once the last, and an older answer is not awaited. */
function asking(ask) {
  let timer = 0;
  let asked = new AbortController();
  async function again() {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      await ask(state, signal);
    } catch (error) {
      if (!signal.aborted) dispatch("problem", error.message);
    }
  }
  return (delay) => {
    clearTimeout(timer);
    timer = setTimeout(again, delay);
  };
}

/** Ask for the shown window, and its trend, again: at once or when a burst has settled. */
const refresh = asking(async ({ days, bucket }, signal) => {
  dispatch("insights", await api.insights(who, days, signal));
  refreshTopics(0);
  if (bucket !== "day") dispatch("trend", await api.sentiment(who, days, bucket, signal));
});

/** What it costs grows with the window, so no single message asks for it. */
const refreshMoney = asking(async ({ days, kind }, signal) => {
  dispatch("money", await api.money(who, days, kind, signal));
});

const refreshHeat = asking(async ({ days }, signal) => {
  dispatch("heat", await api.heatmap(who, days, signal));
});

const refreshFans = asking(async (now, signal) => {
  dispatch("fans", await api.fans(who, now.days, now, signal));
});

const refreshBefore = asking(async ({ days }, signal) => {
  dispatch("before", await api.before(who, days, signal));
});

const refreshPeople = asking(async ({ days }, signal) => {
  dispatch("people", await api.people(who, days, signal));
});

/** Few topics are shown without groups. */
const refreshTopics = asking(async ({ analytics }, signal) => {
  if ((analytics?.topics.length ?? 0) > FEW_TOPICS) dispatch("known_topics", await api.topics(who, signal));
});

/** What no frame tells of. */
function refreshOthers(delay) {
  for (const again of [refreshBefore, refreshMoney, refreshPeople, refreshHeat, refreshFans]) again(delay);
}

/** List what a number counts, or with a cursor more of it; of several under way the last one counts. */
const drill = (() => {
  let asked = new AbortController();
  return async (query, what, cursor = null) => {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    dispatch("drilling", { query, what });
    try {
      dispatch("drilled", { query, found: await api.counted(query, cursor, signal) });
    } catch (error) {
      if (!signal.aborted) dispatch("drill_failed", { query, error: error.message });
    }
  };
})();

/** Show a topic; of several that were asked for the last one counts. */
const showTopic = (() => {
  let asked = new AbortController();
  return async (id) => {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    dispatch("topic_opened", id);
    try {
      dispatch("topic_told", { id, told: await api.topic(who, state.days, id, signal) });
    } catch (error) {
      if (!signal.aborted) dispatch("topic_told", { id, told: { error: error.message } });
    }
  };
})();

async function loadMoreFans() {
  const after = state.fans.next;
  try {
    dispatch("more_fans", { after, found: await api.pageOfFans(who, state.days, state, after) });
  } catch (error) {
    dispatch("problem", error.message);
  }
}

/** Show a chat's messages in the panel; pages are newest first. */
function open(id) {
  dispatch("opened", { id });
  load(id, 0);
}

/** Show a chat with one of its messages in view, however long ago that was. */
async function openAt(id, message) {
  dispatch("opened", { id, at: message });
  let offset = 0;
  do {
    await load(id, offset, MANY);
    offset += MANY;
  } while (state.open?.id === id && state.open.more && !state.open.messages.has(message));
}

async function load(id, offset, limit = MESSAGES) {
  try {
    const items = await api.messages(who, id, limit, offset);
    dispatch("page", { id, offset, items, more: items.length === limit });
  } catch (error) {
    dispatch("page_failed", { id, error: error.message });
  }
}

/** A search, or with a cursor more of it; of several under way the last one counts. */
const find = (() => {
  let asked = new AbortController();
  return async (text, mode, cursor = null) => {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    dispatch("search", { text, mode, cursor });
    try {
      dispatch("found", await api.search(who, text, mode, cursor, signal));
    } catch (error) {
      if (!signal.aborted) dispatch("search_failed", error.message);
    }
  };
})();

/** Ask for chats until as many of the most urgent are known as are to be shown. */
const rank = (() => {
  let asking = false;
  return async () => {
    if (asking || !who.reads) return;
    asking = true;
    try {
      while (state.ranked < Math.min(state.shown, state.total)) {
        const offset = state.ranked;
        dispatch("ranked", { offset, ...(await api.chats(who, PAGE, offset)) });
      }
    } catch (error) {
      dispatch("problem", error.message);
    } finally {
      asking = false;
    }
  };
})();

/** Read what was said before in a chat of which only the newest came. */
async function recall(id) {
  try {
    const { messages } = await api.lastMessages(who, id, LAST);
    dispatch("recent", { id, messages });
  } catch (error) {
    dispatch("problem", error.message);
  }
}

/** Frames say nothing of single messages' enrichment: what the panel shows is read again. */
const reread = (() => {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => state.open && load(state.open.id, 0), SETTLE);
  };
})();


/** A frame of the socket; the first is a full picture when the service knows the user. */
function take(frame) {
  const { type, payload, creatorId = null } = frame;
  if (creatorId !== null && who.creator !== null && creatorId !== who.creator) return;
  const isNew = type === "append_message" && !state.chats.has(payload.conversationId);
  dispatch(type, payload, frame);
  if (isNew && payload.messageCount > payload.messages.length) recall(payload.conversationId);
  if (type === "full_sync_response") {
    rank();
    refreshTopics(SETTLE);
    refreshOthers(SETTLE);
  }
  if (state.open && (type === "full_sync_response" || payload.conversationId === state.open.id)) reread();
  if (type === "analytics_update" || type === "full_sync_response") settle();
}

/** Frames speak of 30 days by day: anything else is asked for. */
function settle() {
  if (state.days !== 30 || state.bucket !== "day") refresh(SETTLE);
}

function listen() {
  by("account").addEventListener("change", ({ target }) => location.assign(target.value));
  by("window").addEventListener("change", ({ target }) => {
    dispatch("window", Number(target.value));
    refresh(0);
    refreshOthers(0);
  });
  for (const name of ["sort", "segment"]) {
    by(name).addEventListener("change", ({ target }) => {
      dispatch("fans_by", { [name]: target.value });
      refreshFans(0);
    });
  }
  by("fans-more").addEventListener("click", loadMoreFans);
  by("fans").addEventListener("click", ({ target }) => {
    const button = target.closest("[data-chat-id]");
    if (button) open(button.dataset.chatId);
  });
  for (const name of ["team", "beside"]) {
    by(name).addEventListener("change", ({ target }) => dispatch("people_by", { [name]: target.value }));
  }
  by("main").addEventListener("click", ({ target }) => {
    const number = target.closest("[data-drill]");
    if (number) drill(number.dataset.drill, number.dataset.what);
  });
  by("topics").addEventListener("click", ({ target }) => {
    const { topic, group } = target.closest("[data-topic], [data-group]")?.dataset ?? {};
    if (topic !== undefined) showTopic(topic);
    if (group !== undefined) dispatch("folded", group);
  });
  by("typical").addEventListener("click", ({ target }) => {
    const button = target.closest("[data-message-id]");
    if (button) openAt(button.dataset.chatId, button.dataset.messageId);
  });
  by("topic-close").addEventListener("click", () => dispatch("topic_closed"));
  by("topic").addEventListener("close", () => state.topic && dispatch("topic_closed"));
  by("drill-more").addEventListener("click", () => drill(state.drill.query, state.drill.what, state.drill.next));
  by("drilled").addEventListener("click", ({ target }) => {
    const button = target.closest("[data-message-id]");
    if (button) openAt(button.dataset.chatId, button.dataset.messageId);
  });
  by("drill-close").addEventListener("click", () => dispatch("undrilled"));
  by("drill").addEventListener("close", () => state.drill && dispatch("undrilled"));
  by("kind").addEventListener("change", ({ target }) => {
    dispatch("kind", target.value);
    refreshMoney(0);
  });
  by("measure").addEventListener("change", ({ target }) => dispatch("measure", target.value));
  by("inbox-more").addEventListener("click", () => {
    dispatch("more");
    rank();
  });
  by("find").addEventListener("submit", (event) => {
    event.preventDefault();
    find(by("find-text").value, by("find-mode").value);
  });
  by("find-more").addEventListener("click", () => find(state.found.text, state.found.mode, state.found.next));
  by("found").addEventListener("click", ({ target }) => {
    const row = target.closest("[data-message-id]");
    if (row) openAt(row.dataset.chatId, row.dataset.messageId);
  });
  by("bucket").addEventListener("change", ({ target }) => {
    dispatch("bucket", target.value);
    refresh(0);
  });
  by("problem").querySelector("button").addEventListener("click", () => dispatch("problem", null));
  by("inbox").addEventListener("click", ({ target }) => {
    const row = target.closest("[data-chat-id]");
    if (row) open(row.dataset.chatId);
  });
  by("panel-close").addEventListener("click", () => dispatch("closed"));
  by("panel-older").addEventListener("click", () => load(state.open.id, state.open.messages.size));
  by("panel").addEventListener("close", () => state.open && dispatch("closed"));
  addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    if (state.open) dispatch("closed");
    else if (state.drill) dispatch("undrilled");
    else if (state.topic) dispatch("topic_closed");
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawTrend(state));
  setInterval(() => drawInbox(state, Date.now()), CLOCK);
  setInterval(() => {
    if (who.user === null) return;
    refresh(0);
    refreshOthers(0);
  }, WINDOW);
}

/** What corrections are made of, as the page is now. */
function corrected(me) {
  const { topics = [], actions = {} } = state.analytics ?? {};
  const message = (chat, id) => (state.open?.id === chat ? state.open.messages.get(id) : null);
  const side = (chat, id) => direction(message(chat, id), state.chats.get(chat)?.creatorId);
  return { who, me, topics, actions: Object.keys(actions), message, side };
}

function address(user, creator) {
  const parameters = new URLSearchParams({ user_id: user });
  if (creator !== null) parameters.set("creator_id", creator);
  if (who.mask !== null) parameters.set("mask", who.mask);
  return `?${parameters}`;
}

function offerAccounts(known) {
  const accounts = known.flatMap(({ user_id: user, creator_ids: creators }) =>
    (creators.length ? creators : [null]).map((creator) => [user, creator]),
  );
  if (who.user !== null && !accounts.some(([user, creator]) => user === who.user && creator === who.creator)) {
    accounts.unshift([who.user, who.creator]);
  }
  by("account").replaceChildren(
    ...accounts.map(([user, creator]) => {
      const label = creator === null || creator === user ? user : `${user} · creator ${creator}`;
      const option = h("option", { value: address(user, creator) }, label);
      option.selected = user === who.user && creator === who.creator;
      return option;
    }),
  );
}

async function begin() {
  listen();
  let known = [];
  let me = null;
  try {
    me = await api.me();
    by("sign-out").hidden = !me.csrf_token;
    const isAdmin = me.open_at === null && me.grants.some(({ role }) => role === "admin");
    by("admin").hidden = !isAdmin && !api.hasPassword(me);
    setText(by("admin"), isAdmin ? "Keys and people" : "Your password");
    drawOpen(me);
    listenToCorrections(() => corrected(me));
    by("sign-out").addEventListener("click", () => api.signOut(me));
    known = await api.users();
  } catch (error) {
    dispatch("problem", error.message);
  }
  const asked = new URLSearchParams(location.search);
  who.mask = asked.get("mask");
  who.user = asked.get("user_id") ?? known[0]?.user_id ?? null;
  const own = known.find(({ user_id: user }) => user === who.user);
  who.known = own !== undefined;
  who.creator = asked.get("creator_id") ?? own?.creator_ids[0] ?? null;
  who.reads = me === null || api.mayRead(me, who);
  offerAccounts(known);
  if (who.user === null) {
    dispatch("connection", "none");
  } else {
    api.connect(who, {
      onFrame: take,
      onConnection: (connection) => dispatch("connection", connection),
      openChat: () => state.open?.id ?? null,
    });
  }
}

begin();
