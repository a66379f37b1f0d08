// A form whose answers come from the kernel. What is typed stays what is typed: Python's answer
// says what it thinks of it, and changes a field only if a button asks for that, or if the same
// thing was typed elsewhere in the form.

const PAUSE = 250; // milliseconds without a key, then Python looks at what was typed
const PATIENCE = 4000; // after which it is told that Python has not answered yet
let forms = 0;

function render({ model, el }) {
  const id = `iptlab-form-${(forms += 1)}-${Math.random().toString(36).slice(2, 8)}`;
  const here = root(el, model.get("title"));
  here.classList.add("form");
  const heading = h("h4");
  const intro = h("div", { class: "intro" });
  const asking = h("div", { "aria-live": "polite" }, heading, intro);
  const fields = h("div", { class: "fields" });
  const buttons = h("div", { class: "buttons" });
  const said = h("div", { class: "said", "aria-live": "polite" });
  const waiting = h("p", { class: "waiting", role: "status" });
  here.append(asking, fields, buttons, waiting, said);
  let asked = 0, pause = 0, patience = 0, told = "", known = {};

  /** Draw what Python described; done again only if it describes something else. */
  function draw() {
    const pressed = here.getRootNode().activeElement?.dataset?.name;
    heading.textContent = model.get("title");
    here.setAttribute("aria-label", model.get("title"));
    intro.replaceChildren(...model.get("intro").split("\n\n").filter(Boolean).map(paragraph));
    known = {};
    fields.replaceChildren(...model.get("fields").map((one, at) => field(one, `${id}-${at}`)));
    buttons.replaceChildren(
      ...model.get("buttons").map(([name, label, open = true]) =>
        h(
          "button",
          { type: "button", "data-name": name, disabled: !open, onclick: () => ask(name) },
          label,
        ),
      ),
    );
    // whoever pressed a button stays there, or as near as possible
    const same = pressed && buttons.querySelector(`[data-name="${pressed}"]:enabled`);
    if (pressed) (same || buttons.querySelector(":enabled"))?.focus();
  }

  function field(one, where) {
    const mark = h("div", { class: "mark", id: `${where}-mark`, "aria-live": "polite" });
    const [control, whole] = (one.kind === "choice" ? choice : typed)(one, where);
    known[one.name] = { ...control, words: mark };
    control.set(model.get("values")[one.name] ?? "");
    return h("div", { class: `field ${one.kind}` }, ...whole, mark);
  }

  /** A line or some lines of text; a line may offer words to pick. */
  function typed(one, where) {
    const shared = {
      id: where,
      class: "code",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      "aria-describedby": `${where}-mark`,
      oninput: soon,
      onkeydown: (event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        ask(model.get("buttons")[0]?.[0] ?? "look");
      },
    };
    const label = h("label", { for: where }, one.label);
    if (one.kind === "lines") {
      const area = h("textarea", { ...shared, rows: one.rows });
      return [toValue(area), [label, area]];
    }
    const input = h("input", { ...shared, type: "text", list: one.options.length && `${where}-o` });
    const options = one.options.map((value) => h("option", { value }));
    return [toValue(input), [label, input, h("datalist", { id: `${where}-o` }, ...options)]];
  }

  const toValue = (node) => ({
    get: () => node.value,
    set: (value) => { node.value = value; },
    blame: (bad) => node.setAttribute("aria-invalid", String(bad)),
    focused: () => node.getRootNode().activeElement === node,
  });

  /** Some answers of which one is chosen. */
  function choice(one, where) {
    const inputs = one.options.map((value) =>
      h("input", { type: "radio", name: where, value, onchange: soon }),
    );
    const labels = inputs.map((input) => h("label", {}, input, ` ${input.value}`));
    const control = {
      get: () => inputs.find((input) => input.checked)?.value ?? "",
      set: (value) => inputs.forEach((input) => { input.checked = input.value === value; }),
      blame: () => {},
      focused: () => false,
    };
    return [control, [h("fieldset", {}, h("legend", {}, one.label), ...labels)]];
  }

  const values = () => Object.fromEntries(Object.entries(known).map(([k, one]) => [k, one.get()]));

  function soon() {
    clearTimeout(pause);
    pause = setTimeout(() => ask("look"), PAUSE);
  }

  function ask(what) {
    clearTimeout(pause);
    clearTimeout(patience);
    model.set("values", values());
    model.save_changes();
    patience = setTimeout(() => {
      waiting.textContent = "Still waiting for the kernel. Where none runs, run the cell first.";
    }, PATIENCE);
    model.send({ do: what, values: values(), number: (asked += 1) });
  }

  function hear(answer) {
    if (answer.number !== asked) return; // more was typed since
    clearTimeout(patience);
    waiting.textContent = "";
    if (answer.form) {
      for (const [name, value] of Object.entries(answer.form)) model.set(name, value);
      draw();
    }
    for (const [name, one] of Object.entries(known)) {
      const words = answer.marks[name] ?? "";
      // what is the same is not said again
      if (one.words.textContent !== words) one.words.textContent = words;
      one.blame(words !== "");
      const value = answer.values[name];
      if (value !== undefined && (answer.all || !one.focused())) one.set(value);
    }
    if (told === answer.said) return;
    // Python escapes whatever a stranger wrote
    said.innerHTML = told = answer.said;
    for (const one of said.querySelectorAll(FOCUSABLE.join())) {
      one.setAttribute("data-lm-suppress-shortcuts", "true");
    }
  }

  draw();
  model.on("msg:custom", hear);
  ask("look");
  return () => {
    clearTimeout(pause);
    clearTimeout(patience);
    model.off("msg:custom", hear);
  };
}

const paragraph = (text) => h("p", {}, text);

export default { render };
