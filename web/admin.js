// Who may do what: keys, people, grants and the audit trail. For admins; the service decides who is one.

import * as api from "./api.js";
import { h, keyed, setText } from "./dom.js";
import { moment, words } from "./format.js";

const ROLES = ["agent", "chatter", "analyst", "owner", "admin"];
const EVERY = "*";

const by = (id) => document.getElementById(id);
let me = null;

/** A grant for people. */
function told({ role, user_id: user, creator_id: creator, with_text: withText }) {
  const whose = user === EVERY ? (role === "admin" ? null : "every user") : user;
  const parts = [role, whose, creator && `creator ${creator}`, withText ? "with text" : null];
  return parts.filter(Boolean).join(" · ");
}

const all = (grants) => grants.map(told).join("; ") || "nothing yet";

function tell(problem) {
  by("problem").hidden = problem === null;
  setText(by("problem").querySelector("span"), problem ?? "");
}

/** Do what a person asked for, then show what is so now. */
async function act(work) {
  tell(null);
  try {
    await work();
    await show();
  } catch (error) {
    tell(error.message);
  }
}

const change = (method, path, body) => api.send(method, `/api/v1/access/${path}`, me, body);
const part = encodeURIComponent;

/** A row of texts and of buttons `[label, question, what is done]`; a question is asked before it is done. */
function row(texts, buttons = []) {
  const [first, ...others] = texts.map((text) => (text instanceof Node ? text : document.createTextNode(text)));
  const cells = [h("th", { scope: "row" }, first), ...others.map((each) => h("td", {}, each))];
  const acting = buttons.map(([label, question, done]) => {
    const button = h("button", { type: "button", class: "plain" }, label);
    button.addEventListener("click", () => (question === null || confirm(question)) && done());
    return button;
  });
  return h("tr", {}, ...cells, ...(acting.length ? [h("td", {}, ...acting)] : []));
}

/** Rows of what does not change; what did is another row. */
function rows(id, items, build) {
  keyed(by(id), items, (item) => JSON.stringify(item), (item) => [build(item), () => {}]);
}

function drawKeys(keys) {
  rows("keys", keys, ({ id, name, created_at: made, expires_at: expires, grants }) => {
    const until = expires === null ? "never" : moment(Date.parse(expires));
    const revoke = () => act(() => change("DELETE", `keys/${part(id)}`));
    const question = `Revoke the key "${name}"? Whatever uses it is cut off at once.`;
    const texts = [name, h("code", {}, id), moment(Date.parse(made)), until, all(grants)];
    return row(texts, [["Revoke", question, revoke]]);
  });
}

function drawPeople(people) {
  rows("people", people, ({ name, grants }) => {
    const remove = () => act(() => change("DELETE", `people/${part(name)}`));
    return row([name, all(grants)], [
      ["New password", null, () => askPassword(name)],
      ["Remove", `Remove the account of ${name}? Its sessions end at once.`, remove],
    ]);
  });
}

function askPassword(name) {
  const form = by("password-form");
  form.hidden = false;
  form.dataset.name = name;
  setText(form.querySelector("span"), `New password of ${name}`);
  form.elements.password.focus();
}

function drawGrants(grants) {
  rows("grants", grants, ({ principal, grant }) => {
    const back = () => act(() => change("POST", "grants/remove", { principal, grant }));
    const question = `Take "${told(grant)}" back from ${principal}?`;
    return row([h("code", {}, principal), told(grant)], [["Take back", question, back]]);
  });
}

function drawAudit(records) {
  rows("audit", records, ({ number, record: { at, event, who, ...about } }) => {
    const facts = Object.entries(about).map(([name, value]) => `${words(name)}: ${value}`);
    return row([String(number), moment(Date.parse(at)), words(event), h("code", {}, who), facts.join(", ")]);
  });
}

async function show() {
  const asked = ["keys", "people", "grants", "audit"].map((what) => api.get(`/api/v1/access/${what}`, {}));
  const [keys, people, grants, audit] = await Promise.all(asked);
  drawKeys(keys);
  drawPeople(people);
  drawGrants(grants);
  drawAudit(audit);
  const known = [...keys, ...people].map(({ id, name }) => h("option", { value: id }, name));
  by("principals").replaceChildren(...known);
}

