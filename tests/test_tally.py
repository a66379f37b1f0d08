"""Counting who answers, beside what chance should do."""

from __future__ import annotations

from fractions import Fraction

import pytest

from iptlab import IptlabError, Lab
from iptlab.console.tally import Tally
from iptlab.simulate.shares import Share, shares

_HALF = Fraction(1, 2)
HALVES = Tally("t", shares({"b": _HALF, "a": _HALF}, {"a": 240, "b": 160}, 100, 4))


def test_every_connection_is_counted_once() -> None:
    tally = Lab.kubernetes().tally("shell", "web", 80, connections=30)
    assert [one.chance.limit_denominator(100) for one in tally.shares] == [Fraction(1, 3)] * 3
    assert sum(one.counted for one in tally.shares) == 30
    assert min(one.counted for one in tally.shares) > 0


def test_all_requests_of_a_connection_go_to_one_server() -> None:
    tally = Lab.kubernetes().tally("shell", "web", 80, connections=2, requests=5)
    assert sum(one.counted for one in tally.shares) == 10
    assert {one.counted % 5 for one in tally.shares} == {0}


def test_what_nobody_answers_is_counted_too() -> None:
    tally = Lab.kubernetes().tally("shell", "10.96.0.80", 81, connections=3)
    assert tally.shares == (Share("network is unreachable", Fraction(1), 3, 3),)


def test_a_tally_leaves_what_was_tried_before_as_it_is() -> None:
    lab = Lab.kubernetes()
    lab.tally("shell", "web", 80, connections=2)
    with pytest.raises(IptlabError, match="nothing was sent yet"):
        _ = lab.last


def test_the_spread_grows_with_the_requests_of_a_connection() -> None:
    assert [one.expected for one in HALVES.shares] == [200, 200]
    assert HALVES.shares[0].spread == 4 * 5
    assert HALVES.shares[0].usual == (160, 240)
    assert str(HALVES).splitlines() == [
        "t",
        "who answered  share      expected  counted  off by",
        "a               1/2  200.0 ± 20.0      240     +40",
        "b               1/2  200.0 ± 20.0      160     -40",
    ]


def test_a_share_that_is_no_readable_fraction_is_said_in_percent() -> None:
    odd = Tally("t", shares({"a": Fraction(1, 2_001)}, {"b": 5}, 5))
    assert [row[:2] for row in odd.rows()] == [("a", "0.05 %"), ("b", "0")]


def test_what_is_said_again_and_again_is_answered_each_time() -> None:
    network = Lab.home_router().network
    opened = network.connect("laptop", "203.0.113.1", 80)
    talked = network.talk("laptop", opened, "GET / HTTP/1.1\r\n\r\n", times=4)
    # three to open and three to close; a question, its answer and an acknowledgement each time
    assert len(talked.trips) == 3 + 4 * 3 + 3
    assert all(trip.arrived for trip in talked.trips)
    assert "Connection: close" in talked.heard
