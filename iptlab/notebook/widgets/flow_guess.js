// "Predict first": where does the packet go next? The chart stays dark until the guess is right.

/** The question and its buttons; `show({leg, stop})` asks, `onright()` is called in the end. */
function guessing(onright) {
  const box = h("div", { class: "question", role: "group", "aria-label": "your guess", hidden: true });
  const said = h("span", { class: "verdict", "aria-live": "polite" });
  let asked = "", wrong = false, right = 0, all = 0;

  function show(chart, here, next) {
    box.hidden = !next;
    if (!next || asked === here) return;
    asked = here;
    wrong = false;
    said.textContent = "";
    const guesses = [...chart.nodes[here.node].onward, ""];
    const buttons = guesses.map((guess, n) => h("button", {
      onclick: (event) => judge(guess, next, event.target),
    }, `${n + 1} ${guess ? called(chart, guess) : "nowhere, it ends here"}`));
    box.replaceChildren(h("strong", {}, "Where does the packet go next?"), ...buttons,
      h("button", { class: "give-up", onclick: () => done(false) }, "show me"), said);
  }

  function judge(guess, next, button) {
    if (leadsTo(next, guess)) return done(!wrong);
    wrong = true;
    button.ariaDisabled = "true";
    said.textContent = `No: ${button.textContent.slice(2)} is not next.`;
  }

  function done(good) {
    all += 1;
    right += good;
    asked = "";
    onright(good);
  }

  /** A key 1 to 9 presses a button. */
  const press = (n) => box.querySelectorAll("button")[n - 1]?.click();
  const score = () => (all ? `${right} of ${all} at the first guess` : "");
  return { box, show, press, score };
}

/** Whether a guess names the next stop, or a place that the packet passes on the way to it. */
function leadsTo(next, guess) {
  const stopped = next.word.startsWith("✕");
  if (!guess || stopped) return !guess && stopped;
  return next.node === guess || next.edges.some((edge) => edge.split(" > ").includes(guess));
}

/** Whether one can be wrong about the next stop: not at the start, nor at a hook's verdict. */
function isOpen(stops, n) {
  const [here, next] = [stops[n], stops[n + 1]];
  return n > 0 && Boolean(next) && (next.node !== here.node || next.word.startsWith("✕"));
}
