// When fans write, wait and pay: the hours of the week as a table whose cells are shaded.

import { h, setText } from "./dom.js";
import { counting, say } from "./drill.js";
import * as format from "./format.js";

const by = (id) => document.getElementById(id);

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
const LEVELS = 5;
const MEASURES = {
  fan_messages: { value: (of) => of.fan_messages, show: (value) => (value ? format.count(value) : "") },
  response: { value: (of) => of.response_median, show: (value) => (value === null ? "" : format.shortly(value)) },
  revenue: { value: (of) => of.revenue, show: (value) => (value ? format.count(value) : "") },
};
const GROUPS = { fan_messages: "fan_messages", response: "responses", revenue: "revenue" };
const WHAT = { fan_messages: "messages of fans", response: "answers", revenue: "payments" };
const TOLD = {
  fan_messages: ({ fan_messages: n }) => `${format.count(n)} messages of fans`,
  response: ({ response_median: seconds, responses: n }) => `${format.duration(seconds)}, median of ${format.count(n)} answers`,
  revenue: ({ revenue, sales }) => `${format.money(revenue)}, ${format.count(sales)} ${sales === 1 ? "sale" : "sales"}`,
};

let cells = null; // the table's, by hour of the week

export function drawHeat({ heat, measure }) {
  if (heat === null) return;
  cells ??= build(by("heat"));
  const { value, show } = MEASURES[measure];
  const told = TOLD[measure];
  const most = Math.max(0, ...heat.cells.map(({ figures }) => value(figures) ?? 0));
  const behind = (drill, hour) => ({ drill, group: GROUPS[measure], what: `${WHAT[measure]}, ${hour}`, more: { hour } });
  for (const { hour, figures, previous } of heat.cells) {
    const cell = cells.get(hour);
    const own = value(figures);
    say(cell, counting(own, show(own), behind(heat.drill, hour)));
    cell.dataset.level = own && most ? Math.ceil((LEVELS * own) / most) : 0;
    cell.title = `${hour}: ${told(figures)}; before: ${told(previous)}`;
  }
  const total = (drill, figures) => counting(value(figures), told(figures), behind(drill, "all"));
  say(
    by("heat-total"),
    total(heat.drill, heat.total.figures),
    "; before: ",
    total(heat.previous_drill, heat.total.previous),
  );
  setText(by("heat-zone"), `By the clocks of ${heat.time_zone}. The period before is of equal length.`);
}

/** The table, empty, with its cells by hour of the week. */
function build(table) {
  const found = new Map();
  const head = h("tr", {}, h("th", { scope: "col" }, "Day"), ...HOURS.map((hour) => h("th", { scope: "col" }, hour)));
  const rows = DAYS.map((day) => {
    const own = HOURS.map((hour) => {
      const cell = h("td", {});
      found.set(`${day} ${hour}`, cell);
      return cell;
    });
    return h("tr", {}, h("th", { scope: "row" }, day), ...own);
  });
  table.append(h("thead", {}, head), h("tbody", {}, ...rows));
  return found;
}
