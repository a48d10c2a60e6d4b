// The service over HTTP and the socket. No state but the socket's own.

function query(parameters) {
  const known = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return known.length ? `?${new URLSearchParams(known)}` : "";
}

// A whole number beyond 2^53 would lose digits as a JavaScript number, and with them the message's id.
const longInteger = /[:[,]\s*-?\d{16,}/;

function parse(text) {
  if (!longInteger.test(text)) return JSON.parse(text);
  return JSON.parse(text, (key, value, context) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value,
  );
}

let leaving = false; // whoever signs out is not asked back here, though sockets and answers say that nobody is there

/** To the page that asks who is there, which comes back here. */
function signIn() {
  if (leaving) return;
  const next = location.pathname + location.search;
  location.assign(`/sign-in?${new URLSearchParams({ next })}`);
}

export async function get(path, parameters, signal) {
  const response = await fetch(path + query(parameters), { signal, headers: { accept: "application/json" } });
  if (response.status === 401) signIn();
  if (!response.ok) throw new Error(`The service answered ${response.status} for ${path}.`);
  return parse(await response.text());
}

/** What is wrong, in the service's words where it has some. */
async function problem(response, path) {
  const { error } = await response.json().catch(() => ({}));
  if (!error) return `The service answered ${response.status} for ${path}.`;
  const fields = Array.isArray(error.detail) ? error.detail.map(({ field, reason }) => ` ${field}: ${reason}.`) : [];
  return error.message + fields.join("");
}

/** Change something, as who is signed in; gives the answer, or null where there is none. */
export async function send(method, path, { csrf_token: token }, body = null) {
  const headers = { accept: "application/json" };
  if (token) headers["X-CSRF-Token"] = token;
  if (body !== null) headers["content-type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (response.status === 401) signIn();
  if (!response.ok) throw new Error(await problem(response, path));
  return response.status === 204 ? null : response.json();
}

const part = encodeURIComponent;
const NOT_SIGNED_IN = 4401; // the code that a socket is closed with

export const users = () => get("/api/v1/users", {});

/** Who is there; with a `csrf_token` if they signed in here, and `open_at` where nobody is asked who they are. */
export const me = () => get("/api/v1/me", {});

/** Whether who is there may read messages of the account. */
export const mayRead = ({ open_at: address, grants }, { user, creator }) =>
  address !== null ||
  grants.some(
    ({ role, user_id: on, creator_id: of, with_text: text }) =>
      ["*", user].includes(on) && [null, creator].includes(of) && (["chatter", "owner"].includes(role) || (role === "analyst" && text)),
  );

/** Whether who is there signed in with a password that is kept here. */
export const hasPassword = ({ id, csrf_token: token }) => Boolean(token) && id.startsWith("person:");

export async function signOut({ csrf_token: token }) {
  leaving = true;
  try {
    await fetch("/api/v1/session", { method: "DELETE", headers: { "X-CSRF-Token": token } });
    location.assign("/sign-in");
  } catch (error) {
    leaving = false;
    throw error;
  }
}

const span = ({ user, creator }, days) => ({
  start_date: new Date(Date.now() - days * 86400e3).toISOString(),
  end_date: new Date().toISOString(),
  user_id: user,
  creator_id: creator,
});

export const insights = (who, days, signal) => get("/api/v1/insights/full", span(who, days), signal);

/** The same of the period before. */
export const before = (who, days, signal) =>
  get("/api/v1/insights/full", { ...span(who, days), previous: true }, signal);

/** Who of the team sent, answered and sold what. */
export const people = (who, days, signal) =>
  get("/api/v1/insights/people", { ...span(who, days), time_zone: zone() }, signal);

/** What an insight's `drill` is, of an update: pages are sent none. */
export const drillOf = ({ user, creator }, { startDate, endDate }, insight, more = {}) => {
  const asked = { insight, start_date: startDate, end_date: endDate, user_id: user, creator_id: creator, ...more };
  return query(asked).slice(1);
};

/** The conversations that a number counts, by its query; behind a page with a cursor. */
export const counted = (query, cursor, signal) =>
  get("/api/v1/insights/conversations", { ...Object.fromEntries(new URLSearchParams(query)), limit: 50, cursor }, signal);

export const sentiment = (who, days, bucket, signal) =>
  get(
    "/api/v1/insights/sentiment-trend",
    { ...span(who, days), bucket, time_zone: zone() },
    signal,
  );

/** What topics the account can have, and which belong together. */
export const topics = ({ user, creator }, signal) => get("/api/v1/topics", { user_id: user, creator_id: creator }, signal);

/** When a topic was discussed, and, for who may read them, messages that are typical of it. */
export async function topic(who, days, id, signal) {
  const { start_date, end_date, ...account } = span(who, days);
  const asked = { start_date, end_date, ...account, time_zone: zone(), bucket: days > 31 ? "week" : "day" };
  const typical = { start_date, end_date, ...account, mask: who.mask };
  const [{ buckets, topics: volumes }, { messages }] = await Promise.all([
    get("/api/v1/insights/topics-over-time", asked, signal),
    who.reads ? get(`/api/v1/topics/${part(id)}/messages`, typical, signal) : { messages: [] },
  ]);
  const own = new Map(volumes.filter((each) => each.id === id).map(({ date, volume }) => [date, volume]));
  return { messages, course: buckets.map((each) => ({ ...each, volume: own.get(each.date) ?? 0 })) };
}

const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What sales follow, by one kind of factor, and what became of offers. */
export async function money(who, days, kind, signal) {
  const asked = { ...span(who, days), time_zone: zone() };
  const [conversion, ppv] = await Promise.all([
    get("/api/v1/insights/conversion", { ...asked, kind, with_previous: true }, signal),
    get("/api/v1/insights/ppv", { ...asked, with_previous: true }, signal),
  ]);
  return { conversion, ppv };
}

/** Hours of the week, by the clocks of this machine. */
export const heatmap = (who, days, signal) =>
  get("/api/v1/insights/heatmap", { ...span(who, days), time_zone: zone() }, signal);

/** Some fans in an order, and the cohorts of the last year. */
export async function fans(who, days, chosen, signal) {
  const [found, { cohorts }] = await Promise.all([
    pageOfFans(who, days, chosen, null, signal),
    get("/api/v1/insights/cohorts", { ...span(who, 366), time_zone: zone() }, signal),
  ]);
  return { fans: found, cohorts };
}

/** The first fans, or those behind the page whose cursor is given. */
export const pageOfFans = (who, days, { sort, segment }, cursor, signal) =>
  get(
    "/api/v1/insights/fans",
    { ...span(who, days), time_zone: zone(), sort, segment: segment || null, limit: 50, cursor },
    signal,
  );

/** A chat's messages as received, latest first. */
export const messages = ({ user, creator, mask }, chat, limit, offset) =>
  get(`/api/v1/chats/${part(chat)}/messages`, { user_id: user, creator_id: creator, limit, offset, mask });

/** Messages that have the words, or mean something like them; more of them with a cursor. */
export const search = ({ user, creator, mask }, q, mode, cursor, signal) =>
  get("/api/v1/search", { user_id: user, creator_id: creator, q, mode, cursor, mask }, signal);

/** Say what a message or topic is; who may not is told so. */
export const correct = ({ user, creator }, me, said) =>
  send("POST", `/api/v1/corrections/${part(user)}${query({ creator_id: creator })}`, me, said);

export const withdraw = ({ user, creator }, me, id) =>
  send("DELETE", `/api/v1/corrections/${part(user)}/${part(id)}${query({ creator_id: creator })}`, me);

/** The newest corrections that stand. */
export const corrections = ({ user, creator }) =>
  get(`/api/v1/corrections/${part(user)}`, { creator_id: creator, limit: 1000 });

/** Chats as frames have them, the most urgent first, and how many there are. */
export const chats = ({ user, creator, mask }, limit, offset) =>
  get(`/api/v1/frontend/chats/${part(user)}`, { creator_id: creator, limit, offset, mask });

/** A chat's last messages as frames have them, oldest first. */
export const lastMessages = ({ user, creator, mask }, chat, limit) =>
  get(`/api/v1/frontend/chats/${part(user)}/${part(chat)}/messages`, { creator_id: creator, limit, mask });

/** Where an extension connects, and where a snapshot is posted. */
export function entrances({ user, creator }) {
  const parameters = query({ creator_id: creator });
  const name = user === null ? "USER_ID" : part(user);
  const socket = location.origin.replace(/^http/, "ws");
  return {
    socket: `${socket}/ws/extension/${name}${parameters}`,
    post: `${location.origin}/api/v1/ingest/${name}/snapshot${parameters}`,
  };
}

/**
 * Keep a socket open: `onFrame(frame)` for each frame, `onConnection("connecting" | "live" | "lost")`.
 * A connection that was lost goes on after the last frame, or begins anew with a full sync, in which the chat
 * is that `openChat()` names.
 */
export function connect({ user, creator, mask }, { onFrame, onConnection, openChat }) {
  let socket = null;
  let failures = 0;
  let timer = 0;
  let last = null; // where this page stands

  function open() {
    clearTimeout(timer);
    onConnection(failures ? "lost" : "connecting");
    const parameters = query({ creator_id: creator, last_frame: last, merge: true, chat_id: openChat(), mask });
    const current = new WebSocket(
      `${location.origin.replace(/^http/, "ws")}/ws/frontend/${part(user)}${parameters}`,
    );
    socket = current;
    current.onmessage = ({ data }) => {
      const frame = parse(data);
      if (frame.type === "connection_ack") onConnection("live");
      onFrame(frame);
      if (frame.frame) {
        last = frame.frame;
        failures = 0;
      }
    };
    current.onclose = ({ code }) => {
      if (code === NOT_SIGNED_IN) signIn();
      else if (socket === current) retry();
    };
  }

  function retry() {
    failures += 1;
    onConnection("lost");
    const ceiling = Math.min(15000, 500 * 2 ** Math.min(failures, 6));
    timer = setTimeout(open, ceiling * (0.5 + Math.random() / 2));
  }

  addEventListener("online", () => {
    if (socket?.readyState > WebSocket.OPEN) open();
  });
  open();
}
