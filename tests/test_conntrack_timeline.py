"""A flow's entry packet by packet: what it says, and the rows one walks through."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from traitlets import TraitError
from widget_pages import Drawn

import iptlab

Draw = Callable[..., Drawn]


def fetched() -> iptlab.Lab:
    """A home network in which somebody fetched a page."""
    lab = iptlab.Lab.home_router()
    lab.on("laptop", "curl -s http://server/")
    return lab


def test_a_connection_goes_through_the_states_that_conntrack_names() -> None:
    timeline = iptlab.ConntrackTimeline(fetched().last)
    assert timeline.machine == "router"
    packets = timeline.packets["router"]
    states = [(one["ctstate"], one["state"], one["timeout"]) for one in packets]
    assert states[:3] == [
        ("NEW", "SYN_SENT", "120 s (2 minutes)"),
        ("ESTABLISHED", "SYN_RECV", "60 s"),
        ("ESTABLISHED", "ESTABLISHED", "432,000 s (5 days)"),
    ]
    assert [one["state"] for one in packets[-3:]] == ["FIN_WAIT", "LAST_ACK", "TIME_WAIT"]
    assert [one["flags"] for one in packets[:3]] == ["[UNREPLIED]", "", "[ASSURED]"]
    assert packets[0]["nat"] == [
        "source 192.168.1.20 becomes 203.0.113.2, and back again in answers"
    ]
    assert [one["reply"] for one in packets[:3]] == [False, True, False]


def test_entries_are_those_that_the_machine_lists() -> None:
    lab = fetched()
    line = iptlab.ConntrackTimeline(lab.last).packets["router"][-1]["line"].split()
    listed = str(lab.on("router", "conntrack -L")).splitlines()[1].split()
    # the third word is the time that is left, and some of it is over
    assert line[3:] == str(lab["router"].connections()[0]).split()[3:] == listed[3:-1]
    assert int(line[2]) >= int(listed[2]) > 100


def test_a_first_packet_that_is_dropped_leaves_no_entry() -> None:
    lab = iptlab.Lab.home_router()
    lab.on("router", "iptables -A FORWARD -j DROP")
    timeline = iptlab.ConntrackTimeline(lab.connect("laptop", "server", 80))
    (packet, *_) = timeline.packets[timeline.machine]
    assert (timeline.machine, packet["kept"], packet["timeout"]) == ("router", False, "")
    assert packet["fate"] == "dropped by filter FORWARD 1"
    assert lab["router"].connections() == ()
    assert "no entry: its first packet did not get through" in str(timeline)


def test_ports_that_are_translated_are_told_with_addresses() -> None:
    rules = (
        "*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 192.168.1.9:8080\nCOMMIT\n"
    )
    host = iptlab.Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24", rules=rules)
    journey = iptlab.Machine(host).journey("in eth0 tcp 203.0.113.9:4000 -> 203.0.113.2:80 SYN")
    (packet,) = iptlab.ConntrackTimeline(journey).packets[""]
    assert packet["nat"] == [
        "destination 203.0.113.2:80 becomes 192.168.1.9:8080, and back again in answers"
    ]


def test_journeys_one_after_another_a_trip_and_a_whole_lab_are_taken() -> None:
    lab = fetched()
    lab.ping("laptop", "server")
    attempt = lab.attempts[0]
    assert len(iptlab.ConntrackTimeline(attempt.trips[0]).packets["router"]) == 1
    journeys = [leg.journey for trip in attempt.trips for leg in trip.legs]
    assert len(iptlab.ConntrackTimeline(journeys).packets[""]) == len(journeys)
    assert len(iptlab.ConntrackTimeline(lab).packets["router"]) == len(attempt.trips) + 2


@pytest.mark.parametrize("value", [5, "tcp", [None]])
def test_what_has_no_packets_is_refused(value: object) -> None:
    with pytest.raises(iptlab.IptlabError, match="has no packets in it; give an Attempt"):
        iptlab.ConntrackTimeline(value)  # type: ignore[arg-type]


def test_machines_and_steps_that_are_not_there_are_refused_or_bounded() -> None:
    timeline = iptlab.ConntrackTimeline(fetched().last)
    timeline.step = 100
    assert timeline.step == len(timeline.packets["router"]) - 1
    with pytest.raises(TraitError, match="no packet came to 'fridge'; they came to laptop, router"):
        timeline.machine = "fridge"


def test_what_is_sent_is_small_and_the_twin_has_a_row_for_each_packet() -> None:
    timeline = iptlab.ConntrackTimeline(fetched().last)
    assert len(json.dumps(timeline.shown())) < 20_000
    html = timeline._repr_mimebundle_()[0]["text/html"]
    assert html.count("<tr>") == 1 + len(timeline.packets["router"])


def test_of_very_many_packets_those_of_one_machine_go_first() -> None:
    attempt = fetched().last
    timeline = iptlab.ConntrackTimeline([attempt] * 40)
    assert len(json.dumps(timeline.shown())) < 300_000
    counts = {name: len(some) for name, some in timeline.packets.items()}
    assert counts["router"] == 40 * len(attempt.trips) > counts["server"]
    assert timeline.left_out == 3 * 40 * len(attempt.trips) - sum(counts.values())


# --- in a page ---


def test_keys_and_buttons_step_and_what_changed_is_marked(draw: Draw) -> None:
    drawn = draw(iptlab.ConntrackTimeline(fetched().last))
    page = drawn.page
    page.locator("button.packet").first.focus()
    page.keyboard.press("ArrowDown")
    assert (drawn.get("step"), drawn.saves) == (1, 1)
    assert page.locator("mark").all_inner_texts() == ["60", "SYN_RECV"]
    assert page.locator("tr.fresh").count() == 1
    page.keyboard.press("End")
    assert "TIME_WAIT" in page.locator("[aria-live]").inner_text()
    page.get_by_role("button", name="Previous").click()
    assert page.locator("[aria-current='step']").count() == 1
    assert "LAST_ACK" in page.locator("[aria-live]").inner_text()


def test_another_machine_has_packets_of_its_own(draw: Draw) -> None:
    drawn = draw(iptlab.ConntrackTimeline(fetched().last))
    drawn.set("step", 4)
    drawn.page.get_by_role("combobox").select_option("server")
    assert (drawn.get("machine"), drawn.get("step")) == ("server", 0)
    assert "203.0.113.2:40000 -> 203.0.113.1:80" in drawn.page.locator("tbody").inner_text()


def test_nothing_that_is_named_becomes_markup(draw: Draw) -> None:
    lab = iptlab.Lab({"<img src=x>": iptlab.Host.server("10.0.0.1/24")})
    page = draw(iptlab.ConntrackTimeline(lab.ping("<img src=x>", "10.0.0.1"))).page
    assert page.locator("#here img").count() == 0


def test_nobody_is_left_out(draw: Draw) -> None:
    drawn = draw(iptlab.ConntrackTimeline(fetched().last))
    drawn.page.get_by_role("button", name="Next").click()
    assert drawn.violations() == []


def test_an_entry_is_new_where_a_packet_made_it_and_compared_with_itself_alone(
    draw: Draw,
) -> None:
    lab = fetched()
    lab.ping("laptop", "server")
    both = [trip for attempt in lab.attempts for trip in attempt.trips]
    # the first flow's beginning is not seen; the other one begins in its midst
    drawn = draw(iptlab.ConntrackTimeline([both[1], both[-2], both[2]], machine="router"))
    page = drawn.page
    assert page.locator("td.life").all_inner_texts()[0] == "SYN_RECV"
    fresh = page.locator("tbody tr").evaluate_all("all => all.map((one) => one.matches('.fresh'))")
    assert fresh == [False, True, False]
    drawn.set("step", 2)
    assert "ESTABLISHED" in page.locator("mark").all_inner_texts()
