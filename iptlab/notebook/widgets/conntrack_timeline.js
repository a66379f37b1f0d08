// A connection's entry through time: a row for each packet, the whole entry of the one in hand.

function render({ model, el }) {
  const packets = model.get("packets");
  const names = Object.keys(packets);
  const node = root(el, model.get("title"), {
    ArrowDown: () => move(1),
    ArrowRight: () => move(1),
    ArrowUp: () => move(-1),
    ArrowLeft: () => move(-1),
    Home: () => move(-Infinity),
    End: () => move(Infinity),
  });
  node.classList.add("timeline");
  const before = h("button", { type: "button", onclick: () => move(-1) }, "‹ Previous");
  const after = h("button", { type: "button", onclick: () => move(1) }, "Next ›");
  const count = h("span", { class: "count" });
  const choice = h("select", { "aria-label": "machine", onchange: () => look(choice.value) },
    ...names.map((name) => h("option", { value: name }, name)));
  const body = h("tbody");
  const entry = h("section", { "aria-live": "polite", class: "entry" });
  const heads = ["packet", "rules saw", "entry afterwards", "timeout"];
  node.append(
    h("div", { class: "tools" },
      h("strong", {}, model.get("title")),
      names.length > 1 ? h("label", {}, "on ", choice) : null, before, after, count),
    h("div", { class: "scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ...heads.map((name) => h("th", { scope: "col" }, name)))), body)),
    entry);

  const here = () => packets[model.get("machine")] ?? [];

  function look(machine) {
    model.set("step", 0);
    put(model, "machine", machine);
  }

  function move(by) {
    const step = Math.max(0, Math.min(here().length - 1, model.get("step") + by));
    if (step !== model.get("step")) put(model, "step", step);
    if (body.contains(document.activeElement)) rows()[step]?.querySelector("button").focus();
  }

  const rows = () => [...body.children];

  // --- rows ---

  function draw() {
    choice.value = model.get("machine");
    body.replaceChildren(...here().map(row));
    show();
  }

  function row(one, at) {
    const arrow = one.reply ? "←" : "→";
    const heard = one.reply ? "answer: " : "from the side that began: ";
    const open = h("button", { type: "button", class: "packet code", onclick: () => move(at - model.get("step")) },
      h("span", { "aria-hidden": "true" }, `${at + 1} ${arrow} `),
      h("span", { class: "heard" }, `packet ${at + 1}, ${heard}`), one.packet);
    const stopped = one.fate ? h("div", { class: "stopped" }, `✕ ${one.fate}`) : null;
    const last = earlier(at);
    const kinds = [one.kept && "alive", isNew(one, last) && "fresh"];
    return h("tr", { class: kinds.filter(Boolean).join(" ") },
      h("td", {}, open, stopped), h("td", {}, badge(one.ctstate)),
      h("td", { class: "life" }, ...life(one, last)), h("td", { class: "time" }, one.timeout.replace(/(?<=\d) /g, "\u00a0")));
  }

  function life(one, last) {
    if (!one.kept) {
      return [h("span", { class: "soft" },
        one.line ? "none: its first packet did not get through" : "none")];
    }
    const fresh = isNew(one, last) ? "new " : "";
    return [h("strong", {}, one.state), h("span", { class: "soft" }, ` ${fresh}${one.flags}`)];
  }

  /** The packet before this one that had the same entry. */
  const earlier = (at) => here().slice(0, at).findLast((one) => one.kept && one.flow === here()[at].flow);
  /** Whether the packet made its entry; one that we see in the middle of a flow did not. */
  const isNew = (one, last) => one.kept && one.ctstate === "NEW" && !last;

  const badge = (word) => (word ? h("span", { class: "badge" }, word) : null);

  // --- the packet in hand ---

  function show() {
    const step = model.get("step");
    const one = here()[step];
    rows().forEach((row, at) => {
      row.classList.toggle("now", at === step);
      const open = row.querySelector("button");
      if (at === step) open.setAttribute("aria-current", "step");
      else open.removeAttribute("aria-current");
    });
    before.disabled = step === 0;
    after.disabled = step >= here().length - 1;
    const more = model.get("left_out") ? `; ${model.get("left_out")} more have no room here` : "";
    count.textContent = (here().length ? `packet ${step + 1} of ${here().length}` : "no packets") + more;
    entry.replaceChildren(...(one ? about(one, earlier(step)) : []));
  }

  function about(one, last) {
    const left = one.exit && one.exit !== one.packet
      ? h("p", { class: "code" }, `${one.packet}  leaves as  ${one.exit}`) : null;
    const nat = one.nat.map((said) => h("p", {}, `NAT: ${said}`));
    const line = one.line ? h("p", { class: "code line" }, ...words(one, last)) : null;
    const head = one.kept ? "The entry now, as conntrack -L prints it" : one.line
      ? "An entry was prepared, and thrown away with the packet" : "There is no entry";
    return [h("p", { class: "soft" }, head), line, ...nat, left].filter(Boolean);
  }

  /** The entry word by word; what the packet changed is marked. */
  function words(one, last) {
    const old = last?.line.split(/\s+/);
    return one.line.split(/\s+/).flatMap((word) => {
      const fresh = old && !old.includes(word);
      return [fresh ? h("mark", {}, word) : word, " "];
    });
  }

  const forget = [follow(model, ["machine", "packets"], draw), follow(model, ["step"], show)];
  draw();
  return () => forget.forEach((stop) => stop());
}
export default { render };
