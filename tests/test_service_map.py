"""The ways of Services, read from rules alone; and the map that shows them."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from test_kube_proxy_golden import recordings
from widget_pages import Drawn

import iptlab
from iptlab import ServiceMap
from iptlab.console.three_nodes import SHOP
from iptlab.errors import IptlabError
from iptlab.kubernetes.costs import cluster as many
from iptlab.kubernetes.paths import Kind, Paths
from iptlab.kubernetes.read_paths import read_paths
from iptlab.notebook.widgets.service_layout import MOST_ENDS, layout
from iptlab.notebook.widgets.service_map import map_of, payload, rows, told

Draw = Callable[..., Drawn]
OUTSIDE = """---
kind: Service
metadata: {name: front}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.81
  selector: {app: web}
  externalTrafficPolicy: Local
  loadBalancerSourceRanges: [203.0.113.0/24]
  ports: [{name: http, port: 80, nodePort: 30081}]
status: {loadBalancer: {ingress: [{ip: 203.0.113.90}]}}
---
kind: Service
metadata: {name: cart}
spec:
  clusterIP: 10.96.0.63
  selector: {app: web}
  sessionAffinity: ClientIP
  ports: [{port: 6379, targetPort: 80}]
---
kind: Service
metadata: {name: nobody}
spec: {clusterIP: 10.96.0.99, selector: {app: none}, ports: [{port: 99}]}
"""
HAND = """*nat
:WEB - [0:0]
-A PREROUTING -d 192.0.2.10/32 -p tcp --dport 80 -j WEB
-A WEB -p tcp -m statistic --mode random --probability 0.2 -j DNAT --to-destination 10.0.1.1:8080
-A WEB -p tcp -j DNAT --to-destination 10.0.1.2:8080
-A WEB -j LOG
COMMIT
"""


@pytest.fixture(scope="module")
def lab() -> iptlab.Lab:
    """The lessons' cluster, with Services of other kinds."""
    return iptlab.Lab.kubernetes(SHOP + OUTSIDE)


def only(found: tuple[Paths, ...], name: str) -> Paths:
    """The Service of that name."""
    return next(one for one in found if one.service == name)


def shares(found: Paths, door: str) -> dict[tuple[str, str], Fraction]:
    """By who may come and where it ends, what share ends there."""
    return {
        (way.when, found.points[way.edges[-1].end].title): way.share for way in found.ways(door)
    }


# --- what the rules say -----------------------------------------------------------------------


def test_a_cluster_ip_leads_to_every_endpoint_alike(lab: iptlab.Lab) -> None:
    web = only(map_of(lab), "default/web")
    assert shares(web, "10.96.0.80:80/tcp") == {
        ("", place): Fraction(1, 3) for place in ("10.244.1.2:80", "10.244.2.3:80", "10.244.3.2:80")
    }


def test_shares_are_those_that_the_cluster_itself_finds(lab: iptlab.Lab) -> None:
    web = only(map_of(lab), "default/web")
    found = {end: share for (_, end), share in shares(web, "10.96.0.80:80/tcp").items()}
    for backend in lab.cluster.backends("shell", "default/web:http"):
        assert abs(found[backend.place] - backend.probability) < Fraction(1, 1 << 24)


def test_a_local_policy_tells_apart_who_comes(lab: iptlab.Lab) -> None:
    front = only(map_of(lab, node="node1"), "default/front")
    found = shares(front, "*:30081/tcp")
    assert found["is anything else", "10.244.1.2:80"] == 1
    assert found["comes from 10.244.0.0/16", "10.244.3.2:80"] == Fraction(1, 3)
    doors = {point.id: point.note for point in front.of_kind(Kind.DOOR)}
    assert doors["203.0.113.90:80/tcp"] == "loadbalancer IP, http"
    refused = [way for way in front.ways("203.0.113.90:80/tcp") if way.when == "is not translated"]
    assert front.points[refused[0].edges[-1].end].title == "DROP"


def test_a_service_without_endpoints_is_refused_in_the_filter_table(lab: iptlab.Lab) -> None:
    nobody = only(map_of(lab), "default/nobody")
    (way,) = nobody.ways("10.96.0.99:99/tcp")
    assert nobody.points[way.edges[-1].end].note == "no endpoints"
    assert way.edges[0].rule.place.startswith("filter KUBE-SERVICES")


