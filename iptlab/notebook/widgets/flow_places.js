// The chains of the place where the packet is, or of another one that somebody opened.

/** What each rule of a stop answered, up to a frame: `told(chain)(number)`, or of "end". */
function toldAt(view, n, upto = Infinity) {
  const asked = view.leg.stops[n].frames.slice(0, upto + 1);
  return (chain) => (number) => {
    const found = asked.findLast((frame) => frame.chain === chain && (frame.answer === "left"
      ? number === "end" : frame.first <= number && number <= frame.last));
    const one = found && found.first < found.last && view.answers(n)[`${chain} ${number}`];
    return one || found?.said;
  };
}

/** The chain that the packet is in, with the answers so far, and how it came there. */
function presentPlace(view, frame, nth) {
  const stop = view.leg.stops[frame.stop];
  if (!stop.table) return [h("p", { class: "about" }, about(view.chart.nodes[stop.node]))];
  const name = frame.chain ?? stop.chains[0];
  const here = frame.answer === "left" ? "end" : frame.first === frame.last ? frame.first : 0;
  const told = toldAt(view, frame.stop, nth);
  const trail = [...(frame.trail ?? []), name].join(" > ");
  return [
    h("p", { class: "trail" }, `${called(view.chart, stop.node)}: ${trail}`),
    chainOf(view, frame.stop, name, { told: told(name), here }),
    ...others(view, stop.node, [name]),
  ];
}

/** A place that was opened: the chains that the packet came through there, and all others. */
function openedPlace(view, node, known, close) {
  const n = view.leg.stops.findLastIndex((stop, n) => n <= known && stop.node === node);
  const stop = view.leg.stops[n];
  const parts = [
    h("p", { class: "trail" }, h("strong", {}, called(view.chart, node)), " ",
      h("button", { onclick: close }, "back to the packet")),
    h("p", { class: "about" }, about(view.chart.nodes[node])),
  ];
  if (view.leg.bare.includes(node)) parts.push(h("p", {}, "This machine has no such table: every packet passes."));
  if (!stop && known === view.leg.stops.length - 1) parts.push(h("p", {}, "This packet does not come here."));
  for (const name of stop?.chains ?? []) {
    parts.push(chainOf(view, n, name, { told: toldAt(view, n)(name) }));
  }
  return [...parts, ...others(view, node, stop?.chains ?? [])];
}

function chainOf(view, n, name, shown) {
  const { table } = view.leg.stops[n];
  const more = (first) => view.ask({ ask: "rows", stop: n, table, chain: name, first });
  const chain = view.chains[`${view.leg.machine} ${table} ${name}`];
  return chainTable(chain, { ...shown, more: view.alone ? null : more });
}

/** The other chains of a table, or a button that fetches them. */
function others(view, node, shown) {
  const { kind, label } = view.chart.nodes[node];
  const tables = ["raw", "mangle", "nat", "filter", "security"];
  if (kind !== "row" || !tables.includes(label) || view.leg.bare.includes(node)) return [];
  const keys = view.whole.get(`${view.leg.machine} ${label}`);
  const ask = () => view.ask({ ask: "table", table: label });
  if (!keys) {
    if (view.alone || !view.leg.machine) return [];
    return [h("p", {}, h("button", { onclick: ask }, `all chains of table ${label}`))];
  }
  return keys.map((key) => view.chains[key]).filter((chain) => !shown.includes(chain.name))
    .map((chain) => chainTable(chain, {
      told: () => "",
      more: (first) => view.ask({ ask: "rows", stop: 0, table: label, chain: chain.name, first }),
    }));
}
