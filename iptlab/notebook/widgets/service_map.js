// A Service from its addresses to its endpoints. Python has laid everything out; a click, or
// Enter on what has the focus, shows the rules behind a box or an edge.

const CLASS = { "way in": "door", chain: "chain", endpoint: "end", refusal: "refusal" };

function render({ model, el }) {
  const services = model.get("services");
  const here = root(el, "Services and their endpoints", {
    ArrowRight: (event) => walk(event, 1),
    ArrowDown: (event) => walk(event, 1),
    ArrowLeft: (event) => walk(event, -1),
    ArrowUp: (event) => walk(event, -1),
    Home: (event) => walk(event, -Infinity),
    End: (event) => walk(event, Infinity),
    Enter: pick,
    " ": pick,
  });
  here.classList.add("services");
  const select = h("select", { onchange: () => choose(select.value) });
  for (const one of services) select.append(h("option", { value: one.name }, one.name));
  const picture = h("div", { class: "map" });
  const wide = sideways(picture);
  const about = h("div", { class: "about", "aria-live": "polite" });
  here.append(
    h("div", { class: "which" }, h("label", {}, "Service ", select), wide.button),
    picture,
    about,
    h("p", { class: "note", hidden: !model.get("note") }, model.get("note")),
  );

  const current = () => services.find((one) => one.name === model.get("service")) ?? services[0];
  const items = () => [...picture.querySelectorAll("[role=button]")];
  const selected = () => {
    const { boxes, lines } = current();
    return [...boxes, ...lines].find((one) => one.id === model.get("selected"));
  };

  function choose(name) {
    model.set("selected", "");
    put(model, "service", name);
  }

  /** Move the focus among boxes and edges, in the order of a packet's way. */
  function walk(event, by) {
    const all = items();
    const from = all.indexOf(event.target);
    if (from < 0) return false;
    focus(all[Math.min(Math.max(from + by, 0), all.length - 1)]);
  }

  function focus(item) {
    for (const one of items()) one.setAttribute("tabindex", one === item ? "0" : "-1");
    item.focus();
  }

  function pick(event) {
    const item = event.target.closest?.("[role=button]");
    if (!item || !picture.contains(item)) return false;
    put(model, "selected", item.dataset.id);
  }

  function draw() {
    const one = current();
    select.value = one.name;
    const parts = inOrder(one);
    picture.replaceChildren(
      h(
        "svg",
        {
          viewBox: `0 0 ${one.width} ${one.height}`,
          width: one.width,
          // rather scrolled than too small to be read
          style: `min-width: ${Math.round(one.width * 0.85)}px`,
          role: "group",
          "aria-label": `${one.name}: arrow keys move, Enter shows the rules`,
          onclick: (event) => {
            const item = event.target.closest("[role=button]");
            if (item) focus(item);
            pick(event);
          },
        },
        tip(),
        ...parts,
      ),
    );
    if (one.hidden) picture.append(h("p", {}, `${one.hidden} more endpoints have no room here.`));
    items()[0].setAttribute("tabindex", "0");
    wide.look();
    show();
  }

  /** Mark what is selected, and tell of the rules behind it. */
  function show() {
    const id = model.get("selected");
    for (const item of items()) item.setAttribute("aria-pressed", String(item.dataset.id === id));
    about.replaceChildren(...(selected() ? rulesOf(selected().about) : [hint()]));
  }

  const stop = [follow(model, ["service"], draw), follow(model, ["selected"], show)];
  draw();
  return () => [...stop, wide.stop].forEach((one) => one());
}

const hint = () => h("p", { class: "hint" }, "Click a box or an edge to see the rules behind it.");

const tip = () =>
  h(
    "defs",
    {},
    h(
      "marker",
      {
        id: "iptlab-tip",
        viewBox: "0 0 8 8",
        refX: 7,
        refY: 4,
        markerWidth: 8,
        markerHeight: 8,
        markerUnits: "userSpaceOnUse",
        orient: "auto",
      },
      h("path", { class: "tip", d: "M0 0L8 4L0 8z" }),
    ),
  );

/** Boxes and edges from left to right, then from top to bottom, as the focus walks. */
function inOrder({ boxes, lines }) {
  const drawn = [
    ...lines.map((one) => [one.at[0], one.at[1], edge(one)]),
    ...boxes.map((one) => [one.at[0], one.at[1], box(one)]),
  ];
  return drawn.sort((one, two) => one[0] - two[0] || one[1] - two[1]).map(([, , node]) => node);
}

const button = (one, kind, label) => ({
  class: `part ${kind}`,
  role: "button",
  tabindex: "-1",
  "data-id": one.id,
  "aria-label": label,
  "aria-pressed": "false",
});

function edge(one) {
  const [x, y] = one.at;
  return h(
    "g",
    button(one, "edge", [one.about.heading, one.said].filter(Boolean).join(", ")),
    h("path", { class: "near", d: one.curve }),
    h("path", { class: "line", d: one.curve, "marker-end": "url(#iptlab-tip)" }),
    one.said ? h("text", { class: "said", x, y, "text-anchor": "end" }, one.said) : null,
  );
}

function box(one) {
  const [x, y, width, height] = one.at;
  return h(
    "g",
    button(one, CLASS[one.kind], `${one.title} ${one.note}, ${one.kind}`),
    h("rect", { x, y, width, height, rx: 6 }),
    h("text", { class: "title", x: x + 10, y: y + (one.note ? 19 : 27) }, one.title),
    " ", // between what is read aloud
    one.note ? h("text", { class: "small", x: x + 10, y: y + 35 }, one.note) : null,
  );
}

function rulesOf({ heading, said, rules, more }) {
  const list = rules.map(([place, text, explained]) =>
    h(
      "li",
      {},
      h("span", { class: "place" }, place),
      h("span", { class: "code" }, text),
      h("span", { class: "why" }, explained),
    ),
  );
  if (more) list.push(h("li", {}, `and ${more} more rules`));
  return [h("h4", {}, heading), h("p", {}, said), h("ol", {}, ...list)];
}

export default { render };
