"""What every widget has: a page to be tested in, a static twin, a page of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from traitlets import Int, Unicode
from widget_pages import Drawn

import iptlab
from iptlab.html import Html, element
from iptlab.notebook.widgets.base import Widget, style

Draw = Callable[..., Drawn]

_ESM = """
function render({ model, el }) {
    const root = document.createElement("div");
    root.className = "iptlab";
    const count = document.createElement("button");
    const say = () => { count.textContent = `${model.get("label")} ${model.get("count")}`; };
    count.addEventListener("click", () => {
        model.set("count", model.get("count") + 1);
        model.save_changes();
    });
    const heard = (message) => { root.title = message; };
    root.append(count);
    el.append(root);
    model.on("change:count", say);
    model.on("msg:custom", heard);
    model.send("hello");
    say();
    return () => { model.off("change:count", say); model.off("msg:custom", heard); };
}
export default { render };
"""
_FORGETFUL = _ESM.replace('model.off("change:count", say);', "setInterval(say, 1000);")


class Counter(Widget):
    """A button that counts."""

    _esm = _ESM
    _css = style()
    label = Unicode("clicks").tag(sync=True)
    count = Int(0).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(lambda widget, said, buffers: widget.send(f"{said} to you too"))

    def static(self) -> Html:
        return element("p", str(self))

    def __str__(self) -> str:
        return f"{self.label} {self.count}"


class Forgetful(Counter):
    """The same, but it leaves a listener and a clock behind."""

    _esm = _FORGETFUL


def test_a_click_is_shown_and_told_to_the_kernel_once(draw: Draw) -> None:
    drawn = draw(Counter())
    drawn.page.get_by_role("button", name="clicks 0").click()
    drawn.page.get_by_role("button", name="clicks 1").wait_for()
    assert (drawn.get("count"), drawn.saves) == (1, 1)


def test_a_trait_that_the_kernel_sets_is_shown(draw: Draw) -> None:
    drawn = draw(Counter())
    drawn.set("count", 7)
    drawn.page.get_by_role("button", name="clicks 7").wait_for()
    assert drawn.saves == 0


def test_python_answers_what_the_script_asks(draw: Draw) -> None:
    drawn = draw(Counter())
    drawn.page.get_by_title("hello to you too").wait_for()
    assert drawn.sent == ["hello"]


def test_what_a_widget_leaves_behind_is_found(draw: Draw) -> None:
    drawn = draw(Forgetful())
    assert drawn.take_away() == ["model change:count", "interval"]
    drawn.page.evaluate("model.off = () => {}; window.takeAway = () => []")


def test_axe_finds_what_is_wrong_and_nothing_else(draw: Draw) -> None:
    drawn = draw(Counter())
    assert drawn.violations() == []
    drawn.page.evaluate("document.querySelector('button').textContent = ''")
    assert [found.split(":")[0] for found in drawn.violations()] == [
        "light button-name",
        "dark button-name",
    ]


def test_the_theme_is_jupyterlabs(draw: Draw) -> None:
    drawn = draw(Counter())
    ink = "getComputedStyle(document.querySelector('.iptlab')).color"
    light = drawn.page.evaluate(ink)
    drawn.theme("dark")
    assert light != drawn.page.evaluate(ink)


@pytest.mark.parametrize("label", ["</script><script>bad = 1</script>", '"><img onerror=bad=1>'])
def test_a_page_of_its_own_steps_and_escapes(browser: Any, tmp_path: Path, label: str) -> None:
    file = tmp_path / "counter.html"
    file.write_text(Counter(label=label).to_html())
    page = browser.new_page()
    page.goto(file.as_uri())
    page.get_by_role("button").click()
    page.get_by_text(f"{label} 1", exact=True).wait_for()
    assert page.title() == f"{label} 0"
    assert page.evaluate("typeof bad") == "undefined"
    page.close()


def test_the_static_twin_goes_with_the_live_one() -> None:
    bundle, _ = Counter()._repr_mimebundle_()
    assert bundle["text/html"] == "<p>clicks 0</p>"
    assert bundle["text/plain"] == "clicks 0"
    assert "application/vnd.jupyter.widget-view+json" in bundle


SHEETS = sorted(
    file.name
    for file in files("iptlab.notebook.widgets").iterdir()
    if file.name.endswith(".css") and file.name not in ("common.css", "page.css")
)


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_widgets_sheet_touches_no_other_widget_of_the_notebook(sheet: str) -> None:
    """All sheets of a notebook hold for all of it, so every rule names its own widget."""
    text = re.sub(r"/\*.*?\*/", "", style(sheet.removesuffix(".css")), flags=re.S)
    own = text[len(re.sub(r"/\*.*?\*/", "", style(), flags=re.S)) :]
    heads = [head.strip() for head in re.findall(r"[^{}]+(?=\{)", own)]
    selectors = [
        one.strip()
        for head in heads
        if not head.startswith("@")
        for one in re.split(r",(?![^(]*\))", head)
    ]
    roots = {".".join(one.split(" ")[0].split(".")[:3]) for one in selectors}
    assert len(selectors) > 10
    (root,) = roots
    assert re.fullmatch(r"\.iptlab\.\w+", root)


# --- what is wider than its page -------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "narrow"),
    [
        (lambda lab: iptlab.ChainGraph(lab["node1"].rules()), 1000),
        (lambda lab: iptlab.ServiceMap(lab, "default/web"), 700),
    ],
    ids=["graph", "map"],
)
def test_what_is_too_wide_says_that_it_goes_on(
    draw: Draw, make: Callable[[iptlab.Lab], Widget], narrow: int
) -> None:
    page = draw(make(iptlab.Lab.kubernetes()), width=narrow).page
    place = page.locator(".sideways")
    onward, back = (
        page.get_by_role("button", name=name) for name in ("more to the right", "back to the left")
    )
    reach = "at => [at.scrollLeft > 0, at.scrollLeft + at.clientWidth + 1 < at.scrollWidth]"
    onward.wait_for()
    assert place.evaluate(reach) == [False, True]
    onward.click()
    assert place.evaluate(reach)[0]
    place.evaluate("at => at.scrollTo({ left: at.scrollWidth })")
    back.click()
    onward.wait_for()
    assert place.evaluate(reach) == [False, True]
    page.set_viewport_size({"width": 2000, "height": 900})
    onward.wait_for(state="hidden")
    assert place.evaluate(reach) == [False, False]
