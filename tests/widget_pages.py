"""A widget in a page without Jupyter: real Python behind it, and a model that counts.

A test takes the fixture ``draw``: ``draw(widget)`` renders the widget in a blank page of a real
browser, in JupyterLab's own colours. When the test is over the widget is taken away, and the
test fails if the page complained, or if anything of the widget is left that listens or ticks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsing import CHROMIUM, running_browser

if TYPE_CHECKING:
    from iptlab.notebook.widgets.base import Widget

THEMES = ("light", "dark")
_FILES = Path(sys.prefix) / "share" / "jupyter" / "lab" / "themes" / "@jupyterlab"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "iptlab-tests"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>a widget</title>
<style>{light}</style><style id="dark" media="not all">{dark}</style>
<style>body {{ margin: 0; background: var(--jp-layout-color0) }}
main {{ padding: 12px; background: var(--jp-layout-color0) }}
body[data-jp-theme-light="true"] {{ color-scheme: light }}
body[data-jp-theme-light="false"] {{ color-scheme: dark }}</style>
<style>{css}</style></head>
<body data-jp-theme-light="true"><main id="here"></main></body></html>"""
# What of a widget may stay behind: listeners on the page, clocks that tick, observers.
_WATCH = """() => {
    const left = window.left = new Map();
    // what axe and the browser's driver start is not the widget's, whose script is the blob
    const keep = (what, key) => new Error().stack.includes('blob:') && left.set(key, what);
    for (const [name, place] of [['window', window], ['document', document]]) {
        const {addEventListener: add, removeEventListener: remove} = place;
        place.addEventListener = (kind, tell, options) => {
            keep(`${name} ${kind}`, tell);
            options?.signal?.addEventListener('abort', () => left.delete(tell));
            add.call(place, kind, tell, options);
        };
        place.removeEventListener = (kind, tell, options) => {
            left.delete(tell);
            remove.call(place, kind, tell, options);
        };
    }
    for (const [start, stop, what] of [
        ['setInterval', 'clearInterval', 'interval'],
        ['setTimeout', 'clearTimeout', 'timeout'],
        ['requestAnimationFrame', 'cancelAnimationFrame', 'frame'],
    ]) {
        const [begin, end] = [window[start], window[stop]];
        window[start] = (act, ...more) => {
            const done = (...given) => {
                if (what !== 'interval') left.delete(key);
                act(...given);
            };
            const number = begin.call(window, done, ...more), key = `${what} ${number}`;
            keep(what, key);
            return number;
        };
        window[stop] = (number) => {
            left.delete(`${what} ${number}`);
            end.call(window, number);
        };
    }
    for (const kind of [ResizeObserver, MutationObserver, IntersectionObserver]) {
        const {observe, disconnect} = kind.prototype;
        kind.prototype.observe = function (...given) {
            keep(kind.name, this);
            observe.apply(this, given);
        };
        kind.prototype.disconnect = function () {
            left.delete(this);
            disconnect.call(this);
        };
    }
}"""
# A model as Jupyter's; messages to the kernel reach the widget's Python through `kernel`.
_RENDER = """async ([esm, state]) => {
    const listeners = [];
    const tell = (event, ...given) =>
        listeners.filter((one) => one.event === event).forEach((one) => one.tell(...given));
    const model = window.model = {
        saves: 0,
        get: (name) => state[name],
        set: (name, value) => {
            if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
            state[name] = value;
            tell(`change:${name}`);
        },
        on: (event, tell) => listeners.push({event, tell}),
        off: (event, tell) => {
            const where = listeners.findIndex((one) => one.event === event && one.tell === tell);
            if (where >= 0) listeners.splice(where, 1);
        },
        save_changes: () => { model.saves += 1; },
        send: async (content) => {
            for (const answer of await window.kernel(content)) tell('msg:custom', answer, []);
        },
    };
    const url = URL.createObjectURL(new Blob([esm], {type: 'text/javascript'}));
    const made = (await import(url)).default;
    const widget = typeof made === 'function' ? await made() : made;
    const el = document.getElementById('here');
    const clean = [await widget.initialize?.({model}), await widget.render({model, el})];
    window.takeAway = () => {
        clean.forEach((one) => one?.());
        el.replaceChildren();
        return [...listeners.map((one) => `model ${one.event}`), ...window.left.values()];
    };
}"""


