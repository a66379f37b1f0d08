"""What Services cost: counted on real rules, shown as curves and as a table."""

from __future__ import annotations

import base64
import re

import pytest

import iptlab
from iptlab.errors import IptlabError
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.costs import MOST_SERVICES, cluster, cost
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.loading import load
from iptlab.notebook import chart


def test_rules_grow_with_services_and_so_do_those_that_a_first_packet_passes() -> None:
    ten, more = cost(10), cost(60)
    # one for the cluster IP, one for hairpins and balancing: 4 + 2 * 3 of its own chains
    assert more.rules - ten.rules == 50 * 11
    assert more.first - ten.first == 50
    assert more.later == ten.later < ten.first


def test_more_endpoints_cost_rules_too() -> None:
    few, many = cost(10, endpoints=1), cost(10, endpoints=20)
    assert many.rules - few.rules == 10 * 19 * 3
    assert many.first - few.first == 19


def test_a_small_change_is_a_small_text() -> None:
    found = cost(200)
    assert found.change < found.save / 5


def test_the_counts_are_those_of_the_rules_themselves() -> None:
    config = Config.from_dict({"clusterCIDR": "10.128.0.0/9"})
    text = load(Proxy(config).sync(cluster(25))).save()
    found = cost(25)
    assert found.save == len(text)
    assert found.rules == sum(line.startswith("-A") for line in text.splitlines())


def test_without_a_clock_no_time_passes() -> None:
    assert cost(3).full_sync == cost(3).partial_sync == 0.0
    ticks = iter(range(10))
    found = cost(3, clock=lambda: float(next(ticks)))
    assert (found.full_sync, found.partial_sync) == (1.0, 1.0)


@pytest.mark.parametrize("wrong", [0, -3, MOST_SERVICES + 1])
def test_numbers_that_cannot_be_measured_are_refused_with_those_that_can(wrong: int) -> None:
    with pytest.raises(IptlabError, match=f"write 1 to {MOST_SERVICES:,}"):
        iptlab.Costs([wrong])
    with pytest.raises(IptlabError, match="write Costs"):
        iptlab.Costs([])


def test_the_table_is_the_same_in_every_run_and_the_times_stand_apart() -> None:
    one, two = iptlab.Costs([10, 40]), iptlab.Costs([40, 10, 10])
    assert str(one) == str(two)
    assert "Services  rules  iptables-save" in str(one)
    assert " s\n" not in str(one)
    assert "all rules" in one.timings
    assert repr(one) == "<What Services with 3 endpoints each cost a node: up to 40>"


def test_it_becomes_a_data_frame() -> None:
    frame = iptlab.Costs([10, 40]).to_frame()
    assert list(frame["services"]) == [10, 40]
    assert frame["first"].is_monotonic_increasing


def drawing(html: str) -> str:
    """The SVG inside the image of a chart."""
    data = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert data is not None
    return base64.b64decode(data[1]).decode()


def test_the_curves_are_a_picture_that_follows_the_theme_with_its_numbers_beside_it() -> None:
    costs = iptlab.Costs([10, 40])
    html = costs._repr_mimebundle_()["text/html"]
    svg = drawing(html)
    assert "prefers-color-scheme: dark" in svg
    assert "<script" not in svg
    for words in ("first packet", "later packet", "iptables-save", "one change"):
        assert words in svg
        assert words in html
    # numbers stand below each other, the Services' too
    assert html.count('<th scope="col" align="right"') == 6
    # tests/nbval.cfg knows charts by this word
    assert 'alt="Chart: four panels' in html
    assert svg == drawing(costs._repr_mimebundle_()["text/html"])


def test_every_colour_of_a_chart_has_one_for_dark_pages() -> None:
    svg = drawing(iptlab.Costs([10, 40])._repr_mimebundle_()["text/html"])
    body = svg.partition("</style>")[2]
    used = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", body))
    assert used
    assert used <= {*chart.DARK}
