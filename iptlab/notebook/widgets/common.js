// What every widget's script may use. Scripts are joined, not imported: nothing is fetched.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; `on…` attributes are listeners, text is escaped. */
function h(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "path", "text", "line", "circle", "title"].includes(name);
  const node = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child != null));
  return node;
}

/** The root of a widget: keys pressed inside it never reach the notebook's shortcuts. */
function root(el, label, keys) {
  const node = h("div", {
    class: "iptlab",
    role: "group",
    "aria-label": label,
    "data-lm-suppress-shortcuts": "true",
    onkeydown: (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.matches("input, textarea, select")) return;
      const action = keys?.[event.key];
      if (action && action(event) !== false) event.preventDefault();
    },
  });
  el.append(node);
  return node;
}

/** Follow a trait of the model; the function returned stops following. */
function follow(model, names, tell) {
  for (const name of names) model.on(`change:${name}`, tell);
  return () => names.forEach((name) => model.off(`change:${name}`, tell));
}

/** Set a trait and let the kernel know. */
function put(model, name, value) {
  model.set(name, value);
  model.save_changes();
}
