// What a person says is wrong: a message's or conversation's mood, topics, actions and outcomes; a topic's name, or
// that it is another's part.

import * as api from "./api.js";
import { h } from "./dom.js";
import * as format from "./format.js";

const MOODS = [["", "as it is"], ["0", "negative"], ["0.5", "neutral"], ["1", "positive"]];
const OUTCOMES = [["", "as they are"], ["none", "none"], ...["tip", "purchase", "renewal", "drop_off"].map((each) => [each, format.words(each)])];
const sameSet = (one, other) => one.length === other.length && one.every((each) => other.includes(each));

/** A button that opens what corrects this: `{ kind, id, chat }`. */
export function correctButton(label) {
  return h("button", { type: "button", class: "link", "data-correct": "", "aria-label": label }, "Correct");
}

/**
 * Have the buttons open a dialog. `page()` gives `{ who, me, topics, actions, message(chat, id), side(chat, id) }`: whose
 * page it is, who reads it, what is known of topics and actions, a message as it was received, and who wrote it.
 */
export function listenToCorrections(page) {
  const dialog = h("dialog", { id: "correct", "aria-labelledby": "correct-title", "data-testid": "correct" });
  document.body.append(dialog);
  // Else it would close the chat behind it too.
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-correct]");
    if (button) show(dialog, page(), button.dataset);
  });
}

async function show(dialog, page, { kind, id, chat }) {
  const state = h("p", { class: "quiet", role: "status" });
  const form = h("form", { method: "dialog" });
  const [title, fields, changes] = kind === "topic" ? ofTopic(page, id) : ofMessage(page, chat, id);
  const save = h("button", { type: "submit", class: "plain" }, "Save");
  const close = h("button", { type: "button", class: "plain" }, "Cancel");
  const made = h("ul", { class: "made" });
  form.append(...fields, h("p", { class: "line" }, save, close), state);
  dialog.replaceChildren(
    h("div", { class: "card-head" }, h("h2", { id: "correct-title", tabindex: "-1" }, title)), form, made,
  );
  close.addEventListener("click", () => dialog.close());
  const doing = async (work) => {
    save.disabled = true;
    state.textContent = "Saving…";
    try {
      await work();
      dialog.close();
    } catch (error) {
      state.textContent = error.message;
      save.disabled = false;
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    doing(async () => {
      for (const change of changes()) await api.correct(page.who, page.me, change);
    });
  });
  dialog.showModal();
  try {
    const { corrections } = await api.corrections(page.who);
    const isOwn = (each) => each.kind === kind ? each.subject === id : kind === "message" && each.kind === "conversation";
    const own = corrections.filter((each) => isOwn(each) && (each.chat_id ?? "") === (chat ?? ""));
    made.append(...own.map((each) => {
      const withdraw = h("button", { type: "button", class: "plain" }, "Withdraw");
      withdraw.addEventListener("click", () => doing(() => api.withdraw(page.who, page.me, each.id)));
      const what = each.kind === "conversation" ? "conversation’s " : "";
      const said = `${what}${format.words(each.field)}, ${each.who}, ${format.moment(Date.parse(each.at))}`;
      return h("li", {}, h("span", {}, said), withdraw);
    }));
  } catch (error) {
    state.textContent = error.message;
  }
}

function ofMessage({ topics, actions, message, side }, chat, id) {
  const { sentiment = null, topics: has = [], actions: does = [] } = message(chat, id)?.enrichment ?? {};
  const now = { topic: (has ?? []).map((each) => each.id), action: does ?? [] };
  const mood = choice("mood", MOODS, "");
  const known = new Map([...topics, ...(has ?? [])].map((each) => [each.id, each.topic]));
  const about = boxes("Topics", [...known], now.topic);
  const acts = boxes("Actions", [...new Set([...now.action, ...actions])].map((each) => [each, format.words(each)]), now.action);
  const outcome = choice("outcome", OUTCOMES, "");
  const amount = h("input", { name: "amount", type: "number", min: "0", step: "0.01", placeholder: "as found" });
  const of = choice("of", [["message", "this message"], ["conversation", "its whole conversation"]], "message");
  const says = sentiment === null ? "Mood" : `Mood (${format.mood(sentiment)})`;
  const isWhole = () => of.value === "conversation";
  const subject = () => isWhole() ? { conversation_id: `${chat}:${id}` } : { message_id: id };
  const whose = () => isWhole() ? { side: side(chat, id) } : {};
  const changes = () => [
    ...(mood.value === "" ? [] : [{ field: "sentiment", value: Number(mood.value) }]),
    ...(sameSet(about.chosen(), now.topic) ? [] : [{ field: "topic", value: about.chosen() }]),
    ...(sameSet(acts.chosen(), now.action) ? [] : [{ field: "action", value: acts.chosen(), ...whose() }]),
    ...(outcome.value === "" ? [] : [{ field: "outcome", value: stated(outcome.value, amount.value) }]),
  ].map((change) => ({ ...subject(), chat_id: chat, ...change }));
  const fields = [
    labelled("Of", of), labelled(says, mood), about.node, acts.node, labelled("Outcomes", outcome), labelled("Amount in dollars", amount),
  ];
  return ["Correct a message", fields, changes];
}

function stated(type, amount) {
  if (type === "none") return [];
  return [{ type, ...(amount === "" || type === "drop_off" ? {} : { amount: Number(amount) }) }];
}

function ofTopic({ topics }, id) {
  const own = topics.find((each) => each.id === id);
  const name = h("input", { name: "name", maxlength: "100", required: "", value: own?.topic ?? id });
  const others = topics.filter((each) => each.id !== id).map((each) => [each.id, each.topic]);
  const into = choice("into", [["", "no other"], ...others], "");
  const hidden = h("input", { type: "checkbox", name: "hidden" });
  const changes = () => [
    ...(name.value.trim() === own?.topic ? [] : [{ field: "name", value: name.value }]),
    ...(into.value ? [{ field: "merged_into", value: into.value }] : []),
    ...(hidden.checked ? [{ field: "hidden", value: true }] : []),
  ].map((change) => ({ topic_id: id, ...change }));
  const fields = [labelled("Name", name), labelled("Is a part of", into), labelled("Hide it", hidden)];
  return ["Correct a topic", fields, changes];
}

const labelled = (text, control) => h("label", {}, h("span", {}, text), control);

function choice(name, options, chosen) {
  const select = h("select", { name }, ...options.map(([value, label]) => h("option", { value }, label)));
  select.value = chosen;
  return select;
}

/** Check boxes, of which `chosen()` gives the values that are ticked. */
function boxes(legend, options, ticked) {
  const inputs = options.map(([value, label]) => {
    const input = h("input", { type: "checkbox", value });
    input.checked = ticked.includes(value);
    return [input, label];
  });
  const rows = inputs.map(([input, label]) => h("label", {}, input, h("span", {}, label)));
  return {
    node: h("fieldset", {}, h("legend", {}, legend), ...rows),
    chosen: () => inputs.filter(([input]) => input.checked).map(([input]) => input.value),
  };
}
