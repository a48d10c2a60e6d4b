// Signing in: with a name and a password, or at the provider.

const by = (id) => document.getElementById(id);

/** Where to go on: the page that asked for it, if it is one of ours. */
function next() {
  const asked = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return asked.origin === location.origin ? asked.href : "/";
}

function tell(problem) {
  by("sign-in-problem").textContent = problem;
  by("sign-in-problem").hidden = false;
}

async function signIn(event) {
  event.preventDefault();
  const button = by("sign-in-form").querySelector("button");
  button.disabled = true;
  try {
    const response = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: by("name").value, password: by("password").value }),
    });
    if (response.ok) {
      location.replace(next());
      return;
    }
    tell((await response.json()).error.message);
    by("password").select();
  } catch {
    tell("The service does not answer; try again.");
  } finally {
    button.disabled = false;
  }
}

async function begin() {
  by("sign-in-form").addEventListener("submit", signIn);
  const response = await fetch("/api/v1/sign-in");
  if (response.status === 404) {
    location.replace("/"); // nobody signs in here
    return;
  }
  const { provider } = await response.json();
  if (provider === null) return;
  by("sign-in-provider").hidden = false;
  by("sign-in-provider").querySelector("a").textContent = `Sign in with ${provider}`;
}

begin();
