// How values read. null is "not known" and shows as a dash, never as zero.

export const NONE = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const hundredths = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const dollars = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const signed = new Intl.NumberFormat("en", { maximumFractionDigits: 0, signDisplay: "exceptZero" });
const clock = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

const unless = (value, format) => (value === null || value === undefined ? NONE : format(value));

export const count = (value) => unless(value, (v) => whole.format(v));
export const decimal = (value) => unless(value, (v) => tenths.format(v));
export const score = (value) => unless(value, (v) => hundredths.format(v));
export const percent = (value) => unless(value, (v) => `${tenths.format(v)} %`);
export const share = (value) => unless(value, (v) => `${tenths.format(100 * v)} %`);
export const money = (value) => unless(value, (v) => dollars.format(v));
export const moment = (milliseconds) => unless(milliseconds, (v) => clock.format(v));

/** Seconds as the two largest units that matter. */
export function duration(seconds) {
  return unless(seconds, (s) => {
    if (s < 59.5) return `${Math.round(s)} s`;
    const minutes = Math.round(s / 60);
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
    return `${tenths.format(s / 86400)} d`;
  });
}

/** The same in one unit, for narrow places. */
export function shortly(seconds) {
  return unless(seconds, (s) => {
    if (s < 60) return "now";
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 172800) return `${Math.floor(s / 3600)} h`;
    return `${Math.floor(s / 86400)} d`;
  });
}

/** A topic's trend: percent against the window before. */
export function trend({ trend: value }) {
  if (value === null || value === undefined) return NONE;
  return `${value > 0 ? "▲ " : value < 0 ? "▼ " : ""}${signed.format(value)} %`;
}

/** The word for a sentiment 0..1; existing clients cut at .4 and .6 as well. */
export function mood(value) {
  if (value === null || value === undefined) return "unknown";
  return value < 0.4 ? "negative" : value > 0.6 ? "positive" : "neutral";
}

export const words = (name) => name.replaceAll("_", " ");

const parser = new DOMParser();

/** The platform's HTML as plain text, as the service reads it. The parsed document is inert: nothing in it runs or loads. */
export function plainText(html) {
  const text = /[<&]/.test(html) ? parsed(html) : html;
  const lines = text.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " "));
  return lines.filter(Boolean).join("\n"); // places in a text are counted so
}

function parsed(html) {
  const broken = html.replace(/<br\s*\/?>|<\/(p|div|li)>/gi, "\n");
  return parser.parseFromString(broken, "text/html").body.textContent;
}

/** What a message says, in one text: its words, else what it carries. */
export function messageText(message) {
  // Only frames name the direction, and their text is plain already: "<3" in it is no markup.
  const received = typeof message.text === "string" ? message.text : "";
  const text = message.direction ? received : plainText(received);
  if (text) return text;
  const attached = message.media?.length ?? 0;
  return attached ? `${attached} attachment${attached === 1 ? "" : "s"}` : "No text";
}
