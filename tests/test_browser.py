"""Every lesson in a real JupyterLab: all cells run, and nothing complains in the page.

The browser is Debian's chromium; without it, or without playwright, these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import PATIENCE, ROOT, SHUT_DOWN, Lab, notebook, run_all, running_lab

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.notebooks


@pytest.fixture(scope="module")
def lab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests, if there is a browser to look at it."""
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def run_notebook(lab: Lab, browser: Any) -> Iterator[Callable[[str], Any]]:
    """Open a notebook, run all its cells, and in the end find no complaint anywhere."""
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE)
    complaints: list[str] = []
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def run(name: str) -> Any:
        assert run_all(lab, page, name), "a cell raised an error"
        return page

    yield run
    raised = page.evaluate(SHUT_DOWN)
    page.close()
    assert complaints + raised == []


@pytest.mark.parametrize("name", [file.name for file in NOTEBOOKS])
def test_a_lesson_runs_in_the_lab(run_notebook: Callable[[str], Any], name: str) -> None:
    page = run_notebook(name)
    shown = page.locator(".jp-OutputArea-output")
    assert shown.count() > 0
    # what a cell shows is drawn; a renderer that is missing would say so in words
    text = " ".join(shown.all_inner_texts())
    assert "Error displaying" not in text
    assert "not answered yet" in text


def test_a_cell_that_raises_is_noticed(lab: Lab, browser: Any) -> None:
    """Without this the tests above would prove nothing."""
    page = browser.new_page()
    assert not run_all(lab, page, notebook(lab, "raises.ipynb", "1 / 0"))
    assert page.evaluate(SHUT_DOWN) == ["division by zero"]
    page.close()


FLOW = """import iptlab
lab = iptlab.Lab.home_router()
flow = iptlab.PacketFlow(lab.connect("laptop", "server", 80))
flow"""
READ = """async (expression) => {
    const {kernel} = jupyterapp.shell.currentWidget.sessionContext.session;
    const wanted = {code: '', user_expressions: {it: expression}};
    const {content} = await kernel.requestExecute(wanted).done;
    return content.user_expressions.it.data['text/plain'];
}"""


def test_a_packet_is_stepped_through_with_keys_that_the_notebook_does_not_see(
    lab: Lab, run_notebook: Callable[[str], Any]
) -> None:
    page = run_notebook(notebook(lab, "flow.ipynb", FLOW))
    shown, cells = page.locator(".iptlab.flow"), page.locator(".jp-Cell")
    shown.get_by_role("button", name="one step on").focus()
    before = cells.count()
    # a, b and d d would add cells and delete this one
    for key in ("a", "b", "d", "d", "PageDown", "PageDown", "ArrowLeft", "End", "ArrowRight"):
        page.keyboard.press(key)
    assert cells.count() == before
    assert shown.get_by_role("combobox").input_value() == "1"
    shown.locator("[data-name='POSTROUTING nat']").press("Enter")
    shown.get_by_role("button", name="all chains of table nat").click()
    shown.get_by_text("Chain OUTPUT").wait_for()
    told = page.evaluate(READ, "(flow.leg, flow.step, flow.selected)")
    assert told == "(1, 0, 'POSTROUTING nat')"


TABLE = """import iptlab
lines = [f"-A INPUT -p tcp --dport {port} -j web" for port in range(1, 2001)]
text = "\\n".join(["*filter", ":web -", *lines, "-A web -j ACCEPT", "COMMIT", ""])
table = iptlab.RuleTable(iptlab.Ruleset.parse(text))
table"""


def test_rules_that_are_not_in_the_page_are_asked_of_the_kernel(
    lab: Lab, run_notebook: Callable[[str], Any]
) -> None:
    page = run_notebook(notebook(lab, "rules.ipynb", TABLE))
    shown = page.locator(".iptlab.rules")
    shown.get_by_role("searchbox").fill("dport 1999")
    shown.get_by_text("lines 1 to 2 of 2").wait_for()
    shown.locator("tr.rule").get_by_role("button", name="web").click()
    shown.locator("tr.here").wait_for()
    assert page.evaluate(READ, "(table.selected, len(table.lines))") == "('filter web', 200)"


FORMS = """import iptlab
rules = iptlab.read_rules("-A INPUT -p tcp --dport 22 -j DROP")
builder = iptlab.PacketBuilder(rules)
builder"""
MAP = """shown = iptlab.ServiceMap(iptlab.Lab.kubernetes(), "default/web")
shown"""
PANEL = """panel = iptlab.ExercisePanel("01-repair")
panel"""


def test_forms_are_answered_by_the_kernel_and_take_keys_for_themselves(
    lab: Lab, run_notebook: Callable[[str], Any]
) -> None:
    page = run_notebook(notebook(lab, "forms.ipynb", FORMS, MAP, PANEL))
    cells = page.locator(".jp-Cell")
    before = cells.count()
    page.get_by_text("DROP by filter INPUT 1").first.wait_for()
    page.get_by_label("destination port").fill("8O")
    page.get_by_text("`8O' is no port").wait_for()
    page.get_by_label("destination port").fill("80")
    page.locator(".said strong").get_by_text("ACCEPT").first.wait_for()
    told = page.evaluate(READ, "builder.line")
    assert told == "'in eth0 tcp 10.0.0.9:40000 -> 10.0.0.1:80 SYN'"
    page.get_by_text("1/3 · 33.33 %").nth(1).click()
    for key in ("a", "b", "d", "d", "Home", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("What catches packets").wait_for()
    assert page.evaluate(READ, "shown.selected") == "'10.96.0.80:80/tcp'"
    page.get_by_label("your answer").fill("-A INPUT -j DROP")
    page.keyboard.press("Control+Enter")
    page.get_by_text("not right yet: 01-repair").wait_for()
    page.get_by_role("button", name="Hint", exact=True).press("Enter")
    page.get_by_text("Hint 1 of").wait_for()
    assert cells.count() == before
