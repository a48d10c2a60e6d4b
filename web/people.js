// Who of the team sent, answered and sold what, as a table; each figure beside the period before, or another person.

import { changeMark } from "./change.js";
import { h, keyed, setText } from "./dom.js";
import { counting, say } from "./drill.js";
import * as format from "./format.js";

const by = (id) => document.getElementById(id);

const UNKNOWN = "unknown";
const BEFORE = ""; // what figures are beside: the period before, or else the key of a row
const nameOf = (key) => (key === UNKNOWN ? "not known" : key);

/** What a column shows and how; where it leads to what it counts, the group of that, and what it is. */
const COLUMNS = [
  { of: ({ messages: n }) => n, show: format.count, group: "messages", what: "messages sent" },
  { of: ({ responses: { n } }) => n, show: format.count, group: "responses", what: "answers" },
  { of: ({ responses: { median } }) => median, show: format.duration },
  { of: ({ responses: { p90 } }) => p90, show: format.duration },
  { of: ({ responses: { within_target: part } }) => part, show: format.percent, kind: "points", group: "within_target", what: "answers in time" },
  { of: ({ ppv_sent: n }) => n, show: format.count, group: "ppv_sent", what: "offers sent" },
  { of: ({ ppv_unlocked: n }) => n, show: format.count, group: "ppv_unlocked", what: "offers unlocked" },
  { of: ({ sales: n }) => n, show: format.count, group: "sales", what: "sales" },
  { of: ({ revenue }) => revenue, show: format.money, group: "sales", what: "sales" },
];

export function drawPeople({ people, team, beside }) {
  if (people === null) return;
  const { total, [`by_${team}`]: own } = people;
  const other = own.find(({ key }) => key === beside) ?? null;
  keyed(by("beside"), [{ key: BEFORE }, ...own], ({ key }) => `row ${key}`, option);
  by("beside").value = other ? beside : BEFORE;
  const rows = [
    { each: total, name: "everybody", id: "total", other },
    ...own.map((each) => ({ each, name: nameOf(each.key), id: `own ${each.key}`, other })),
  ];
  keyed(by("people"), rows, ({ id }) => id, row);
  const isTold = own.some(({ key }) => key !== UNKNOWN);
  setText(by("people-total"), `target ${format.duration(people.target)}`);
  const hours = people.business_hours ? `Business hours ${people.business_hours}, ${people.business_time_zone}. ` : "";
  setText(
    by("people-note"),
    `${hours}${isTold ? "What does not say who sent it, and no shift tells, is not known." : "Nothing says who sent what: no senderId, no Sender-Id, no shifts."}`,
  );
}

function option() {
  const node = h("option");
  return [node, ({ key }) => {
    node.value = key;
    setText(node, key === BEFORE ? "the period before" : nameOf(key));
  }];
}

function row() {
  const head = h("th", { scope: "row" });
  const cells = COLUMNS.map(() => {
    const figure = h("span");
    const [mark, update] = changeMark();
    return { cell: h("td", { class: "number" }, figure, mark), figure, update };
  });
  return [h("tr", { "data-testid": "people-row" }, head, ...cells.map(({ cell }) => cell)), ({ each, name, other }) => {
    setText(head, name);
    const isItself = other === each;
    const beside = other ? other.figures : each.previous;
    COLUMNS.forEach(({ of, show, kind = "ratio", group, what }, n) => {
      const value = of(each.figures);
      const link = { drill: each.figures.drill, group, what: `${what}, ${name}` };
      say(cells[n].figure, group ? counting(value, show(value), link) : show(value));
      cells[n].update(value, isItself ? null : of(beside), kind, show, other ? `of ${nameOf(other.key)}` : undefined);
    });
  }];
}
