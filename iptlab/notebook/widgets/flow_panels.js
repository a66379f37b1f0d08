// What stands below the chart: the chain with its answers, and the packet with all known of it.

const ABOUT = {
  conntrack: "Connection tracking looks for the connection that the packet belongs to, " +
    "before nearly all tables: so every rule behind it can ask for the state.",
  confirm: "The first packet of a connection got through: the connection is written into the " +
    "table of connections.",
  routing: "The routing decision: is the packet for this machine, or where does it go on?",
  forwarding: "The packet is for somebody else. Its time to live goes down by one, and at 0 it " +
    "is dropped.",
  network: "A network interface.",
  "local process": "A program of this machine, which sends and gets packets.",
  raw: "raw is asked before connection tracking, and can exempt packets from it.",
  mangle: "mangle changes fields of packets, or marks them.",
  nat: "nat is asked for the first packet of a connection only; what it decides holds for all.",
  filter: "filter decides whether the packet may go on.",
  security: "security is for SELinux: its rules label packets.",
};

/** What a place is for, in a sentence. */
function about(node) {
  if (node.kind !== "box") return ABOUT[node.label];
  return `${node.label} is a hook: the kernel asks the tables in it from top to bottom.`;
}

/** A chain as a table; `told` maps rules to answers, `more(first)` shows what is left out. */
function chainTable(chain, { told, here, more }) {
  const size = `${chain.rules.toLocaleString("en")} ${chain.rules === 1 ? "rule" : "rules"}`;
  const policy = chain.policy ? `, policy ${chain.policy}` : "";
  const body = h("tbody");
  let next = 1;
  for (const [number, rule, means] of chain.rows) {
    if (number > next) body.append(gap(next, number - 1, more));
    next = number + 1;
    const said = told(number) ?? "";
    const now = here === number;
    body.append(h("tr", { class: state(said, now), "aria-current": now && "step" },
      h("td", { class: "sign" }, now ? "▶" : said.startsWith("yes") ? "✓" : ""),
      h("td", { class: "number" }, String(number)),
      h("td", {}, h("span", { class: "code" }, rule), now ? h("div", { class: "means" }, means) : ""),
      h("td", { class: "answer" }, said)));
  }
  if (next <= chain.rules) body.append(gap(next, chain.rules, more));
  const end = told("end");
  if (chain.policy || end) {
    const now = here === "end";
    body.append(h("tr", { class: state(end ?? "", now), "aria-current": now && "step" },
      h("td", { class: "sign" }, now ? "▶" : ""), h("td", {}, ""),
      h("td", {}, chain.policy ? `policy ${chain.policy}` : "end of the chain"),
      h("td", { class: "answer" }, end ?? "")));
  }
  return h("table", { class: "rules" },
    h("caption", {}, h("strong", {}, `Chain ${chain.name}`), ` (table ${chain.table}, ${size}${policy})`),
    h("thead", {}, h("tr", {}, ...["", "", "rule", "its answer to this packet"]
      .map((head, n) => (n < 2 ? h("td", {}) : h("th", { scope: "col" }, head))))),
    body);
}

function state(said, now) {
  return [now && "here", said.startsWith("yes") && "yes", !said && "unasked"]
    .filter(Boolean).join(" ") || null;
}

function gap(first, last, more) {
  const count = (last - first + 1).toLocaleString("en");
  const words = `${count} ${first === last ? "rule" : "rules"} not shown`;
  const button = more && h("button", { onclick: () => more(first) }, "show");
  return h("tr", { class: "gap" }, h("td", {}, "⋮"), h("td", {}), h("td", { colspan: 2 }, `${words} `, button));
}

/** The packet: as it came, and now; what this step changed has a sign and its old value. */
function packetTable(leg, frame, previous) {
  const [came, before, now] = [0, frame.before, frame.packet].map((n) => new Map(leg.packets[n]));
  const rows = [...new Set([...came.keys(), ...now.keys()])].map((name) =>
    row(name, came.get(name) ?? "–", before.get(name) ?? "–", now.get(name) ?? "–"));
  const facts = [
    ["ctstate", previous?.state, frame.state, "not looked up yet"],
    ["connection", leg.entries[previous?.known ?? 0], leg.entries[frame.known], "none"],
  ].map(([name, old, value, none]) => {
    const fresh = previous && old !== value;
    // an entry of conntrack -L has two halves, one for each direction
    const halves = (value || none).split(/ (?=\[UNREPLIED\])|(?<=(?:dport|id)=\S+) (?=src=)/);
    return h("tr", { class: fresh ? "changed" : null },
      h("th", { scope: "row" }, sign(fresh), name),
      h("td", { colspan: 2, class: "code" }, halves.map((half) => h("div", {}, half))));
  });
  return h("table", { class: "packet" },
    h("caption", {}, h("strong", {}, "The packet"), ", ✎ marks what this step changed"),
    h("thead", {}, h("tr", {}, ...["field", "as it came", "now"].map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, rows, facts));
}

function row(name, came, before, now) {
  const fresh = before !== now;
  return h("tr", { class: fresh ? "changed" : came !== now ? "rewritten" : null },
    h("th", { scope: "row" }, sign(fresh), name),
    h("td", { class: came.length > 20 ? "code long" : "code" }, came),
    h("td", { class: now.length > 20 ? "code long" : "code" }, fresh ? h("del", {}, before) : "", fresh ? " → " : "", now));
}

function sign(fresh) {
  return fresh ? h("span", { class: "pen", role: "img", "aria-label": "changed: " }, "✎ ") : "";
}
