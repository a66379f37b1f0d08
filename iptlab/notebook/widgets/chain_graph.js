// Chains as boxes, jumps as arrows; the chain that is selected shows its rules.

function render({ model, el }) {
  const boxes = model.get("boxes");
  const lines = model.get("lines");
  const [width, height] = model.get("size");
  const byName = new Map(boxes.map((box) => [box.called, box]));
  const node = root(el, model.get("title"), {
    ArrowRight: () => step(lines.filter((line) => line.from === here()).map((line) => line.to)),
    ArrowLeft: () => step(lines.filter((line) => line.to === here()).map((line) => line.from)),
    ArrowDown: () => beside(1),
    ArrowUp: () => beside(-1),
  });
  node.classList.add("graph");
  const drawn = new Map();
  const rules = h("section", { "aria-live": "polite", class: "chain" });
  const picture = h("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "chains",
    // in the theme's own measure, so that the picture grows with its text
    style: `width: 100%; max-width: ${width / 14}em; min-width: ${(width * 0.85) / 14}em`,
  });
  const arrows = lines.map((line) => ({ line, shape: arrow(line) }));
  // the packet's way lies on top
  const last = [...arrows].sort((one, other) => one.line.lit - other.line.lit);
  picture.append(...last.map((one) => one.shape), ...tables(), ...boxes.map(box));
  const place = h("div", { class: "scroll" }, picture);
  const wide = sideways(place);
  node.append(
    h("p", { class: "title" }, h("strong", {}, model.get("title")), h("span", { class: "key" },
      sample(false), " jump: comes back here after it", sample(true), " goto: does not"), wide.button),
    place, rules);
  if (model.get("left_out")) {
    rules.before(h("p", { class: "soft" }, `${model.get("left_out")} more chains are not drawn; `
      + "around=\"…\" draws those around one, to_dot() has all."));
  }

  function tables() {
    const names = [...new Set(boxes.map((one) => one.table))];
    return names.filter(Boolean).map((name) => {
      const top = Math.min(...boxes.filter((one) => one.table === name).map((one) => one.place[1]));
      return h("text", { x: 1, y: top - 10, class: "table" }, `table ${name}`);
    });
  }

  function sample(dashed) {
    return h("svg", { width: 40, height: 10, "aria-hidden": "true" },
      h("path", { d: "M4 5 H30", class: dashed ? "goto" : "" }), h("polygon", { points: "37,5 30,1 30,9" }));
  }

  function arrow(line) {
    const [x, y] = line.path.split(" ").slice(-2).map(Number);
    const middle = line.jumps > 1 ? h("text", { x: x - 6, y: y - 6, class: "jumps" }, `×${line.jumps}`) : null;
    return h("g", { class: `arrow${line.lit ? " lit" : ""}` },
      h("path", { d: line.path, class: line.goto ? "goto" : "" }),
      h("polygon", { points: `${x + 7},${y} ${x},${y - 4} ${x},${y + 4}` }), middle);
  }

  function box(one) {
    const [x, y, w, tall] = one.place;
    const to = lines.filter((line) => line.from === one.called).map((line) => byName.get(line.to).chain);
    const heard = [one.called, one.below, one.below !== one.size && one.size, one.lit && "the packet came here",
      to.length && `leads to ${to.join(", ")}`].filter(Boolean).join(", ");
    const shape = h("g", {
      class: `box${one.lit ? " lit" : ""}`, role: "button", tabindex: -1,
      "aria-pressed": "false", onclick: () => select(one.called),
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        select(one.called);
      },
    },
    h("title", {}, heard),
    h("rect", { x, y, width: w, height: tall, rx: 5 }),
    h("text", { x: x + 12, y: y + 17, class: "name"}, `${one.lit ? "▶ " : ""}${shortName(one.chain)}`),
    h("text", { x: x + 12, y: y + 32, class: "below" }, one.below));
    drawn.set(one.called, shape);
    return shape;
  }

  // --- keys ---

  const here = () => [...drawn].find(([, shape]) => shape === document.activeElement)?.[0];

  function step(names) {
    if (!here()) return false;
    if (names.length) focus(names[0]);
    return true;
  }

  function beside(by) {
    const now = byName.get(here());
    if (!now) return false;
    const stack = boxes.filter((one) => one.column === now.column);
    const next = stack[stack.indexOf(now) + by];
    if (next) focus(next.called);
    return true;
  }

  function focus(name) {
    for (const [other, shape] of drawn) shape.setAttribute("tabindex", other === name ? 0 : -1);
    drawn.get(name).focus();
  }

  // --- the chain that is selected ---

  function select(name) {
    put(model, "selected", name);
  }

  function show() {
    const name = model.get("selected");
    const one = byName.get(name);
    for (const [other, shape] of drawn) shape.setAttribute("aria-pressed", String(other === name));
    for (const { line, shape } of arrows) {
      shape.classList.toggle("near", line.from === name || line.to === name);
    }
    const entry = one ? name : boxes[0]?.called;
    for (const [other, shape] of drawn) shape.setAttribute("tabindex", other === entry ? 0 : -1);
    if (!one) {
      rules.replaceChildren(h("p", { class: "soft" }, "Select a chain to see its rules."));
      return;
    }
    const more = one.more ? h("p", { class: "soft" }, `${one.more} more rules`) : null;
    rules.replaceChildren(...[
      h("p", {}, h("strong", {}, `${one.table} `, named(one.chain)), ` ${one.size}`,
        one.below === one.size ? "" : `, ${one.below}`),
      one.rules.length ? h("ol", { class: "code" }, one.rules.map(rule)) : null, more].filter(Boolean));
  }

  function rule(line) {
    const comment = line.comment ? h("span", { class: "comment" }, ` /* ${line.comment} */`) : null;
    return h("li", { class: line.hits ? "hit" : "" }, line.hits ? "▶ " : "", line.tests, " ",
      line.goto ? "-g " : line.target ? "-j " : "", line.to ? link(line) : line.target, comment);
  }

  function link(line) {
    const name = `${line.table} ${line.to}`.trim();
    if (!byName.has(name)) return named(line.to);
    const follow_ = () => {
      select(name);
      focus(name);
    };
    return h("button", { type: "button", class: "link", title: line.to, onclick: follow_ }, named(line.to));
  }

  const forget = follow(model, ["selected"], show);
  show();
  return () => {
    forget();
    wide.stop();
  };
}
export default { render };