class Drawn:
    """A widget that is drawn in a page, which is ``page``; ``sent`` is what its script asked.

    ``complaints`` are what the page wrote as errors.
    """

    def __init__(self, page: Any, widget: Widget) -> None:
        self.page, self.widget = page, widget
        self.complaints: list[str] = []
        self.sent: list[object] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.expose_function("kernel", self._kernel)
        page.set_content(_PAGE.format(css=widget._css, **_theme_files()))
        page.evaluate(_WATCH)
        page.evaluate(_RENDER, [str(widget._esm), widget.shown()])

    def _hear(self, said: Any) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    def _kernel(self, content: object) -> list[object]:
        """Let the widget's Python read a message, and return what it answers."""
        answers: list[object] = []
        self.sent.append(content)
        self.widget.send = lambda said, buffers=None: answers.append(said)
        self.widget._handle_custom_msg(content, [])
        return answers

    def get(self, trait: str) -> Any:
        """A trait as the browser's model has it."""
        return self.page.evaluate("(name) => model.get(name)", trait)

    def set(self, trait: str, value: object) -> None:
        """Set a trait as the kernel does, or another widget that is linked to this one."""
        self.page.evaluate("([name, value]) => model.set(name, value)", [trait, value])

    @property
    def saves(self) -> int:
        """How often the script told the kernel of changes."""
        return int(self.page.evaluate("model.saves"))

    def theme(self, name: str) -> None:
        """Change to JupyterLab's ``light`` or ``dark`` theme."""
        self.page.evaluate(
            """(dark) => {
                document.body.dataset.jpThemeLight = String(!dark);
                document.getElementById('dark').media = dark ? 'all' : 'not all';
            }""",
            name == "dark",
        )

    def violations(self) -> list[str]:
        """What axe-core finds, in both themes; skips the test where axe cannot be had."""
        self.page.add_script_tag(path=str(axe()))
        found = []
        for name in THEMES:
            self.theme(name)
            result = self.page.evaluate("axe.run(document.getElementById('here'))")
            for one in result["violations"]:
                found += [f"{name} {one['id']}: {node['html']}" for node in one["nodes"]]
        return found

    def take_away(self) -> list[str]:
        """Take the widget out of the page; returns what of it still listens or ticks."""
        return list(self.page.evaluate("window.takeAway()"))


def _theme_files() -> dict[str, str]:
    return {name: (_FILES / f"theme-{name}-extension" / "index.css").read_text() for name in THEMES}


def axe() -> Path:
    """The script of axe-core, which npm fetches once into the user's cache."""
    kept = _CACHE / "axe-core-4.min.js"
    if kept.exists():
        return kept
    if (npm := shutil.which("npm")) is None:
        pytest.skip("there is no npm here to fetch axe-core with")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", "axe-core@4"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"npm cannot fetch axe-core: {done.stderr.strip()[-200:]}")
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            script = packed.extractfile("package/axe.min.js")
            assert script is not None
            _CACHE.mkdir(parents=True, exist_ok=True)
            # tests run side by side: a file that is there is whole
            fresh = _CACHE / f"axe-{os.getpid()}"
            fresh.write_bytes(script.read())
            fresh.replace(kept)
    return kept


# --- fixtures ---


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for the tests of a file; they are skipped where there is none."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium here")
    with running_browser() as browser:
        yield browser


@pytest.fixture
def draw(browser: Any) -> Iterator[Callable[..., Drawn]]:
    """Draw a widget in a page of its own: ``draw(widget, width=900)``."""
    shown: list[Drawn] = []

    def drawing(widget: Widget, *, width: int = 900) -> Drawn:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(15_000)
        shown.append(Drawn(page, widget))
        return shown[-1]

    yield drawing
    left = [found for one in shown for found in (*one.take_away(), *one.complaints)]
    for one in shown:
        one.page.close()
    if left:
        pytest.fail(f"the widget left behind, or the page complained of: {', '.join(left)}")