/** Fields for a grant before the form's button; gives what reads them: a list of one grant, or of none. */
function grantFields(form, none) {
  const offered = [...(none ? [["", "none yet"]] : []), ...ROLES.map((role) => [role, role])];
  const role = h("select", { name: "role" }, ...offered.map(([value, label]) => h("option", { value }, label)));
  const user = h("input", { name: "user", maxlength: 128, autocomplete: "off", placeholder: "id, or * for every" });
  const creator = h("input", { name: "creator", maxlength: 128, autocomplete: "off", placeholder: "all of the user's" });
  const withText = h("input", { name: "with_text", type: "checkbox" });
  const labels = [["Role", role], ["User", user], ["Creator", creator], ["With text", withText]].map(
    ([text, field]) => h("label", {}, h("span", {}, text), field),
  );
  const draw = () => {
    const isOfUser = role.value !== "" && role.value !== "admin";
    for (const [n, isShown] of [[1, isOfUser], [2, isOfUser], [3, role.value === "analyst"]]) {
      labels[n].hidden = !isShown;
    }
    user.required = isOfUser;
  };
  role.addEventListener("change", draw);
  form.addEventListener("reset", () => setTimeout(draw));
  form.querySelector("button").before(...labels);
  draw();
  return () => {
    if (role.value === "") return [];
    if (role.value === "admin") return [{ role: "admin", user_id: EVERY }];
    const whose = { user_id: user.value, creator_id: creator.value || null };
    return [{ role: role.value, ...whose, with_text: role.value === "analyst" && withText.checked }];
  };
}

/** What is done when a form is sent; it is empty again once that is done. */
function onSubmit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(async () => {
      await work(form.elements);
      form.reset();
    });
  });
}

function listen() {
  const [ofKey, ofPerson, ofGrant] = [
    grantFields(by("key-form"), true),
    grantFields(by("person-form"), true),
    grantFields(by("grant-form"), false),
  ];
  onSubmit(by("key-form"), async ({ name, days }) => {
    const lasts = days.value === "" ? null : Number(days.value);
    const made = await change("POST", "keys", { name: name.value, days: lasts, grants: ofKey() });
    const box = by("new-key");
    setText(box.querySelector("strong"), made.name);
    setText(box.querySelector("code"), made.key);
    box.hidden = false;
  });
  by("new-key").querySelector("button").addEventListener("click", () => {
    by("new-key").hidden = true;
    setText(by("new-key").querySelector("code"), "");
  });
  onSubmit(by("person-form"), ({ name, password }) =>
    change("POST", "people", { name: name.value, password: password.value, grants: ofPerson() }),
  );
  onSubmit(by("password-form"), ({ password }) =>
    change("PUT", `people/${part(by("password-form").dataset.name)}/password`, { password: password.value }),
  );
  by("password-form").addEventListener("reset", () => (by("password-form").hidden = true));
  onSubmit(by("grant-form"), async ({ principal }) => {
    for (const grant of ofGrant()) await change("POST", "grants", { principal: principal.value, grant });
  });
  onSubmit(by("audit-form"), async ({ through }) => {
    const found = await api.get("/api/v1/access/audit/verify", { through: through.value || null });
    by("verdict").dataset.kind = found.problem === null ? "good" : "bad";
    const fine = `All ${found.records} records are as they were written. Note the last hash elsewhere: ${found.last}`;
    setText(by("verdict"), found.problem === null ? fine : `Something is wrong: ${found.problem}.`);
  });
  by("own-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    tell(null);
    const { current, password } = event.target.elements;
    try {
      await api.send("PUT", "/api/v1/me/password", me, { current: current.value, password: password.value });
      location.assign(`/sign-in?${new URLSearchParams({ next: location.pathname })}`);
    } catch (error) {
      tell(error.message);
    }
  });
  by("problem").querySelector("button").addEventListener("click", () => tell(null));
  by("sign-out").addEventListener("click", () => api.signOut(me));
}

/** Why there is nothing to manage for who is here; null: there is. */
function refusal() {
  if (me.open_at !== null) return "Nobody is asked who they are (AUTH=none), so there is nobody to manage.";
  if (!me.grants.some(({ role }) => role === "admin")) return "This page is for the role admin.";
  return null;
}

async function begin() {
  try {
    me = await api.me();
  } catch (error) {
    tell(error.message);
    return;
  }
  setText(by("who"), me.name);
  by("sign-out").hidden = !me.csrf_token;
  by("own").hidden = !api.hasPassword(me);
  const refused = refusal();
  listen();
  if (refused !== null) {
    setText(by("refused"), refused);
    by("refused").hidden = false;
    return;
  }
  for (const section of document.querySelectorAll("[data-for=admin]")) section.hidden = false;
  act(() => {});
}

begin();
