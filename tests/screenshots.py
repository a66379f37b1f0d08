"""Pictures of a lesson and of every widget in JupyterLab's two themes, for docs and README.

``python tests/screenshots.py [NAME ...]`` writes ``docs/img/NAME-light.png`` and
``NAME-dark.png``. A widget's picture is one row of `SHOTS`: what makes the widget, and what is
clicked before the picture is taken. ``lesson`` is a piece of lesson 00 with an answer in it.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from browsing import PATIENCE, ROOT, SET_THEME, run_all, running_browser, running_lab
from PIL import Image
from traitlets import Unicode
from widget_pages import THEMES, Drawn

import iptlab
from iptlab.notebook.widgets.base import Widget, style

FOLDER = ROOT / "docs" / "img"
# what a picture in a repository may weigh, and the colours that it needs for that
_BYTES, _COLOURS = 150_000, 96


class Shot(NamedTuple):
    """A picture: the widget, what is done to it first, and how wide it is."""

    widget: Callable[[], Widget]
    prepare: Callable[[Drawn], None] = lambda drawn: None
    width: int = 980


def _packet_flow() -> Widget:
    """A packet that a home router sends on to the machine behind a published port."""
    rules = """*mangle
-A PREROUTING -p tcp --dport 80 -j MARK --set-mark 0x7
COMMIT
*nat
-A PREROUTING -i eth0 -p udp --dport 53 -j DNAT --to-destination 192.168.1.53
-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 192.168.1.9:8080
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -p tcp -d 192.168.1.9 --dport 8080 -j ACCEPT
COMMIT
"""
    host = iptlab.Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24", rules=rules)
    return iptlab.PacketFlow(
        iptlab.Machine(host).journey("in eth0 tcp 198.51.100.7:4000 -> 203.0.113.2:80 SYN")
    )


def _at_translation(drawn: Drawn) -> None:
    drawn.set("step", 6)


def _at_a_question(drawn: Drawn) -> None:
    drawn.set("step", 7)
    drawn.set("predict", True)
    drawn.page.get_by_role("button", name="one step on").click()


def _service_journey() -> tuple[iptlab.Ruleset, iptlab.Journey]:
    """A node's rules after some packets, and the journey of one to a Service."""
    node = iptlab.Lab.kubernetes()["node1"]
    for port in range(4000, 4040):
        journey = node.journey(f"tcp 192.168.10.11:{port} -> 10.96.0.80:80 SYN")
    return node.rules(), journey


def _rule_table() -> Widget:
    """What a packet to a Service hit among kube-proxy's rules."""
    return iptlab.RuleTable(*_service_journey())


def _only_hits(drawn: Drawn) -> None:
    drawn.page.get_by_role("searchbox").fill("nat default/web")
    drawn.page.get_by_role("checkbox").check()
    drawn.page.get_by_role("button", name="hit: rule 2").last.click()


def _chain_graph() -> Widget:
    """kube-proxy's chains, and the way of a packet to a Service through them."""
    rules, journey = _service_journey()
    return iptlab.ChainGraph(rules.table(iptlab.TableName.NAT), journey)


def _at_services(drawn: Drawn) -> None:
    drawn.set("selected", "nat KUBE-SERVICES")


def _conntrack_timeline() -> Widget:
    """A page fetched through a router that translates addresses."""
    lab = iptlab.Lab.home_router()
    lab.on("laptop", "curl -s http://server/")
    return iptlab.ConntrackTimeline(lab.last)


def _at_established(drawn: Drawn) -> None:
    drawn.set("step", 2)


def _at_input(drawn: Drawn) -> None:
    drawn.set("selected", "INPUT")


def _service_map() -> Widget:
    """A Service with a node port, as the rules of a node have it."""
    return iptlab.ServiceMap(iptlab.Lab.kubernetes(), "default/web")


def _at_the_second_endpoint(drawn: Drawn) -> None:
    drawn.page.get_by_text("1/3 · 33.33 %").nth(1).click()


_SSH = "-P INPUT DROP\n-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT"


def _packet_builder() -> Widget:
    """A packet that a firewall lets in, and a port that is none."""
    return iptlab.PacketBuilder(iptlab.read_rules(_SSH))


def _ruleset_editor() -> Widget:
    """Rules that are not those that were wanted."""
    return iptlab.RulesetEditor(_SSH, "-P INPUT DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT")


def _judged(drawn: Drawn) -> None:
    drawn.page.locator(".said strong").first.wait_for()


