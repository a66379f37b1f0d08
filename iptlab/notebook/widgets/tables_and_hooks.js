// Tables by hooks; the hook that is selected shows in which order it asks.

function render({ model, el }) {
  const hooks = model.get("hooks");
  const data = model.get("rows");
  const node = root(el, model.get("title"), {
    ArrowRight: () => move(1),
    ArrowLeft: () => move(-1),
  });
  node.classList.add("matrix");
  const order = h("section", { "aria-live": "polite", class: "order" });
  const buttons = hooks.map((hook) =>
    h("button", { type: "button", "aria-pressed": "false", onclick: () => put(model, "selected", hook) }, hook));
  const rows = data.map((row) => h("tr", { class: row.name.includes(" ") ? "tracking" : "" },
    h("th", { scope: "row" }, row.name), ...hooks.map((hook) => cell(row, hook)),
    h("td", { class: "about" }, row.about)));
  node.append(
    h("div", { class: "scroll" }, h("table", {},
      h("caption", {}, model.get("title"), h("span", { class: "soft" },
        " a number is the priority at the hook: the lower one is asked earlier")),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "table"),
        ...buttons.map((one) => h("th", { scope: "col" }, one)), h("th", { scope: "col", class: "about" }, "what it is for"))),
      h("tbody", {}, ...rows))),
    order);

  function cell(row, hook) {
    const one = row.cells[hook];
    if (!one) return h("td", { class: "none", "data-hook": hook }, h("span", { class: "heard" }, "not asked"));
    const since = one.since ? h("div", { class: "soft" }, `since ${one.since}`) : null;
    return h("td", { "data-hook": hook }, one.priority.replace("-", "−"), since);
  }

  function move(by) {
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return false;
    const next = buttons[(at + by + hooks.length) % hooks.length];
    next.focus();
    next.click();
    return true;
  }

  function show() {
    const hook = model.get("selected");
    buttons.forEach((one, at) => one.setAttribute("aria-pressed", String(hooks[at] === hook)));
    for (const one of node.querySelectorAll("td")) one.classList.toggle("now", one.dataset.hook === hook);
    if (!hooks.includes(hook)) {
      order.replaceChildren(h("p", { class: "soft" }, "Select a hook to see in which order it asks."));
      return;
    }
    const asked = data.filter((row) => row.cells[hook])
      .sort((one, other) => one.cells[hook].order - other.cells[hook].order);
    order.replaceChildren(
      h("p", {}, h("strong", {}, hook), " asks, one after the other:"),
      h("ol", {}, ...asked.map((row) => h("li", {}, h("strong", {}, row.name), ` ${row.about}`))));
  }

  const forget = follow(model, ["selected"], show);
  show();
  return forget;
}
export default { render };
