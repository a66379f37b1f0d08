"""The course in a browser alone: the site is built, opened, and asks nobody else for anything."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from browsing import CHROMIUM, ROOT, RUN_ALL, running_browser

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.notebooks,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here"),
]
PATIENCE = 240_000  # ms; Python itself must start in the browser
OUTPUTS = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter((cell) => cell.model.type === 'code')
    .map((cell) => cell.model.outputs.toJSON())"""
ANSWER = """async (text) => {
    const panel = jupyterapp.shell.currentWidget;
    const notebook = panel.content;
    const at = notebook.widgets.findIndex((cell) =>
        cell.model.getMetadata('iptlab')?.exercise === '01-polite');
    notebook.activeCellIndex = at;
    notebook.widgets[at].model.sharedModel.setSource(text);
    await jupyterapp.commands.execute('notebook:run-cell');
    return notebook.widgets[at].model.outputs.toJSON();
}"""

KEPT = """async () => {
    const asked = {content: true, format: 'text', type: 'file'};
    return (await jupyterapp.serviceManager.contents.get('progress.json', asked)).content;
}"""


class Quiet(SimpleHTTPRequestHandler):
    """A web server of files that says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site, built by its one command, and served."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, ROOT / "lite" / "build.py", folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def page(site: str) -> Iterator[Any]:
    """A page that notes whom it asks."""
    with running_browser() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.set_default_timeout(PATIENCE)
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        yield page


def test_a_lesson_runs_with_nothing_installed(site: str, page: Any) -> None:
    page.goto(f"{site}/lab/index.html?path=01-a-rule.ipynb")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext")
    assert page.evaluate(RUN_ALL), "a cell raised an error"
    stored = json.loads((ROOT / "notebooks" / "01-a-rule.ipynb").read_text())
    cells = [cell["outputs"] for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert [*map(words, page.evaluate(OUTPUTS))] == [*map(words, cells)]


def words(outputs: list[dict[str, Any]]) -> str:
    """The text of a cell's outputs."""
    parts = (each.get("text") or each["data"]["text/plain"] for each in outputs)
    return "".join(part if isinstance(part, str) else "".join(part) for part in parts)


def test_an_exercise_is_judged_there(page: Any) -> None:
    wrong = page.evaluate(ANSWER, "%%iptables 01-polite\n-A INPUT -p tcp -j ACCEPT\n")
    assert wrong[0]["data"]["application/vnd.iptlab.check+json"]["status"] == "wrong"
    assert "packet" in words(wrong)


def test_progress_stays_beside_the_lessons(page: Any) -> None:
    kept = page.evaluate(KEPT)
    assert json.loads(kept)["exercises"]["01-polite"]["wrong"] == 1


def test_nobody_else_is_asked(site: str, page: Any) -> None:
    here = (site, "data:", "blob:")
    assert [url for url in page.asked if not url.startswith(here)] == []
    assert len(page.asked) > 50
