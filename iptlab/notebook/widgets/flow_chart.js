// The chart of a machine as SVG. Python decides where everything stands (flow_chart.py).

/** What a place is called in a sentence. */
function called(chart, name) {
  const node = chart.nodes[name];
  if (node.kind === "box") return `hook ${node.label}`;
  if (node.kind !== "row") return node.label;
  const what = ["conntrack", "confirm"].includes(node.label) ? node.label : `table ${node.label}`;
  return `${what} in ${node.hook}`;
}

/** Most of the chart stays as it is from step to step. */
function set(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** The chart; `pick(name)` is called when a place is clicked, or Enter is pressed on it. */
function drawChart(chart, pick) {
  const edges = {}, places = {};
  const svg = h("svg", {
    viewBox: `0 0 ${chart.width} ${chart.height}`, class: "chart", role: "group",
    "aria-label": "the hooks and tables; arrow up and down move, Enter opens a place",
  });
  for (const [name, edge] of Object.entries(chart.edges)) {
    edges[name] = h("g", { class: "edge" }, h("path", { d: edge.d, class: "line" }),
      h("path", { d: edge.head, class: "tip" }));
    svg.append(edges[name]);
  }
  const order = Object.keys(chart.nodes).filter((name) => chart.nodes[name].kind !== "note");
  for (const [name, node] of Object.entries(chart.nodes)) {
    if (node.kind === "note") svg.append(label(node.label, node, node.height - 6, "note"));
    else svg.append(places[name] = place(name, node));
  }
  const dot = h("circle", { r: 5.5, class: "dot" });
  svg.append(dot);
  let open = order[0];
  places[open].setAttribute("tabindex", "0");

  function place(name, node) {
    const { x, y, width, height, kind } = node;
    const round = kind === "end" ? height / 2 : 5;
    const shape = h("rect", { x, y, width, height, rx: round });
    const word = kind === "row"
      ? h("text", { x: x + width - 7, y: y + 15, class: "word", "text-anchor": "end" })
      : label("", node, -6, "word");
    const said = kind === "row"
      ? h("text", { x: x + 10, y: y + 15 }, node.label)
      : label(node.label, node, kind === "box" ? 18 : 25, kind === "box" ? "hook" : "");
    return h("g", {
      class: kind, role: "button", tabindex: "-1", "data-name": name,
      onclick: () => { focusOn(name); pick(name); },
      onkeydown: (event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) focusOn(order.at((order.indexOf(name) + step) % order.length));
        else if (["Enter", " "].includes(event.key)) pick(name);
        else return;
        event.preventDefault();
        event.stopPropagation();
      },
    }, shape, said, word);
  }

  function label(text, node, below, kind) {
    const middle = { x: node.x + node.width / 2, y: node.y + below, "text-anchor": "middle" };
    return h("text", { ...middle, class: kind }, text);
  }

  /** One place at a time is in the tab order; the arrow keys move on from it. */
  function focusOn(name) {
    places[open].setAttribute("tabindex", "-1");
    open = name;
    places[name].setAttribute("tabindex", "0");
    places[name].focus();
  }

  /** Show where the packet is, where it was (with a word each), and where it will be. */
  function update({ here, words, ahead, gone, coming, bare, selected }) {
    for (const [name, group] of Object.entries(places)) {
      const node = chart.nodes[name];
      const been = words.has(name), later = ahead.has(name), none = bare.includes(name);
      const sure = been ? words.get(name) : "";
      set(group, "class", [
        node.kind, been && "been", later && !been && "later", none && "bare",
        name === here && "here", name === selected && "selected",
      ].filter(Boolean).join(" "));
      const word = sure && ` ${sure}`;
      if (group.lastChild.textContent !== word) group.lastChild.textContent = word;
      const said = [`${node.label} ${sure}`.trim(), name !== node.label && called(chart, name),
        name === here ? "the packet is here" : been && "the packet was here", none && "no rules"];
      set(group, "aria-label", said.filter(Boolean).join(", "));
      set(group, "aria-pressed", String(name === selected));
    }
    for (const [name, group] of Object.entries(edges)) {
      const state = gone.has(name) ? " been" : coming.has(name) ? " later" : "";
      set(group, "class", `edge${state}`);
    }
    const at = chart.nodes[here];
    // at the side where packets come in; a round end has its name there
    const [x, y] = at.kind === "end" ? [at.width / 2, at.height] : [0, at.height / 2];
    dot.style.transform = `translate(${at.x + x}px, ${at.y + y}px)`;
  }

  return { svg, update };
}