def test_affinity_is_a_second_rule_behind_the_same_edge(lab: iptlab.Lab) -> None:
    cart = only(map_of(lab), "default/cart")
    edges = [edge for edge in cart.edges if edge.again]
    assert len(edges) == 3
    assert all("-m recent" in edge.rules[0].text for edge in edges)
    assert [edge.share for edge in edges] == [Fraction(1, 3)] * 3


def test_each_edge_says_how_its_share_comes_about(lab: iptlab.Lab) -> None:
    web = only(map_of(lab), "default/web")
    chain = web.points[web.after("10.96.0.80:80/tcp")[0].end]
    assert [told(edge) for edge in web.after(chain.id)] == [
        "The rule draws 1/3 = 33.33 % of all connections.",
        "The rule draws 1/2 of the 2/3 left to it: 1/3 = 33.33 %.",
        "The last rule takes all that is left: 1/3 = 33.33 %.",
    ]


def test_rules_by_hand_are_read_as_well() -> None:
    (found,) = read_paths(iptlab.Ruleset.parse(HAND))
    assert found.service == "192.0.2.10:80/tcp"
    assert shares(found, "192.0.2.10:80/tcp") == {
        ("", "10.0.1.1:8080"): Fraction(1, 5),
        ("", "10.0.1.2:8080"): Fraction(4, 5),
    }


@pytest.mark.parametrize("name", list(recordings())[::5])
def test_in_recorded_rules_nothing_gets_lost_between_endpoints(name: str) -> None:
    """What leaves a balancing chain by chance alone is all that came."""
    files = recordings()[name].files
    written = [text for file, text in files.items() if file.endswith(".rules")]
    assert written
    for text in written:
        # chains that are to be deleted are none of a node that starts anew
        lines = (line for line in text.splitlines(keepends=True) if not line.startswith("-X"))
        table, _, nat = "".join(lines).partition("*nat\n")
        hook = "-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n"
        hooked = f"{table}*nat\n{nat.removesuffix(hook[-7:])}{hook}"
        rules = iptlab.Ruleset.parse(hooked, 6 if "::" in text else 4)
        for found in read_paths(rules):
            for point in found.of_kind(Kind.CHAIN):
                free = [edge.share for edge in found.after(point.id) if edge.share is not None]
                assert not free or sum(free) == 1


# --- the widget's Python ----------------------------------------------------------------------


def test_a_lab_a_cluster_a_proxy_and_rules_show_the_same(lab: iptlab.Lab) -> None:
    cluster = lab.cluster
    proxy = iptlab.Proxy(cluster.place.config)
    proxy.sync(cluster._known)
    texts = {
        str(ServiceMap(source, "default/nobody"))
        for source in (lab, cluster, proxy, cluster.rules("node1"))
    }
    assert len(texts) == 1
    with_owners, without = ServiceMap(lab, "web"), ServiceMap(proxy, "web")
    assert "10.244.1.2:80 default/web-" in str(with_owners)
    assert "10.244.1.2:80, by" in str(without)


def test_a_service_that_is_not_there_is_answered_with_those_that_are(lab: iptlab.Lab) -> None:
    with pytest.raises(IptlabError, match=r"there are default/cart, .*default/web"):
        ServiceMap(lab, "wbe")
    with pytest.raises(IptlabError, match="no way in"):
        ServiceMap(iptlab.read_rules("-A INPUT -j DROP"))
    with pytest.raises(IptlabError, match="ServiceMap shows a Lab"):
        ServiceMap("web")  # type: ignore[arg-type]


def test_what_is_sent_stays_small_and_says_what_is_left_out() -> None:
    proxy = iptlab.Proxy()
    proxy.sync(many(150, endpoints=30))
    shown = ServiceMap(proxy)
    assert len(json.dumps(shown.shown())) < 300_000
    assert len(shown.services) < 150
    assert f"{150 - len(shown.services)} more Services" in shown.note
    assert shown.services[0]["hidden"] == 30 - MOST_ENDS
    assert len(str(shown.static())) < 300_000


def test_boxes_never_lie_on_each_other(lab: iptlab.Lab) -> None:
    for one in map_of(lab, node="node1"):
        boxes = layout(one).boxes
        for number, box in enumerate(boxes):
            for other in boxes[number + 1 :]:
                beside = box.x + box.width <= other.x or other.x + other.width <= box.x
                above = box.y + box.height <= other.y or other.y + other.height <= box.y
                assert beside or above, (box, other)


