// PacketFlow: one leg of a packet's way, of which one frame at a time is looked at.

const BEAT = 1200;

function render({ model, el }) {
  const flow = model.get("flow");
  const legs = flow.legs.map((leg) => ({ ...leg }));
  const chains = { ...flow.chains };
  // once somebody asked for them: all chains of a table, the answers of a stop's many rules
  const whole = new Map(), answers = new Map();
  let leg, frames = [], chart, clock, scrolling, opened = 1, asking = false;

  // --- moving ---

  const at = () => Math.min(model.get("step"), frames.length - 1);
  const stopAt = (n) => frames.findIndex((frame) => frame.stop === n);
  const stopNow = () => frames[at()].stop;

  function go(to) {
    asking = false;
    if (to < 0 || to >= frames.length) return turn(model.get("leg") + Math.sign(to), to < 0);
    if (model.get("predict")) {
      while (frames[to].stop > opened && !isOpen(leg.stops, opened)) opened += 1;
      if (frames[to].stop > opened) {
        asking = true;
        to = stopAt(opened + 1) - 1;
      }
    }
    if (to !== model.get("step")) put(model, "step", to);
    else draw();
  }

  /** To another leg: to its start, or from behind to its end. */
  function turn(n, end = false) {
    if (!legs[n]) return pause();
    model.set("leg", n);
    put(model, "step", end && legs[n].stops ? legs[n].stops.flatMap((one) => one.frames).length - 1 : 0);
  }

  function play() {
    if (clock) return pause();
    if (at() === frames.length - 1) go(0);
    clock = setInterval(() => {
      go(at() + 1);
      if (asking || (at() === frames.length - 1 && !legs[model.get("leg") + 1])) pause();
    }, BEAT);
    player.textContent = "Pause";
  }

  function pause() {
    clearInterval(clock);
    clock = undefined;
    player.textContent = "Play";
  }

  // --- what is there ---

  const keys = {
    ArrowRight: () => go(at() + 1),
    ArrowLeft: () => go(at() - 1),
    PageDown: () => go(stopNow() + 1 < leg.stops.length ? stopAt(stopNow() + 1) : frames.length),
    PageUp: () => go(stopNow() ? stopAt(stopNow() - 1) : -1),
    Home: () => go(0),
    End: () => go(frames.length - 1),
    " ": (event) => (event.target.matches("button") ? false : play()),
  };
  for (let n = 1; n <= 9; n++) keys[n] = () => (asking ? guess.press(n) : false);
  const button = (sign, title, act) => h("button", { title, "aria-label": title, onclick: act }, sign);
  const box = root(el, "Packet flow: left and right step, page keys go from place to place", keys);
  const choose = h("select", { "aria-label": "packet and machine", onchange: () => turn(+choose.value) });
  const which = h("span"), where = h("div");
  const back = button("◀", "one step back", keys.ArrowLeft);
  const next = button("▶", "one step on", keys.ArrowRight);
  const player = h("button", { onclick: play }, "Play");
  const slider = h("input", { type: "range", min: 0, "aria-label": "step", oninput: () => go(+slider.value) });
  const count = h("span", { class: "count" });
  const predict = h("input", { type: "checkbox", onchange: () => put(model, "predict", predict.checked) });
  const said = h("p", { class: "said", "aria-live": "polite" });
  const guess = guessing((good) => {
    if (guess.box.contains(document.activeElement)) next.focus();
    opened += 1;
    go(stopAt(opened));
    said.prepend(good ? "Right. " : "");
  });
  const rules = h("div", { class: "side", role: "region", tabindex: 0, "aria-label": "rules" });
  const packet = h("div", { role: "region", "aria-label": "packet" });
  box.classList.add("flow");
  box.append(h("div", { class: "which" }, choose, which), where,
    h("div", { class: "bar" }, button("|◀", "to the start", keys.Home), back, next,
      button("▶|", "to the next place", keys.PageDown), player, slider, count,
      h("label", {}, predict, " predict first")),
    said, guess.box, h("div", { class: "panels" }, rules, packet));
  fill();

  /** The legs to choose from, grouped by packet. */
  function fill() {
    let group;
    legs.forEach((one, n) => {
      if (one.packet !== legs[n - 1]?.packet) {
        choose.append(group = h("optgroup", { label: one.packet }));
      }
      group.append(h("option", { value: n }, one.machine ? `on ${one.machine}` : one.packet));
    });
    choose.parentNode.hidden = legs.length < 2;
  }

  // --- asking the kernel for what was not sent ---

  const ask = (question) => model.send({ leg: model.get("leg"), ...question });
  function heard(news) {
    for (const [key, chain] of Object.entries(news.chains ?? {})) {
      const rows = new Map([...(chains[key]?.rows ?? []), ...chain.rows].map((one) => [one[0], one]));
      chains[key] = { ...chain, rows: [...rows.values()].sort((a, b) => a[0] - b[0]) };
    }
    if (news.answers) {
      const key = `${news.leg} ${news.stop}`;
      answers.set(key, { ...answers.get(key), ...news.answers });
    }
    if (news.all) whole.set(news.all, Object.keys(news.chains));
    if (news.body) Object.assign(legs[news.leg], news.body);
    if (news.body) load();
    else draw();
  }

  function load() {
    pause();
    leg = legs[model.get("leg")] ?? legs[0];
    choose.value = legs.indexOf(leg);
    which.textContent = leg.packet;
    opened = 1;
    if (!leg.stops) {
      said.textContent = "asking the kernel for this part of the way …";
      return ask({ ask: "leg" });
    }
    frames = leg.stops.flatMap((stop, n) => stop.frames.map((frame) => ({ ...frame, stop: n })));
    slider.max = frames.length - 1;
    chart = drawChart(flow.charts[leg.chart], (name) => {
      put(model, "selected", name === model.get("selected") ? "" : name);
    });
    where.replaceChildren(chart.svg);
    draw();
  }

  // --- drawing ---

  function draw() {
    if (!leg?.stops) return;
    const frame = frames[at()], stop = leg.stops[frame.stop];
    const predicting = model.get("predict");
    if (!predicting) asking = false;
    opened = predicting ? Math.max(opened, frame.stop) : Math.max(frame.stop, 1);
    const picked = model.get("selected");
    const selected = picked && flow.charts[leg.chart].nodes[picked] ? picked : "";
    chart.update({ ...lit(frame.stop, predicting), here: stop.node, bare: leg.bare, selected });
    const place = frame.place === "start" || frame.place === "end" ? "" : `${frame.place}: `;
    // what a routing decision says is what the question behind it asks
    const secret = predicting && frame.stop === opened && flow.charts[leg.chart].nodes[stop.node].label === "routing";
    const words = secret ? "decided; guess first, then it is told" : frame.said;
    said.replaceChildren(h("strong", {}, place), words);
    guess.show(flow.charts[leg.chart], stop, asking ? leg.stops[frame.stop + 1] : null);
    const score = predicting ? guess.score() : "";
    count.textContent = `step ${at() + 1} of ${frames.length}${score && `, ${score}`}`;
    slider.value = at();
    slider.setAttribute("aria-valuetext", `${count.textContent}: ${place}${words}`);
    // a button that is really disabled would lose the focus
    back.ariaDisabled = String(!at() && !model.get("leg"));
    next.ariaDisabled = String(at() === frames.length - 1 && !legs[model.get("leg") + 1]);
    predict.checked = predicting;
    const before = frames[at() - 1];
    const facts = [model.get("leg"), frame.before, frame.packet, frame.state, frame.known,
      before?.state, before?.known].join();
    if (facts !== packet.dataset.facts) packet.replaceChildren(packetTable(leg, frame, before));
    packet.dataset.facts = facts;
    const known = predicting ? frame.stop : leg.stops.length - 1;
    const view = { leg, chart: flow.charts[leg.chart], chains, whole, ask, alone: model.alone,
      answers: (n) => answers.get(`${model.get("leg")} ${n}`) ?? {} };
    const focused = rules.contains(document.activeElement);
    if (selected && selected !== stop.node) {
      rules.replaceChildren(...openedPlace(view, selected, known, () => put(model, "selected", "")));
    } else rules.replaceChildren(...presentPlace(view, frame, at() - stopAt(frame.stop)));
    if (focused) rules.focus({ preventScroll: true });
    cancelAnimationFrame(scrolling);
    scrolling = requestAnimationFrame(scroll);
  }

  /** Bring the rule in question into the middle; with the next frame, when all is laid out. */
  function scroll() {
    const row = rules.querySelector(".here");
    const wanted = row ? row.offsetTop - rules.clientHeight / 2 : 0;
    if (rules.scrollTop || wanted > 0) rules.scrollTop = wanted;
  }

  /** Which places and arrows lie behind the packet, and which before it if that is no secret. */
  function lit(now, predicting) {
    const words = new Map(), ahead = new Set(), gone = new Set(), coming = new Set();
    leg.stops.forEach((stop, n) => {
      if (n > now && predicting) return;
      // a place's word tells its end, so it appears with its last frame
      const over = n < now || (n === now && at() === frames.findLastIndex((one) => one.stop === n));
      if (n <= now) words.set(stop.node, over ? stop.word : "");
      else ahead.add(stop.node);
      for (const edge of stop.edges) (n <= now ? gone : coming).add(edge);
    });
    return { words, ahead, gone, coming };
  }

  model.on("msg:custom", heard);
  const unfollow = [follow(model, ["leg"], load), follow(model, ["step", "selected", "predict"], draw)];
  load();
  return () => {
    pause();
    cancelAnimationFrame(scrolling);
    unfollow.forEach((stop) => stop());
    model.off("msg:custom", heard);
  };
}

export default { render };
