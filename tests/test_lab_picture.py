"""The picture of a lab: every word of it is there, and nothing lies on top of another."""

from __future__ import annotations

import re
from base64 import b64decode
from itertools import combinations
from xml.etree import ElementTree

import pytest

from iptlab import Host, Lab
from iptlab.notebook.lab_picture import picture

SVG = "{http://www.w3.org/2000/svg}"
LABS = (Lab.home_router, Lab.dmz, Lab.two_routers, Lab.docker_host, Lab.kubernetes)


def drawing(lab: Lab) -> ElementTree.Element:
    """The picture as the tree of its elements."""
    found = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', picture(lab.map))
    assert found is not None
    return ElementTree.fromstring(b64decode(found[1]))


def numbers(one: ElementTree.Element, *names: str) -> list[int]:
    """Attributes that are numbers."""
    return [int(one.attrib[name]) for name in names]


@pytest.mark.parametrize("make", LABS, ids=lambda make: make.__name__)
def test_a_picture_has_every_host_address_and_network(make: type[Lab]) -> None:
    lab = make()
    tree = drawing(lab)
    words = [one.text or "" for one in tree.iter(f"{SVG}text")]
    for host in lab.hosts:
        assert host in words
        cards = [one for one in lab[host].host.interfaces if one.name != "lo"]
        assert all(f"{c.name}  {a}" in words for c in cards for a in c.addresses)
    for wire in lab.map.wires:
        assert set(wire.network.split(", ")) <= set(words)
    style = tree.find(f"{SVG}style")
    assert style is not None
    assert "prefers-color-scheme: dark" in (style.text or "")


@pytest.mark.parametrize("make", LABS, ids=lambda make: make.__name__)
def test_nothing_lies_on_top_of_another(make: type[Lab]) -> None:
    tree = drawing(make())
    _, _, width, height = map(int, tree.attrib["viewBox"].split())
    boxes = [numbers(one, "x", "y", "width", "height") for one in tree.iter(f"{SVG}rect")]
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    # a letter of a name is some eight pixels wide
    names = [one for one in tree.iter(f"{SVG}text") if one.attrib["class"] == "name"]
    for (x, y, w, _), one in zip(boxes, names, strict=True):
        assert x < int(one.attrib["x"]) < int(one.attrib["x"]) + 8 * len(one.text or "") <= x + w
        assert y < int(one.attrib["y"])
    for (x, y, w, h), (left, top, wide, high) in combinations(boxes, 2):
        assert x + w <= left or left + wide <= x or y + h <= top or top + high <= y
    bars = [
        numbers(one, "x1", "y1", "y2")
        for one in tree.iter(f"{SVG}line")
        if one.attrib["class"] == "bar"
    ]
    for (x, low, high), (left, top, bottom) in combinations(bars, 2):
        assert x != left or high < top or bottom < low


@pytest.mark.parametrize("hosts", [2, 3, 9])
def test_the_link_of_hosts_in_one_column_is_inside_the_picture(hosts: int) -> None:
    tree = drawing(Lab({f"h{n}": Host.server(f"10.0.0.{n}/24") for n in range(1, hosts + 1)}))
    _, _, width, height = map(int, tree.attrib["viewBox"].split())
    lines = [numbers(one, "x1", "x2", "y1", "y2") for one in tree.iter(f"{SVG}line")]
    assert len(lines) == hosts + 1
    assert all(0 <= x <= width for left, right, *_ in lines for x in (left, right))
    assert all(0 <= y <= height for *_, top, bottom in lines for y in (top, bottom))
    (name,) = (one for one in tree.iter(f"{SVG}text") if one.text == "10.0.0.0/24")
    assert int(name.attrib["x"]) + 6 * len("10.0.0.0/24") // 2 <= width


def test_a_lab_too_large_to_see_has_a_table_only() -> None:
    hosts = {f"h{n}": Host.server(f"10.0.0.{n}/24") for n in range(1, 100)}
    assert picture(Lab(hosts).map) == ""
    assert "img" in picture(Lab(dict(list(hosts.items())[:60])).map)


def test_hosts_without_links_are_drawn_too() -> None:
    lab = Lab({"a": Host.server("10.0.0.1/24"), "b": Host.server("10.1.0.1/24")})
    assert len(list(drawing(lab).iter(f"{SVG}rect"))) == 2
