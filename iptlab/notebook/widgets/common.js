// What every widget's script may use. Scripts are joined, not imported: nothing is fetched.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = "svg g rect path text tspan line circle polygon title defs marker".split(" ");

// JupyterLab's shortcuts are for whatever has the focus inside a notebook, and the mark that
// suppresses them counts from there upwards: each element that can have the focus needs it.
const FOCUSABLE = "button input select textarea summary a".split(" ");

/** An element with attributes and children; `on…` attributes are listeners, text is escaped. */
function h(name, attributes = {}, ...children) {
  const node = DRAWN.includes(name)
    ? document.createElementNS(SVG, name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(key, value === true ? "" : value);
  }
  if (FOCUSABLE.includes(name) || "tabindex" in attributes) {
    node.setAttribute("data-lm-suppress-shortcuts", "true");
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

/** Let `place` scroll sideways where it is too wide: it fades where it goes on, and a button,
 * which the caller puts beside it, goes there. `look` again after a change, and `stop` at the end. */
function sideways(place) {
  const end = () => place.scrollLeft + place.clientWidth >= place.scrollWidth - 1;
  const go = () => place.scrollTo({ left: end() ? 0 : place.scrollLeft + place.clientWidth * 0.7 });
  const button = h("button", { type: "button", class: "onward", hidden: true, onclick: go });
  const look = () => {
    button.hidden = place.scrollWidth <= place.clientWidth + 1;
    button.textContent = end() ? "← back to the left" : "more to the right →";
    place.classList.toggle("more-left", place.scrollLeft > 1);
    place.classList.toggle("more-right", !end());
  };
  place.classList.add("sideways");
  place.addEventListener("scroll", look);
  const watch = new ResizeObserver(look);
  watch.observe(place);
  return { button, look, stop: () => watch.disconnect() };
}

/** A chain's name without most of kube-proxy's hash; a title and screen readers have all of it. */
function named(name) {
  const short = shortName(name);
  if (short === name) return name;
  return h("span", { title: name },
    h("span", { "aria-hidden": "true" }, short), h("span", { class: "heard" }, name));
}

const shortName = (name) => name.replace(/(KUBE-[A-Z]+-[A-Z2-7]{4})[A-Z2-7]{12}/g, "$1…");
