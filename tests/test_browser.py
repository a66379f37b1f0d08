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
