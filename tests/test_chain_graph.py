"""Who jumps to whom: the graph, its layout, and the picture that is clicked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from widget_pages import Drawn

import iptlab
from iptlab.netfilter.rules import Chain, Jump, Rule
from iptlab.notebook.widgets.chain_calls import below, calls, worth_drawing
from iptlab.notebook.widgets.chain_layout import Picture, layout
from iptlab.notebook.widgets.chains import Section, sections

HASHED = "KUBE-SVC-TCOU7JCQXEZGVUNU"
RULES = f"""*filter
:INPUT DROP [0:0]
:near - [0:0]
:far - [0:0]
:unused - [0:0]
:{HASHED} - [0:0]
-A INPUT -p tcp -j near
-A INPUT -p udp -j near
-A INPUT -p icmp -g far
-A INPUT -m comment --comment "shop/web:http cluster IP" -j {HASHED}
-A near -j far
-A far -j DROP
-A unused -j DROP
COMMIT
"""
Draw = Callable[..., Drawn]


def rules() -> iptlab.Ruleset:
    """Jumps, a goto, two ways to one chain, and a chain that nobody jumps to."""
    return iptlab.Ruleset.parse(RULES)


def drawn(some: tuple[Section, ...], around: str = "", most: int = 60) -> Picture:
    """The picture of these chains."""
    every = calls(some)
    return layout(worth_drawing(some, every, around, most), every, below(some))


def test_calls_are_counted_and_gotos_are_apart() -> None:
    found = [(one.caller, one.callee, one.goto, one.numbers) for one in calls(sections(rules()))]
    assert found == [
        ("filter INPUT", "filter near", False, (1, 2)),
        ("filter INPUT", "filter far", True, (3,)),
        ("filter INPUT", f"filter {HASHED}", False, (4,)),
        ("filter near", "filter far", False, (1,)),
    ]


def test_the_picture_has_room_for_a_line_below_all_boxes() -> None:
    ends = "".join(f"-A INPUT -p {one} -j {one}\n-A {one} -j last\n" for one in ("tcp", "udp"))
    names = "".join(f":{one} - [0:0]\n" for one in ("tcp", "udp", "last"))
    some = iptlab.Ruleset.parse(f"*filter\n{names}{ends}-A INPUT -j last\nCOMMIT\n")
    picture = drawn(sections(some))
    heights = [int(y) for path in picture.paths.values() for y in re.findall(r"\d+ (\d+)", path)]
    lowest_box = max(box.y + box.height for box in picture.boxes.values())
    assert lowest_box < max(heights) <= picture.size[1]


def test_a_chain_stands_behind_all_that_jump_to_it() -> None:
    picture = drawn(sections(rules()))
    columns = {name.split()[1]: box.column for name, box in picture.boxes.items()}
    assert columns == {"INPUT": 0, "near": 1, "far": 2, "unused": 0, HASHED: 1}


@pytest.mark.parametrize("name", ["ufw.rules", "docker.rules"])
def test_boxes_never_overlap_and_arrows_end_at_boxes(name: str) -> None:
    picture = drawn(sections(iptlab.data(name)))
    boxes = list(picture.boxes.values())
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
    for call, path in picture.paths.items():
        start, end = picture.boxes[call.caller], picture.boxes[call.callee]
        assert path.startswith(f"M{start.x + start.width} {start.middle} ")
        assert path.endswith(f" {end.x - 7} {end.middle}")


def test_a_long_arrow_passes_between_the_boxes_of_other_columns() -> None:
    text = "*filter\n:a -\n:b -\n:c -\n-A INPUT -j a\n-A a -j b\n-A b -j c\n-A INPUT -j c\nCOMMIT\n"
    picture = drawn(sections(iptlab.Ruleset.parse(text)))
    path = next(
        path for call, path in picture.paths.items() if call[:2] == ("filter INPUT", "filter c")
    )
    levels = [int(y) for y in re.findall(r"L\d+ (\d+)", path)]
    assert len(levels) == 2
    for box in picture.boxes.values():
        if box.column in (1, 2):
            assert not box.y <= levels[box.column - 1] <= box.y + box.height


def test_chains_that_loop_where_no_packet_comes_are_drawn_too() -> None:
    loop = tuple(
        Section("filter", Chain(name, rules=(Rule(target=Jump(to)),)))
        for name, to in (("a", "b"), ("b", "a"), ("c", "c"))
    )
    picture = drawn(loop)
    assert len(picture.boxes) == len(picture.paths) == 3


def test_around_a_chain_are_those_that_lead_there_and_from_there() -> None:
    assert set(drawn(sections(rules()), "filter near").boxes) == {
        *("filter INPUT", "filter near", "filter far"),
    }


def test_of_many_chains_the_nearest_are_drawn_and_the_rest_is_counted() -> None:
    drop = "-p tcp -m tcp --dport 22 -j DROP"
    lines = [f":user{at} -\n-A INPUT -j user{at}" for at in range(100)]
    lines += [f"-A user{at % 100} -s 10.0.0.{at // 100} {drop}" for at in range(5_000)]
    graph = iptlab.ChainGraph("\n".join(["*filter", *lines, "COMMIT", ""]))
    assert (len(graph.boxes), graph.left_out) == (60, 41)
    assert graph.to_dot().count("->") == 100
    assert len(json.dumps(graph.shown())) < 300_000


def test_the_way_of_a_packet_is_lit() -> None:
    walk = iptlab.trace(rules(), "in eth0 udp 10.0.0.9:1 -> 10.0.0.1:22")
    graph = iptlab.ChainGraph(rules(), walk)
    lit = [(line["from"], line["to"]) for line in graph.lines if line["lit"]]
    assert lit == [("filter INPUT", "filter near"), ("filter near", "filter far")]


def test_a_chain_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(iptlab.IptlabError, match=r"which chain is 'nar'.*filter near"):
        iptlab.ChainGraph(rules(), around="nar")


def test_dot_is_what_graphviz_reads() -> None:
    graph = iptlab.ChainGraph(Chain('say "hi"\\', rules=(Rule(target=Jump("b")),)))
    dot = graph.to_dot()
    assert r'"say \"hi\"\\" -> "b";' in dot
    text = iptlab.ChainGraph(rules()).to_dot()
    assert '"filter INPUT" -> "filter far" [style=dashed];' in text
    assert '"filter INPUT" -> "filter near" [label="2"];' in text
    if program := shutil.which("dot"):
        subprocess.run(
            [program, "-Tsvg"], input=dot + text, text=True, check=True, capture_output=True
        )


def test_the_static_twin_is_a_picture_and_a_table() -> None:
    html = iptlab.ChainGraph(rules())._repr_mimebundle_()[0]["text/html"]
    assert html.count("<img") == html.count("data:image/svg+xml;base64,") == 1
    assert "goto" in html
    assert "KUBE-SVC-TCOU…" in html


# --- in a page ---


def test_a_chain_that_is_clicked_shows_its_rules_and_links_lead_on(draw: Draw) -> None:
    shown = draw(iptlab.ChainGraph(rules()))
    page = shown.page
    page.locator("g.box", has_text="INPUT").click()
    assert page.locator("section li").count() == 4
    assert (shown.get("selected"), shown.saves) == ("filter INPUT", 1)
    page.locator("section").get_by_role("button", name=HASHED).click()
    assert shown.get("selected") == f"filter {HASHED}"
    assert "shop/web:http cluster IP" in page.locator("section").inner_text()


def test_keys_walk_from_chain_to_chain(draw: Draw) -> None:
    shown = draw(iptlab.ChainGraph(rules()))
    page = shown.page
    page.keyboard.press("Tab")
    # to near, to far, back to INPUT, and to near once more, past its neighbour
    for way in ("Right", "Right", "Left", "Right", "Up", "Down"):
        page.keyboard.press(f"Arrow{way}")
    page.keyboard.press("Enter")
    assert shown.get("selected") == "filter near"
    assert page.locator("g.box[tabindex='0']").count() == 1
    assert page.locator("g.box[aria-pressed='true']").count() == 1


def test_the_picture_grows_with_the_text_of_the_theme(draw: Draw) -> None:
    page = draw(iptlab.ChainGraph(rules()), width=3000).page
    box = page.locator("g.box").first
    before = box.bounding_box()["width"]
    page.evaluate("document.body.style.setProperty('--jp-content-font-size1', '28px')")
    assert box.bounding_box()["width"] == pytest.approx(2 * before, rel=0.02)


def test_nothing_that_is_written_becomes_markup(draw: Draw) -> None:
    name = '<img src=x onerror="x">'
    page = draw(iptlab.ChainGraph(Chain(name, rules=(Rule(target=Jump("<b>")),)))).page
    assert page.locator("#here img, #here b").count() == 0


def test_nobody_is_left_out(draw: Draw) -> None:
    walk = iptlab.trace(rules(), "in eth0 udp 10.0.0.9:1 -> 10.0.0.1:22")
    shown = draw(iptlab.ChainGraph(rules(), walk))
    shown.page.locator("g.box").first.click()
    assert shown.violations() == []