def test_the_static_twin_is_a_picture_and_a_table(lab: iptlab.Lab) -> None:
    html = str(ServiceMap(lab, "web").static())
    assert '<img alt="Service default/web' in html
    assert "<table>" in html
    assert "1/3\u00a0=\u00a033.33\u00a0%" in html
    assert "nat KUBE-SERVICES" in html
    assert "<script" not in html


def test_hostile_comments_stay_text(draw: Draw) -> None:
    bad = 'a/<script>bad=1</script>\\"><img src=x onerror=bad=1>'
    rules = HAND.replace("--dport 80", f'--dport 80 -m comment --comment "{bad}"')
    shown = ServiceMap(iptlab.Ruleset.parse(rules))
    assert "<script>bad" in shown.maps[0].service
    assert "<img src=x" not in str(shown.static())
    assert "<script>bad" not in str(shown.static())
    drawn = draw(shown)
    drawn.page.locator(".title").first.click()
    assert drawn.page.evaluate("typeof bad") == "undefined"
    assert "</script><script>" not in shown.to_html().replace("</script>\n", "")


def test_every_way_is_a_row(lab: iptlab.Lab) -> None:
    front = only(map_of(lab, node="node1"), "default/front")
    some = list(rows(front))
    assert len(some) == sum(1 for door in front.of_kind(Kind.DOOR) for _ in front.ways(door.id))
    assert {len(row) for row in some} == {6}
    assert payload(front)["name"] == "default/front"


def test_ways_become_a_data_frame(lab: iptlab.Lab) -> None:
    frame = ServiceMap(lab, "web").to_frame()
    assert list(frame["share"])[:3] == ["1/3 = 33.33 %"] * 3
    assert frame.shape == (6, 6)


# --- the widget in a page ---------------------------------------------------------------------


def test_a_click_on_an_edge_shows_the_rule_behind_it(draw: Draw, lab: iptlab.Lab) -> None:
    drawn = draw(ServiceMap(lab, "web"))
    drawn.page.get_by_text("1/3 · 33.33 %").nth(1).click()
    about = drawn.page.locator(".about")
    about.get_by_text("The rule draws 1/2 of the 2/3 left to it").wait_for()
    assert "--probability 0.50000000000" in about.inner_text()
    assert drawn.saves == 1
    assert drawn.page.locator("[aria-pressed=true]").count() == 1


def test_the_keyboard_walks_through_the_picture(draw: Draw, lab: iptlab.Lab) -> None:
    drawn = draw(ServiceMap(lab, "web"))
    drawn.page.locator("[role=button][tabindex='0']").focus()
    drawn.page.keyboard.press("End")
    drawn.page.keyboard.press("Enter")
    drawn.page.get_by_text("What happens to a packet that comes here").wait_for()
    assert "DNAT --to-destination" in drawn.page.locator(".about").inner_text()
    drawn.page.keyboard.press("Home")
    drawn.page.keyboard.press(" ")
    drawn.page.get_by_text("What catches packets").wait_for()
    assert drawn.page.locator("[role=button][tabindex='0']").count() == 1


def test_another_service_can_be_chosen_and_linked(draw: Draw, lab: iptlab.Lab) -> None:
    drawn = draw(ServiceMap(lab))
    drawn.page.locator("select").select_option("default/nobody")
    drawn.page.get_by_text("REJECT").wait_for()
    assert drawn.get("service") == "default/nobody"
    drawn.set("service", "default/cart")
    drawn.page.get_by_text("33.33 %, sticky").first.wait_for()


def test_a_page_of_its_own_needs_no_kernel(browser: Any, lab: iptlab.Lab, tmp_path: Path) -> None:
    file = tmp_path / "map.html"
    file.write_text(ServiceMap(lab, "web").to_html())
    page = browser.new_page()
    page.goto(file.as_uri())
    page.get_by_text("1/3 · 33.33 %").first.click()
    page.get_by_text("The rule draws 1/3 = 33.33 % of all connections.").wait_for()
    page.close()


def test_axe_finds_nothing(draw: Draw, lab: iptlab.Lab) -> None:
    drawn = draw(ServiceMap(lab, node="node1"))
    drawn.page.locator("select").select_option("default/front")
    drawn.page.get_by_text("if it is not translated").click()
    assert drawn.violations() == []
