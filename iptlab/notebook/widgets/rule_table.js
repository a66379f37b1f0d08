// Rules with counters: pages of lines, a search over all of them, links from chain to chain.

/** A page of lines: found here if all lines are here, else asked of the kernel. */
function pages(model) {
  const waiting = new Map();
  const heard = (answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  };
  model.on("msg:custom", heard);
  let asked = 0;
  function ask(question) {
    const lines = model.get("lines");
    if (lines.length === model.get("total")) return Promise.resolve(search(lines, question));
    const id = ++asked;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      model.send({ id, ...question });
    });
  }
  return { ask, stop: () => model.off("msg:custom", heard) };

  function search(lines, { words, only, chain, start }) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    let found = lines;
    if (wanted.length || only) {
      found = [];
      let heading;
      for (const line of lines) {
        if (!line.number) heading = line;
        if (only && !line.hits) continue;
        const text = `${line.table} ${line.text}`.toLowerCase();
        if (!wanted.every((word) => text.includes(word))) continue;
        if (line.number && found.at(-1)?.chain !== line.chain) found.push(heading);
        found.push(line);
      }
    }
    if (chain) start = found.findIndex((line) => !line.number && called(line) === chain);
    const page = model.get("page");
    return { lines: found.slice(start, start + page), total: found.length, start };
  }
}

const called = (line) => `${line.table} ${line.chain}`.trim();
const counts = (number) => number.toLocaleString("en");

function render({ model, el }) {
  const { ask, stop } = pages(model);
  const counted = model.get("counted");
  const title = model.get("title");
  const node = root(el, title, {});
  node.classList.add("rules");
  const words = h("input", {
    type: "search",
    placeholder: "filter, such as: dport 80, or KUBE-SVC",
    "aria-label": "Filter rules: all words must be in them",
    oninput: () => show({}),
  });
  const only = h("input", { type: "checkbox", onchange: () => show({}) });
  const status = h("span", { class: "status", "aria-live": "polite" });
  const body = h("tbody");
  const before = button("‹ Previous", () => show({ start: Math.max(0, at.start - model.get("page")) }));
  const after = button("Next ›", () => show({ start: at.start + model.get("page") }));
  const back = button("↩ Back", goBack);
  const place = h("div", { class: "scroll" }, h("table", {},
    h("caption", {}, title), h("thead", {}, h("tr", {}, ...heads())), body));
  const came = [];
  let at = { start: 0, searched: false };
  let latest = 0;

  node.append(
    h("div", { class: "tools" },
      words,
      model.get("walked") ? h("label", {}, only, " only what the packet hit") : null,
      back, before, after, status),
    place);

  function button(label, act) {
    return h("button", { type: "button", onclick: act }, label);
  }

  function heads() {
    const names = ["num", ...(counted ? ["pkts", "bytes"] : []), "rule", "target"];
    return names.map((name) => h("th", { scope: "col", class: name }, name));
  }

  /** Draw a page; an answer that came too late for what was typed since is left alone. */
  async function show({ start = 0, chain = "" }, focus = "") {
    const turn = ++latest;
    const asked = { words: words.value, only: only.checked };
    const answer = await ask({ ...asked, start, chain });
    if (turn !== latest) return;
    at = { ...answer, searched: Boolean(asked.words || asked.only) };
    body.replaceChildren(...at.lines.flatMap((line) => (line.number ? rule(line) : [heading(line)])));
    place.scrollTop = 0;
    const end = at.start + at.lines.length;
    before.disabled = at.start === 0;
    after.disabled = end >= at.total;
    before.hidden = after.hidden = before.disabled && after.disabled;
    back.hidden = came.length === 0;
    status.textContent = at.total
      ? `lines ${counts(at.start + 1)} to ${counts(end)} of ${counts(at.total)}`
      : "no rule has all these words";
    if (focus) light(focus);
  }

  // --- from chain to chain ---

  const found = (chain) => [...body.querySelectorAll("tr.chain")].find((row) => row.dataset.chain === chain);

  function light(chain) {
    for (const row of body.querySelectorAll(".here")) row.classList.remove("here");
    const row = found(chain);
    if (!row) return;
    row.classList.add("here");
    row.scrollIntoView({ block: "nearest" });
    row.firstElementChild.focus({ preventScroll: true });
  }

  function leave(chain) {
    came.push({ words: words.value, only: only.checked, start: at.start, scroll: place.scrollTop });
    if (model.get("selected") === chain) visit(chain);
    else put(model, "selected", chain);
  }

  /** Go to a chain: on this page if it is there, else on the page that begins with it. */
  function visit(chain) {
    words.value = "";
    only.checked = false;
    back.hidden = came.length === 0;
    if (found(chain) && !at.searched) light(chain);
    else show({ chain }, chain);
  }

  async function goBack() {
    const last = came.pop();
    words.value = last.words;
    only.checked = last.only;
    await show({ start: last.start });
    place.scrollTop = last.scroll;
    (back.hidden ? words : back).focus();
  }

  // --- lines ---

  function heading(line) {
    const decided = line.packets ? ` (${counts(line.packets)} packets)` : "";
    const policy = line.policy ? [", ", ...mark(line), `policy ${line.policy}${decided}`] : [];
    const number = line.rules === 1 ? "1 rule" : `${counts(line.rules)} rules`;
    return h("tr", { class: "chain", "data-chain": called(line) },
      h("th", { colspan: counted ? 5 : 3, scope: "colgroup", tabindex: -1, title: line.chain },
        `${line.table} `, named(line.chain), h("span", { class: "more" }, ` ${number}`, ...policy)));
  }

  function rule(line) {
    const details = h("tr", { class: "details", hidden: true },
      h("td", { colspan: counted ? 5 : 3 }, h("p", {}, line.says), h("p", { class: "code" }, line.text)));
    const open = button("", () => {
      details.hidden = !details.hidden;
      open.setAttribute("aria-expanded", String(!details.hidden));
    });
    open.replaceChildren(...mark(line), h("span", { class: "heard" }, "rule "), String(line.number));
    open.className = "number";
    open.title = "what it means";
    open.setAttribute("aria-expanded", "false");
    const cells = counted ? [line.packets, line.bytes].map((n) => h("td", { class: "count" }, counts(n))) : [];
    const comment = line.comment ? h("span", { class: "comment" }, ` /* ${line.comment} */`) : null;
    return [
      h("tr", { class: line.hits ? "rule hit" : "rule" },
        h("td", { class: "num" }, open), ...cells,
        h("td", { class: "code" }, line.tests, comment),
        h("td", { class: "code" }, target(line))),
      details,
    ];
  }

  function mark(line) {
    if (!line.hits) return [];
    const sign = line.hits > 1 ? `▶${line.hits} ` : "▶ ";
    return [h("span", { "aria-hidden": "true" }, sign), h("span", { class: "heard" }, "hit: ")];
  }

  function target(line) {
    if (!line.to) return line.target;
    const chain = called({ table: line.table, chain: line.to });
    const link = button("", () => leave(chain));
    link.className = "link";
    link.title = line.to;
    link.append(line.goto ? "goto " : "", named(line.to));
    return link;
  }

  const forget = follow(model, ["selected"], () => model.get("selected") && visit(model.get("selected")));
  const again = follow(model, ["lines", "total"], () => show({}));
  show({});
  return () => {
    stop();
    forget();
    again();
  };
}
export default { render };
