"""The packet flow: what is sent to the browser, and what one can do with it there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from traitlets import TraitError
from widget_pages import Drawn

import iptlab
from iptlab.netfilter.hooks import Backend
from iptlab.notebook.widgets.flow_chart import chart
from iptlab.notebook.widgets.packet_flow import PacketFlow

Draw = Callable[..., Drawn]

RULES = """*mangle
-A PREROUTING -p tcp --dport 80 -j MARK --set-mark 0x7
COMMIT
*nat
-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 192.168.1.9:8080
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP
:LOGGED -
:NEVER -
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -j LOGGED
-A FORWARD -p tcp -d 192.168.1.9 --dport 8080 -j ACCEPT
-A LOGGED -p udp -j LOG
-A NEVER -s 192.0.2.1 -j DROP
COMMIT
"""
COMES = "in eth0 tcp 198.51.100.7:4000 -> 203.0.113.2:80 SYN"
HOSTILE = '"><img src=x onerror="bad=1"><script>bad=1</script>'


def router(rules: str = RULES) -> iptlab.Machine:
    host = iptlab.Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24", rules=rules)
    return iptlab.Machine(host)


def way(flow: PacketFlow) -> list[str]:
    """The places in the chart that the first leg came to."""
    return [stop["node"] for stop in flow.flow["legs"][0]["stops"]]


def bodies(flow: PacketFlow) -> list[dict[str, Any]]:
    """The frames of the first leg."""
    return [frame for stop in flow.flow["legs"][0]["stops"] for frame in stop["frames"]]


# --- what is sent ---


def test_every_place_is_there_in_the_kernels_order() -> None:
    assert way(PacketFlow(router().journey(COMES))) == [
        "in",
        "PREROUTING conntrack",
        "PREROUTING mangle",
        "PREROUTING nat",
        "routing",
        "forwarding",
        "FORWARD mangle",
        "FORWARD filter",
        "POSTROUTING mangle",
        "POSTROUTING nat",
        "POSTROUTING confirm",
        "out",
    ]


def test_a_journeys_way_is_one_line() -> None:
    way = "PREROUTING (in eth0) -> FORWARD (in eth0, out eth1) -> POSTROUTING (in eth0, out eth1)"
    assert router().journey(COMES).way == way


def test_hooks_without_rules_are_there_too() -> None:
    flow = PacketFlow(router("").journey(COMES))
    assert way(flow) == [
        *("in", "PREROUTING conntrack", "routing", "INPUT confirm", "process"),
    ]
    only_raw = "*raw\n-A PREROUTING -j NOTRACK\n-A OUTPUT -j NOTRACK\nCOMMIT\n"
    passed = PacketFlow(router(only_raw).journey("in eth1 udp 192.168.1.5:1 -> 192.0.2.1:1"))
    bare = ["FORWARD", "POSTROUTING"]
    assert way(passed) == ["in", "PREROUTING raw", "routing", "forwarding", *bare, "out"]
    assert "  FORWARD (in eth1, out eth0)\n    no table has rules here" in str(passed)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        ("tcp 203.0.113.2:40000 -> 203.0.113.2:22", ["PREROUTING", "INPUT", "process"]),
        ("tcp 203.0.113.2:40000 -> 198.51.100.1:22", ["POSTROUTING", "out"]),
        ("in eth0 udp 198.51.100.7:1 -> 203.0.113.2:1", ["INPUT", "process"]),
    ],
)
def test_a_machine_without_tables_or_tracking(packet: str, expected: list[str]) -> None:
    rules = "*raw\n-A PREROUTING -j NOTRACK\n-A OUTPUT -j NOTRACK\nCOMMIT\n"
    found = way(PacketFlow(router(rules).journey(packet)))
    assert [one.removesuffix(" raw") for one in found][-len(expected) :] == expected


def test_a_packet_that_never_comes_in_ends_where_it_starts() -> None:
    flow = PacketFlow(router().journey("in eth0 udp 192.0.2.1 -> 203.0.113.2 fragment=5"))
    assert way(flow) == ["in", "in"]
    assert "end: dropped by the kernel: it is a part of a packet" in str(flow)


def test_each_frame_knows_the_packet_and_its_connection() -> None:
    flow = PacketFlow(router().journey(COMES))
    leg = flow.flow["legs"][0]
    marked, translated = (
        next(frame for frame in bodies(flow) if said in frame["said"])
        for said in ("MARK", "translated")
    )
    before, after = (dict(leg["packets"][marked[one]]) for one in ("before", "packet"))
    assert (before["mark"], after["mark"]) == ("0x0", "0x7")
    after = dict(leg["packets"][translated["packet"]])
    assert (after["dst"], after["dport"]) == ("192.168.1.9", "8080")
    assert "src=192.168.1.9 dst=198.51.100.7" in leg["entries"][translated["known"]]
    assert [frame.get("state") for frame in bodies(flow)][:2] == [None, "NEW"]


def test_a_connection_that_was_found_stays_known_between_hooks() -> None:
    flow = PacketFlow(router().journey(COMES))
    known = [frame["known"] > 0 for frame in bodies(flow)]
    assert known == [False] + [True] * (len(known) - 1)


def test_a_rule_says_why_it_did_not_match_and_who_jumped_there() -> None:
    flow = PacketFlow(router().journey(COMES))
    asked = next(frame for frame in bodies(flow) if frame["place"] == "filter LOGGED 1")
    assert asked["said"] == "no: -p udp, but this packet is tcp"
    assert (asked["answer"], asked["trail"]) == ("no", ("FORWARD 2",))


def test_the_chart_follows_the_back_end() -> None:
    def rows(backend: Backend) -> list[str]:
        return [node.label for node in chart(backend).nodes if node.hook == "INPUT"]

    assert rows(Backend.LEGACY) == ["mangle", "filter", "security", "nat", "confirm"]
    assert rows(Backend.NFT) == ["mangle", "filter", "nat", "security", "confirm"]


def test_a_long_row_of_refusals_is_one_step_and_few_rows_are_sent() -> None:
    many = "".join(f"-A INPUT -s 10.0.{n // 250}.{n % 250} -j DROP\n" for n in range(10_000))
    flow = PacketFlow(router(f"*filter\n{many}COMMIT\n").journey(COMES))
    said = [frame["said"] for frame in bodies(flow)]
    assert "no: none of these 9,996 rules matches" in said
    assert len(json.dumps(flow.flow)) < 30_000


def test_what_was_not_sent_can_be_asked_for() -> None:
    many = "".join(f"-A INPUT -s 10.0.0.{n % 250} -j DROP\n" for n in range(1000))
    flow = PacketFlow(router(f"*filter\n{many}COMMIT\n").journey(COMES))
    stop = way(flow).index("INPUT filter")
    question = {"ask": "rows", "leg": 0, "stop": stop, "table": "filter", "chain": "INPUT"}
    told: list[Any] = []
    flow.send = lambda said, buffers=None: told.append(said)  # type: ignore[method-assign]
    flow._handle_custom_msg(question | {"first": 500}, [])
    (chain,) = told[0]["chains"].values()
    number, rule, means = chain["rows"][0]
    assert (number, rule) == (500, "-s 10.0.0.249/32 -j DROP")
    assert (
        told[0]["answers"]["INPUT 500"]
        == "no: -s 10.0.0.249/32, but this packet comes from 198.51.100.7"
    )
    assert "10.0.0.249" in means


def test_an_attempt_has_a_leg_for_every_machine() -> None:
    flow = PacketFlow(iptlab.Lab.home_router().connect("laptop", "server", 80))
    assert [leg["machine"] for leg in flow.flow["legs"]][:3] == ["laptop", "router", "server"]


def test_a_walk_through_one_hook_is_shown_too() -> None:
    visit = iptlab.trace(
        iptlab.Ruleset.parse(RULES), "in eth0 out eth1 udp 192.0.2.1:1 -> 8.8.8.8:1"
    )
    assert way(PacketFlow(visit)) == [
        "FORWARD",
        "FORWARD mangle",
        "FORWARD filter",
        "FORWARD filter",
    ]


def test_what_a_machine_sends_to_itself_takes_the_loop() -> None:
    flow = PacketFlow(router().journey("tcp 203.0.113.2:40000 -> 203.0.113.2:22 SYN"))
    edges = [edge for stop in flow.flow["legs"][0]["stops"] for edge in stop["edges"]]
    assert edges == [
        *("process > routing out", "routing out > OUTPUT", "OUTPUT > POSTROUTING"),
        *("POSTROUTING > PREROUTING", "PREROUTING > routing", "routing > INPUT"),
        "INPUT > process",
    ]


def test_every_kind_of_subject_has_words_and_a_picture() -> None:
    attempt = iptlab.Lab.home_router().connect("laptop", "server", 80)
    visit = iptlab.trace(iptlab.Ruleset.parse(RULES), "in eth0 udp 192.0.2.1:1 -> 8.8.8.8:1")
    for subject in (router().journey(COMES), visit, attempt, attempt.trips[0]):
        flow = PacketFlow(subject)
        assert "data:image/svg+xml" in str(flow.static())
        assert len(str(flow).splitlines()) > 2


def test_anything_else_is_refused_with_what_to_pass() -> None:
    with pytest.raises(TraitError, match=r"machine\.journey\(\.\.\.\)"):
        PacketFlow("tcp 1.2.3.4:5 -> 6.7.8.9:10")  # type: ignore[arg-type]


def test_the_static_twin_has_a_picture_and_the_words() -> None:
    twin = str(PacketFlow(router().journey(COMES)).static())
    assert 'src="data:image/svg+xml;base64,' in twin
    assert "PREROUTING (in eth0) -&gt; FORWARD (in eth0, out eth1)" in twin
    assert "yes: DNAT" in twin


# --- in a page ---


@pytest.fixture
def drawn(draw: Draw) -> Drawn:
    return draw(PacketFlow(router().journey(COMES)))


def press(drawn: Drawn, *keys: str) -> None:
    """Press keys where the focus is: first on the button that steps."""
    drawn.page.get_by_role("button", name="one step on").focus()
    for key in keys:
        drawn.page.keyboard.press(key)


def said(drawn: Drawn) -> str:
    return str(drawn.page.locator(".said").inner_text())


def test_a_click_steps_and_tells_the_kernel_once(drawn: Drawn) -> None:
    drawn.page.get_by_role("button", name="one step on").click()
    assert said(drawn) == "conntrack: NEW: the first packet of a connection"
    assert (drawn.get("step"), drawn.saves) == (1, 1)


def test_keys_step_rules_and_places(drawn: Drawn) -> None:
    press(drawn, "ArrowRight", "ArrowRight", "ArrowLeft")
    assert drawn.get("step") == 1
    press(drawn, "PageDown", "PageDown")
    assert said(drawn).startswith("nat PREROUTING 1: yes: DNAT")
    press(drawn, "PageUp")
    assert said(drawn).startswith("mangle PREROUTING 1: yes")
    press(drawn, "End")
    assert said(drawn).startswith("forwarded through eth1")
    press(drawn, "ArrowRight", "Home")
    assert drawn.get("step") == 0


def test_the_slider_moves_and_says_where_it_is(drawn: Drawn) -> None:
    slider = drawn.page.get_by_role("slider", name="step")
    slider.focus()
    drawn.page.keyboard.press("ArrowRight")
    assert drawn.get("step") == 1
    assert "NEW" in slider.get_attribute("aria-valuetext")


def test_the_rule_in_question_is_marked_with_its_answer(drawn: Drawn) -> None:
    drawn.set("step", [frame["place"] for frame in bodies(drawn.widget)].index("filter LOGGED 1"))
    row = drawn.page.locator("[aria-current=step]")
    assert "-p udp -j LOG" in row.inner_text()
    assert "no: -p udp, but this packet is tcp" in row.inner_text()
    assert "FORWARD 2 > LOGGED" in drawn.page.locator(".trail").inner_text()


def test_what_a_step_rewrote_has_a_sign_and_its_old_value(drawn: Drawn) -> None:
    drawn.set("step", [frame["place"] for frame in bodies(drawn.widget)].index("nat"))
    changed = drawn.page.locator(".packet tr.changed")
    assert [row.replace("\t", " ") for row in changed.all_inner_texts()][:2] == [
        "✎ dst 203.0.113.2 203.0.113.2 → 192.168.1.9",
        "✎ dport 80 80 → 8080",
    ]


def test_a_table_opens_by_mouse_and_keyboard(drawn: Drawn) -> None:
    page = drawn.page
    page.locator("[data-name='FORWARD filter']").click()
    assert page.locator(".rules caption").all_inner_texts() == [
        "Chain FORWARD (table filter, 3 rules, policy DROP)",
        "Chain LOGGED (table filter, 1 rule)",
    ]
    page.get_by_role("button", name="all chains of table filter").click()
    page.get_by_text("Chain NEVER").wait_for()
    page.keyboard.press("Tab")
    page.locator("[data-name='FORWARD filter']").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert drawn.get("selected") == "FORWARD mangle"
    page.get_by_role("button", name="back to the packet").click()
    assert drawn.get("selected") == ""


def test_a_table_that_the_packet_never_meets_says_so(drawn: Drawn) -> None:
    drawn.page.locator("[data-name='INPUT filter']").click()
    drawn.page.get_by_text("This packet does not come here.").wait_for()
    drawn.page.locator("[data-name='INPUT security']").click()
    drawn.page.get_by_text("This machine has no such table").wait_for()


def test_what_is_left_out_of_a_chain_is_shown_on_demand(draw: Draw) -> None:
    many = "".join(f"-A INPUT -s 10.0.0.{n % 250} -j DROP\n" for n in range(300))
    drawn = draw(PacketFlow(router(f"*filter\n{many}COMMIT\n").journey(COMES)))
    drawn.page.locator("[data-name='INPUT filter']").click()
    drawn.page.locator(".gap button").first.click()
    drawn.page.get_by_text("no: -s 10.0.0.99/32, but this packet comes").wait_for()


def test_play_runs_to_the_end_and_pauses(drawn: Drawn) -> None:
    drawn.page.clock.install()
    press(drawn, "End", "ArrowLeft", "ArrowLeft")
    drawn.page.get_by_role("button", name="Play").click()
    drawn.page.clock.run_for(3000)
    drawn.page.get_by_role("button", name="Play").wait_for()
    assert said(drawn).startswith("forwarded")


def test_predicting_hides_what_comes_until_the_guess_is_right(draw: Draw) -> None:
    drawn = draw(PacketFlow(router().journey(COMES), predict=True))
    assert drawn.page.locator(".later").count() == 0
    press(drawn, *["ArrowRight"] * 4)
    assert said(drawn).startswith("conntrack")
    question = drawn.page.get_by_role("group", name="your guess")
    assert question.locator("button").all_inner_texts() == [
        *("1 table mangle in PREROUTING", "2 table nat in PREROUTING", "3 routing"),
        *("4 nowhere, it ends here", "show me"),
    ]
    press(drawn, "3")
    drawn.page.get_by_text("No: routing is not next.").wait_for()
    press(drawn, "1")
    assert said(drawn).startswith("mangle PREROUTING 1")
    press(drawn, "ArrowRight", "ArrowRight", "1")
    assert said(drawn).startswith("Right. nat PREROUTING 1")
    assert "1 of 2 at the first guess" in drawn.page.locator(".count").inner_text()


def test_a_routing_decision_is_told_only_when_it_has_been_guessed(draw: Draw) -> None:
    drawn = draw(PacketFlow(router().journey(COMES), predict=True))
    for _ in range(20):
        if said(drawn).startswith("routing"):
            break
        press(drawn, "ArrowRight")
        if drawn.page.locator(".give-up").is_visible():
            drawn.page.locator(".give-up").click()
    assert said(drawn) == "routing: decided; guess first, then it is told"
    press(drawn, "ArrowRight", "1")
    assert said(drawn).startswith("Right.")
    press(drawn, "ArrowLeft")
    assert said(drawn) == "routing: out through eth1"


def test_guessing_that_a_packet_ends(draw: Draw) -> None:
    drop = "*filter\n-A INPUT -j DROP\nCOMMIT\n"
    drawn = draw(PacketFlow(router(drop).journey(COMES), predict=True))
    drawn.set("predict", False)
    press(drawn, "End", "ArrowLeft")
    drawn.set("predict", True)
    press(drawn, "ArrowRight")
    drawn.page.get_by_role("button", name="nowhere").click()
    assert said(drawn).startswith("Right. dropped by filter INPUT 1")


def test_one_steps_from_machine_to_machine(draw: Draw) -> None:
    drawn = draw(PacketFlow(iptlab.Lab.home_router().connect("laptop", "server", 80)))
    press(drawn, "End", "ArrowRight")
    assert (drawn.get("leg"), drawn.get("step")) == (1, 0)
    drawn.page.get_by_role("combobox").select_option("on server")
    assert drawn.get("leg") == 2


def test_a_leg_that_was_not_sent_comes_when_it_is_chosen(draw: Draw) -> None:
    widget = PacketFlow(iptlab.Lab.kubernetes().connect("client", "192.168.10.11", 30080))
    last = len(widget.legs) - 1
    assert "stops" not in widget.flow["legs"][last]
    drawn = draw(widget)
    drawn.page.get_by_label("packet and machine").select_option(str(last))
    drawn.page.get_by_text("step 1 of").wait_for()
    assert drawn.sent == [{"leg": last, "ask": "leg"}]
    press(drawn, "End")
    assert said(drawn).startswith(("delivered", "forwarded", "sent"))


def test_what_a_stranger_wrote_stays_text(draw: Draw) -> None:
    comment = HOSTILE.replace('"', '\\"')
    rules = f'*filter\n-A INPUT -m comment --comment "{comment}" -j ACCEPT\nCOMMIT\n'
    widget = PacketFlow(router(rules).journey(COMES))
    drawn = draw(widget)
    drawn.set("selected", "INPUT filter")
    drawn.page.get_by_text("onerror").first.wait_for()
    assert drawn.page.evaluate("typeof bad") == "undefined"
    assert "<script>" not in str(widget.static())


def test_axe_finds_nothing(draw: Draw) -> None:
    drawn = draw(PacketFlow(router().journey(COMES), predict=True))
    press(drawn, *["ArrowRight"] * 4)
    assert drawn.violations() == []
    drawn.set("predict", False)
    drawn.set("step", 5)
    drawn.set("selected", "FORWARD filter")
    assert drawn.violations() == []


def test_its_own_page_steps_without_a_kernel(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "flow.html"
    file.write_text(PacketFlow(router().journey(COMES)).to_html("A packet"))
    page = browser.new_page()
    page.goto(file.as_uri())
    page.get_by_role("button", name="one step on").click()
    page.get_by_text("NEW: the first packet of a connection").wait_for()
    assert page.get_by_role("button", name="all chains").count() == 0
    assert page.title() == "A packet"
    page.close()
