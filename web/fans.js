// Fans, what each is worth and how each stands, and cohorts, as tables.

import { h, keyed, setText } from "./dom.js";
import { counting, say } from "./drill.js";
import * as format from "./format.js";
import { fanName } from "./inbox.js";

const by = (id) => document.getElementById(id);

const SEGMENTS = {
  new: "new",
  regular: "regular",
  big_spender: "big spender",
  silent: "silent",
  at_risk: "at risk",
  lapsed: "lapsed",
};
const NO_MODEL = {
  too_little_history: "too little history yet",
  too_few_fans: "too few fans to learn from",
  too_few_events: "too few fans left, or stayed, to learn from",
  no_better_than_base_rate: "no model told it better than one risk for all",
  not_calibrated: "the model's risks were not those that came true",
};
const NO_RISK = { lapsed: "lapsed", never_acted: "never wrote or paid" };
const COLUMNS = 9;
const MONTHS = 7; // of a cohort that are shown, the month of joining first

export function drawFans({ fans, cohorts, chats, segment }) {
  if (fans === null) return;
  setText(by("fans-total"), `${format.count(fans.total)} fans, ${format.money(fans.value)} in tips and purchases`);
  keyed(by("segment"), [{ segment: "", label: "all" }, ...fans.segments], (each) => each.segment, option);
  by("segment").value = segment;
  const rows = fans.fans.map((fan) => ({ fan, name: chats.has(fan.chatId) ? fanName(chats.get(fan.chatId)) : `Fan ${fan.fanId}` }));
  if (rows.length) keyed(by("fans"), rows, ({ fan }) => `fan ${fan.userId} ${fan.creatorId} ${fan.fanId}`, row);
  else nothing(by("fans"), COLUMNS, "No such fans.");
  by("fans-more").hidden = fans.next === null;
  setText(by("fans-models"), fans.models.map((model) => told(model, fans.models.length > 1)).join(" "));
  setText(by("fans-caution"), fans.caution);
  drawCohorts(cohorts);
}

function option() {
  const node = h("option");
  return [node, ({ segment, label, fans }) => {
    node.value = segment;
    setText(node, label ?? `${SEGMENTS[segment]} (${format.count(fans)})`);
  }];
}

/** How a risk model did on time that it had not seen, or why there is none. */
function told({ creatorId, reason, auc, brier, brier_base: base, fans, dropped }, isOneOfMany) {
  const whose = isOneOfMany ? ` of creator ${creatorId}` : "";
  if (reason) return `No risks${whose}: ${NO_MODEL[reason]}.`;
  const tried = `tried on ${format.count(fans)} fans of whom ${format.count(dropped)} dropped off`;
  return `Risks${whose}: ${tried}, AUC ${format.score(auc)}, Brier score ${thousandths(brier)} against ${thousandths(base)} of one risk for all.`;
}

const thousandths = (value) => value.toFixed(3);

function nothing(body, columns, text) {
  keyed(body, [text], () => "nothing", () => [
    h("tr", {}, h("td", { colspan: columns, class: "quiet" }, text)),
    () => {},
  ]);
}

function row() {
  const button = h("button", { type: "button", class: "link" });
  const cells = Array.from({ length: COLUMNS - 1 }, () => h("td", { class: "number" }));
  const node = h("tr", { "data-testid": "fan-row" }, h("th", { scope: "row" }, button), ...cells);
  return [node, ({ fan, name }) => {
    button.dataset.chatId = fan.chatId;
    setText(button, name);
    const behind = (number, text, group, what) => counting(number, text, { drill: fan.drill, group, what: `${what}, ${name}` });
    const texts = [
      behind(fan.sales, format.money(fan.value), "sales", "tips and purchases"),
      behind(fan.lifetime_sales, format.money(fan.lifetime_value), "lifetime_sales", "tips and purchases, ever"),
      fan.silent_seconds === null ? "never" : format.duration(fan.silent_seconds),
      fan.mood === null ? format.NONE : behind(fan.mood_n, format.score(fan.mood), "mood", "messages with a mood"),
      fan.mood_change === null ? format.NONE : signed(fan.mood_change),
      day(fan.subscription_end),
      fan.risk === null ? (NO_RISK[fan.risk_reason] ?? format.NONE) : format.share(fan.risk),
      fan.segments.map((each) => SEGMENTS[each]).join(", "),
    ];
    texts.forEach((text, n) => say(cells[n], text));
    cells[6].title = fan.risk_parts.map(part).join("\n");
  }];
}

const part = ({ feature, log_odds: odds }) => `${format.words(feature)}: ${signed(odds)}`;
const signed = (value) => `${value > 0 ? "+" : ""}${format.score(value)}`;
const day = (date) => (date === null ? format.NONE : date.slice(0, 10));

function drawCohorts(cohorts) {
  const shown = cohorts.slice(-12).toReversed();
  if (shown.length) keyed(by("cohorts"), shown, ({ month }) => month, cohort);
  else nothing(by("cohorts"), MONTHS + 2, "Nobody is known to have joined in the last twelve months.");
}

function cohort() {
  const head = h("th", { scope: "row" });
  const cells = Array.from({ length: MONTHS + 1 }, () => h("td", { class: "number" }));
  return [h("tr", {}, head, ...cells), ({ month, fans, months }) => {
    setText(head, month);
    setText(cells[0], format.count(fans));
    cells.slice(1).forEach((cell, n) => {
      const each = months[n];
      setText(cell, each ? `${format.share(each.retention)}, ${format.money(each.revenue_per_fan)}${each.complete ? "" : " so far"}` : "");
      cell.title = each ? `${each.month}: ${format.count(each.active)} active` : "";
    });
  }];
}
