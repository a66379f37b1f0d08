"""A real JupyterLab on a copy of the notebooks, and a browser to look at it.

``python tests/browsing.py NOTEBOOK FOLDER`` runs a notebook there and stores what it looks like
in both themes, page by page.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
]
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # cells that are not on the screen are drawn too
    "notebook-extension/tracker": {"windowingMode": "none"},
}
PATIENCE = 90


class Lab(NamedTuple):
    """A JupyterLab that runs: its address, the token that opens it, and its folder."""

    url: str
    token: str
    root: Path


@contextmanager
def running_lab(home: Path) -> Iterator[Lab]:
    """A JupyterLab on a copy of the notebooks, with nothing of the user's own settings."""
    token = secrets.token_hex(16)
    root = shutil.copytree(ROOT / "notebooks", home / "root")
    for name, value in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
    env = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": f"{home}/settings",
        "JUPYTERLAB_WORKSPACES_DIR": f"{home}/workspaces",
        "JUPYTER_RUNTIME_DIR": f"{home}/runtime",
        "JUPYTER_CONFIG_DIR": f"{home}/config",
        "IPYTHONDIR": f"{home}/ipython",
        "IPTLAB_PROGRESS": f"{home}/progress.json",
    }
    options = [
        *("--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"),
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True",
    ]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=env, stdout=log, stderr=log
        )
    try:
        yield Lab(_address(server, home), token, root)
    finally:
        server.terminate()
        server.wait(30)


def _address(server: subprocess.Popen[bytes], home: Path) -> str:
    """Where it listens; the server writes that into a file once it does."""
    file, end = home / "runtime" / f"jpserver-{server.pid}.json", time.monotonic() + PATIENCE
    while not (file.exists() and file.stat().st_size):
        assert server.poll() is None, (home / "log").read_text()
        assert time.monotonic() < end, (home / "log").read_text()
        time.sleep(0.1)
    return str(json.loads(file.read_text())["url"])


@contextmanager
def running_browser() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def notebook(lab: Lab, name: str, *sources: str) -> str:
    """Write a notebook with these cells next to the lessons; returns its name."""
    cells = [
        {
            **{"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": []},
            **{"execution_count": None, "source": source},
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    text = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (lab.root / name).write_text(json.dumps(text))
    return name


RUN_ALL = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    window.raised = [];
    await panel.revealed;
    await panel.sessionContext.ready;
    panel.sessionContext.iopubMessage.connect((_, message) => {
        if (message.header.msg_type === 'error') window.raised.push(message.content.evalue);
    });
    return await jupyterapp.commands.execute('notebook:run-all-cells');
}"""
SHUT_DOWN = "jupyterapp.shell.currentWidget.sessionContext.shutdown().then(() => raised)"


def run_all(lab: Lab, page: Any, name: str) -> bool:
    """Open a notebook and run its cells; whether all of them went well."""
    page.goto(f"{lab.url}doc/tree/{name}?token={lab.token}")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext")
    return bool(page.evaluate(RUN_ALL))


# --- pictures ---

THEMES = ("JupyterLab Light", "JupyterLab Dark")
SET_THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
_SCROLL = """(height) => {
    const place = document.querySelector('.jp-WindowedPanel-outer') ||
        document.querySelector('.jp-Notebook');
    const before = place.scrollTop;
    place.scrollTop += height;
    return place.scrollTop > before;
}"""
_TO_TOP = """() => {
    (document.querySelector('.jp-WindowedPanel-outer') ||
        document.querySelector('.jp-Notebook')).scrollTop = 0;
}"""


def pictures(name: str, folder: Path) -> None:
    """Run a notebook and store what it looks like, a file for every screenful and theme."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        running_lab(Path(home)) as lab,
        running_browser() as browser,
    ):
        page = browser.new_page(viewport={"width": 1000, "height": 1400})
        page.set_default_timeout(1000 * PATIENCE)
        run_all(lab, page, name)
        for theme in THEMES:
            page.evaluate(SET_THEME, theme)
            page.wait_for_timeout(1500)
            page.evaluate(_TO_TOP)
            _screens(page, folder / f"{Path(name).stem}-{theme.split()[1].lower()}")


def _screens(page: Any, start: Path) -> None:
    for number in range(1, 60):
        page.wait_for_timeout(200)
        page.screenshot(path=f"{start}-{number:02}.png")
        if not page.evaluate(_SCROLL, 1250):
            return


if __name__ == "__main__":
    pictures(sys.argv[1], Path(sys.argv[2]))
