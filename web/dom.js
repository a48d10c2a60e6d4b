// Building and updating elements. Data only ever becomes text or an attribute, never markup.

/** An element with attributes and children; strings become text nodes, null is left out. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Set the text only when it differs, so that selections and screen readers are left in peace. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const updaters = new WeakMap();

/**
 * Make the children of `parent` show `items` in order, reusing what is there by key.
 * `build(item)` returns `[element, update(item)]`. Scroll and focus survive a change of order.
 */
export function keyed(parent, items, key, build) {
  const existing = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = new Map(items.map((item) => [String(key(item)), item]));
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  for (const [name, child] of existing) if (!wanted.has(name)) child.remove();
  let cursor = parent.firstElementChild;
  for (const [name, item] of wanted) {
    let child = existing.get(name);
    if (!child) {
      const [element, update] = build(item);
      child = element;
      child.dataset.key = name;
      updaters.set(child, update);
    }
    updaters.get(child)(item);
    if (child === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(child, cursor);
  }
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}
