// How a figure moved against another one: the same figure of the period before, or of another person.

import { h, setText } from "./dom.js";
import * as format from "./format.js";

const DIFFERENCE = {
  score: (value) => format.score(value),
  points: (value) => `${format.decimal(value)} points`,
  share: (value) => `${format.decimal(100 * value)} points`,
};
const WORD = { up: "up ", down: "down ", same: "" };
const ARROW = { up: "▲ ", down: "▼ ", same: "" };
const isKnown = (value) => value !== null && value !== undefined;

/**
 * `{direction, text}`, or null where nothing can be said. Counts, sums and times move by a share of what was, which
 * nothing is of 0; scores (0..1), percentages (`points`) and shares (0..1) by their difference.
 */
export function changeOf(now, before, kind = "ratio") {
  if (!isKnown(now) || !isKnown(before)) return null;
  if (kind === "ratio" && before === 0) return null;
  const difference = now - before;
  if (!difference) return { direction: "same", text: "unchanged" };
  const text = kind === "ratio" ? format.percent((100 * Math.abs(difference)) / before) : DIFFERENCE[kind](Math.abs(difference));
  return { direction: difference > 0 ? "up" : "down", text };
}

/** The mark beside a figure: `[element, update(now, before, kind, show, of)]`; `show` writes a figure, `of` says whose. */
export function changeMark() {
  const arrow = h("span", { "aria-hidden": "true" });
  const word = h("span", { class: "sr" });
  const text = h("span");
  const mark = h("span", { class: "change", "data-testid": "change" }, arrow, word, text);
  return [mark, (now, before, kind, show, of = "in the period before") => {
    const change = changeOf(now, before, kind);
    mark.hidden = change === null;
    if (change === null) return;
    mark.dataset.direction = change.direction;
    setText(arrow, ARROW[change.direction]);
    setText(word, WORD[change.direction]);
    setText(text, change.text);
    mark.title = `${show(before)} ${of}`;
  }];
}
