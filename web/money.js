// What sales follow, and what became of pay-per-view offers, as tables.

import { h, keyed, setText } from "./dom.js";
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
  const { total, pending } = conversion;
  const waiting = pending ? `, ${format.count(pending)} more are not over yet` : "";
  setText(
    by("money-total"),
    `${format.count(total.sold)} of ${format.count(total.conversations)} conversations, ${format.share(total.rate)}${waiting}`,
  );
  rows(by("conversion"), conversion.rows, nameOf, factor, 8, "Nothing to compare in this window.");
  setText(by("money-caution"), conversion.caution);
  drawFunnel(ppv);
}

function drawFunnel(ppv) {
  const { messages_sent: messages, golden_ratio: ratio, revenue_per_message: each } = ppv.total;
  setText(
    by("ppv-total"),
    messages
      ? `${format.share(ratio)} of ${format.count(messages)} messages sent, ${format.money(each)} a message`
      : "",
  );
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

/** A row of cells, and what sets their texts. */
function cells(count) {
  const head = h("th", { scope: "row" });
  const others = Array.from({ length: count }, () => h("td", { class: "number" }));
  return [h("tr", {}, head, ...others), (texts) => texts.forEach((text, n) => setText([head, ...others][n], text)), others];
}

function factor() {
  const [row, show, others] = cells(7);
  return [row, (found) => {
    const { with_it: own, without_it: rest } = found;
    const parts = [found.action && format.words(found.action), found.topic, found.value].filter(Boolean);
    show([
      parts.join(" · "),
      format.count(own.conversations),
      between(format.share, own.rate, own.low, own.high),
      format.share(rest.rate),
      found.reason ? NO_LIFT[found.reason] : between(format.score, found.lift, found.lift_low, found.lift_high),
      found.significant === null ? format.NONE : found.significant ? "yes" : "no",
      format.money(found.amount_total),
      format.money(found.amount_median),
    ]);
    others[4].classList.toggle("clear", found.significant === true);
  }];
}

function funnel() {
  const [row, show] = cells(5);
  return [row, (found) => {
    show([
      found.label,
      format.count(found.sent),
      format.count(found.unlocked),
      between(format.share, found.unlock_ratio, found.low, found.high),
      format.money(found.revenue),
      format.duration(found.seconds_to_unlock),
    ]);
  }];
}

/** A value with its interval. */
const between = (show, value, low, high) =>
  value === null ? format.NONE : `${show(value)} (${show(low)} to ${show(high)})`;
