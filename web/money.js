// What sales follow, and what became of pay-per-view offers, as tables.

import { changeMark } from "./change.js";
import { h, keyed, setText } from "./dom.js";
import { counting, say } from "./drill.js";
import * as format from "./format.js";

const by = (id) => document.getElementById(id);

const NO_LIFT = {
  too_few_with: "too few to say",
  too_few_without: "too few others",
  none_sold_without: "no others sold",
};
const PARTS = [
  ["by_delivery", (key) => `${key} messages`],
  ["by_price_band", (key) => `at $${key.endsWith("-") ? `${key.slice(0, -1)} and more` : key.replace("-", " to ")}`],
  ["by_media", (key) => (key === "unknown" ? "media not known" : `with ${key} media`)],
];
const PERSON = ["by_person", (key) => (key === "unknown" ? "sender not known" : `sent by ${key}`)];

export function drawMoney(money) {
  if (money === null) return;
  const { conversion, ppv } = money;
  const { total, pending, drill } = conversion;
  const behind = (group, what) => ({ drill, group, what });
  say(
    by("money-total"),
    counting(total.sold, format.count(total.sold), behind("with_sold", "conversations that a sale followed")),
    " of ",
    counting(total.conversations, format.count(total.conversations), behind("with", "conversations")),
    ` conversations, ${format.share(total.rate)}`,
    pending ? ", " : "",
    counting(pending, pending ? format.count(pending) : "", behind("pending", "conversations that are not over yet")),
    pending ? " more are not over yet" : "",
  );
  rows(by("conversion"), conversion.rows, nameOf, factor, 8, "Nothing to compare in this window.");
  setText(by("money-caution"), conversion.caution);
  drawFunnel(ppv);
}

function drawFunnel(ppv) {
  const { messages_sent: messages, golden_ratio: ratio, revenue_per_message: each } = ppv.total;
  const sent = { drill: ppv.total.drill, group: "messages", what: "messages sent" };
  if (messages) {
    say(
      by("ppv-total"),
      `${format.share(ratio)} of `,
      { text: format.count(messages), ...sent },
      ` messages sent, ${format.money(each)} a message`,
    );
  } else say(by("ppv-total"));
  // Where nobody is told, a row of what nobody is told of says nothing.
  const isTold = ppv.by_person.some(({ key }) => key !== "unknown");
  const parts = (isTold ? [...PARTS, PERSON] : PARTS).flatMap(([name, label]) => ppv[name].map((row) => ({ ...row, name, label: label(row.key) })));
  const every = ppv.total.sent ? [{ ...ppv.total, name: "total", label: "all" }, ...parts] : [];
  rows(by("ppv"), every, ({ name, key }) => `${name} ${key}`, funnel, 6, "No offers in this window.");
}

function rows(body, items, key, build, columns, nothing) {
  if (items.length) {
    keyed(body, items, (item) => `row ${key(item)}`, build);
    return;
  }
  keyed(body, [nothing], () => "nothing", () => [
    h("tr", {}, h("td", { colspan: columns, class: "quiet" }, nothing)),
    () => {},
  ]);
}

const nameOf = ({ kind, action, topicId, topic, value }) => [kind, action, topicId, topic, value].join(" ");

/** A row of cells, what sets their figures, and what sets how those moved against the period before. */
function cells(count) {
  const head = h("th", { scope: "row" });
  const others = Array.from({ length: count }, () => {
    const figure = h("span");
    const [mark, update] = changeMark();
    return { cell: h("td", { class: "number" }, figure, mark), figure, update };
  });
  const show = (name, figures) => {
    setText(head, name);
    figures.forEach((figure, n) => say(others[n].figure, figure));
  };
  return [h("tr", {}, head, ...others.map(({ cell }) => cell)), show, others];
}

function factor() {
  const [row, show, others] = cells(7);
  return [row, (found) => {
    const { with_it: own, without_it: rest, previous } = found;
    const name = [found.action && format.words(found.action), found.topic, found.value].filter(Boolean).join(" · ");
    const behind = (number, text, group, what) => counting(number, text, { drill: found.drill, group, what });
    show(name, [
      behind(own.conversations, format.count(own.conversations), "with", `conversations with ${name}`),
      behind(own.sold, between(format.share, own.rate, own.low, own.high), "with_sold", `sold, with ${name}`),
      behind(rest.sold, format.share(rest.rate), "without_sold", `sold, without ${name}`),
      found.reason ? NO_LIFT[found.reason] : between(format.score, found.lift, found.lift_low, found.lift_high),
      found.significant === null ? format.NONE : found.significant ? "yes" : "no",
      behind(own.sold, format.money(found.amount_total), "with_sold", `sold, with ${name}`),
      format.money(found.amount_median),
    ]);
    others[4].cell.classList.toggle("clear", found.significant === true);
    const was = previous?.with_it;
    others[0].update(own.conversations, was?.conversations, "ratio", format.count);
    others[1].update(own.rate, was?.rate, "share", format.share);
    others[2].update(rest.rate, previous?.without_it.rate, "share", format.share);
    others[3].update(found.lift, previous?.lift, "ratio", format.score);
    others[5].update(found.amount_total, previous?.amount_total, "ratio", format.money);
    others[6].update(found.amount_median, previous?.amount_median, "ratio", format.money);
  }];
}

function funnel() {
  const [row, show, others] = cells(5);
  return [row, (found) => {
    const { previous } = found;
    const behind = (number, text, group, what) => counting(number, text, { drill: found.drill, group, what: `${what}, ${found.label}` });
    show(found.label, [
      behind(found.sent, format.count(found.sent), "sent", "offers sent"),
      behind(found.unlocked, format.count(found.unlocked), "unlocked", "offers unlocked"),
      between(format.share, found.unlock_ratio, found.low, found.high),
      behind(found.unlocked, format.money(found.revenue), "unlocked", "offers unlocked"),
      format.duration(found.seconds_to_unlock),
    ]);
    others[0].update(found.sent, previous?.sent, "ratio", format.count);
    others[1].update(found.unlocked, previous?.unlocked, "ratio", format.count);
    others[2].update(found.unlock_ratio, previous?.unlock_ratio, "share", format.share);
    others[3].update(found.revenue, previous?.revenue, "ratio", format.money);
    others[4].update(found.seconds_to_unlock, previous?.seconds_to_unlock, "ratio", format.duration);
  }];
}

/** A value with its interval. */
const between = (show, value, low, high) =>
  value === null ? format.NONE : `${show(value)} (${show(low)} to ${show(high)})`;