def _answered(drawn: Drawn) -> None:
    drawn.page.get_by_role("radio").first.check()
    drawn.page.get_by_role("button", name="Check").click()
    _judged(drawn)


class Still(Widget):
    """What shows no more than HTML, for a picture of it."""

    _esm = "export default { render({ model, el }) { el.innerHTML = model.get('html'); } }"
    _css = style("page")
    html = Unicode().tag(sync=True)


def _load_balancing() -> Widget:
    """Three hundred connections to a Service of three endpoints."""
    found = iptlab.LoadBalancing(iptlab.Lab.kubernetes(), "shell", "default/web:http")
    return Still(html=f'<div class="iptlab">{found._repr_mimebundle_()["text/html"]}</div>')


def _costs() -> Widget:
    """What ten to ten thousand Services cost."""
    return Still(
        html=f'<div class="iptlab">{iptlab.Costs()._repr_mimebundle_()["text/html"]}</div>'
    )


SHOTS = {
    "rule-table": Shot(_rule_table, _only_hits),
    "chain-graph": Shot(_chain_graph, _at_services, 1500),
    "conntrack-timeline": Shot(_conntrack_timeline, _at_established),
    "tables-and-hooks": Shot(iptlab.TablesAndHooks, _at_input),
    "load-balancing": Shot(_load_balancing, width=900),
    "costs": Shot(_costs),
    "service-map": Shot(_service_map, _at_the_second_endpoint, 900),
    "packet-builder": Shot(_packet_builder, _judged, 820),
    "ruleset-editor": Shot(_ruleset_editor, _judged, 820),
    "exercise-panel": Shot(lambda: iptlab.ExercisePanel("00-first"), _answered, 820),
    "quiz": Shot(lambda: iptlab.Quiz("04"), width=820),
    "packet-flow": Shot(_packet_flow, _at_translation),
    "packet-flow-predict": Shot(_packet_flow, _at_a_question),
}


def shoot(name: str, browser: Any) -> None:
    """Take both pictures of a widget."""
    shot = SHOTS[name]
    page = browser.new_page(viewport={"width": shot.width, "height": 700}, device_scale_factor=2)
    # nothing is caught while it still moves
    page.emulate_media(reduced_motion="reduce")
    drawn = Drawn(page, shot.widget())
    shot.prepare(drawn)
    for theme in THEMES:
        drawn.theme(theme)
        _store(page.locator("main").screenshot(), f"{name}-{theme}.png")
    page.close()


def _store(taken: bytes, name: str) -> None:
    """Write a picture with few colours; it has to be small."""
    file = FOLDER / name
    Image.open(io.BytesIO(taken)).convert("RGB").quantize(_COLOURS).save(file, optimize=True)
    assert file.stat().st_size <= _BYTES, f"{file.name} has {file.stat().st_size:,} bytes"


# the lesson, its cells that are in the picture, and the answer that is tried in one of them
_LESSON, _FIRST, _LAST = "00-start.ipynb", 6, 9
_DOTS, _TRIED = (
    'answer = ...\niptlab.check("00-first"',
    'answer = "ACCEPT"\niptlab.check("00-first"',
)


def shoot_lesson(browser: Any) -> None:
    """Take both pictures of a lesson in a real JupyterLab, with a wrong answer in it."""
    with tempfile.TemporaryDirectory() as home, running_lab(Path(home)) as lab:
        lesson = nbformat.read(lab.root / _LESSON, as_version=4)
        for cell in lesson.cells:
            cell.source = cell.source.replace(_DOTS, _TRIED)
        nbformat.write(lesson, lab.root / _LESSON)
        page = browser.new_page(viewport={"width": 980, "height": 4000}, device_scale_factor=2)
        page.set_default_timeout(1000 * PATIENCE)
        run_all(lab, page, _LESSON)
        cells = page.locator(".jp-Cell")
        first, last = (cells.nth(number).bounding_box() for number in (_FIRST, _LAST))
        end = last["y"] + last["height"]
        clip = {**first, "height": end - first["y"]}
        for theme in THEMES:
            page.evaluate(SET_THEME, f"JupyterLab {theme.title()}")
            page.wait_for_function(_SHOWN_IN, arg=str(theme == "light").lower())
            _store(page.screenshot(clip=clip), f"lesson-{theme}.png")
        page.close()


_SHOWN_IN = "light => document.body.dataset.jpThemeLight === light"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_browser() as browser:
        for name in sys.argv[1:] or ("lesson", *SHOTS):
            if name == "lesson":
                shoot_lesson(browser)
            else:
                shoot(name, browser)
