"""What a widget costs in a real JupyterLab: a step, the first picture, and what is sent.

Run with ``python tests/benchmarks/widgets.py``; with ``--lessons`` it also runs every lesson and
tells how much state its widgets send on open. Ratios hold on a noisy machine.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

import iptlab

sys.path.insert(0, str(Path(__file__).parents[1]))

from browsing import PATIENCE, ROOT, Lab, notebook, run_all, running_browser, running_lab
from large_clusters import connections, large_cluster

STEPS, ROUNDS = 60, 5
BEGIN = """import iptlab
lab = iptlab.Lab.home_router()
attempt = lab.connect("laptop", "server", 80)"""
FLOW = (BEGIN, "iptlab.PacketFlow(attempt)")
EMPTY = (
    BEGIN,
    """import anywidget
class Empty(anywidget.AnyWidget):
    _esm = "export default {render({el}) { el.innerHTML = '<p class=iptlab>empty</p>' }}"
Empty()""",
)
# A real click: from the script's hearing of it, and from the browser's date on it, to the change;
# beside it a button that only counts, to tell what the page and a noisy machine take alone.
_WATCH = """() => {
    window.took = {flow: [], counter: []};
    const counter = document.createElement('button');
    counter.textContent = 0;
    counter.className = 'counter';
    counter.addEventListener('click', () => { counter.textContent -= -1; });
    document.querySelector('.iptlab.flow').before(counter);
    let heard = 0, dated = 0;
    window.addEventListener('click', (event) => {
        [heard, dated] = [performance.now(), event.timeStamp];
    }, true);
    const places = {flow: document.querySelector('.iptlab.flow .said'), counter};
    for (const [name, place] of Object.entries(places)) {
        new MutationObserver(() => {
            if (heard) took[name].push([performance.now() - heard, performance.now() - dated]);
            heard = 0;
        }).observe(place, {subtree: true, childList: true});
    }
}"""
_BUSY = """() => {
    const {kernel} = jupyterapp.shell.currentWidget.sessionContext.session;
    window.idle = false;
    const code = 'import time\\nend = time.time() + 60\\nwhile time.time() < end: pass';
    kernel.requestExecute({code}).done.then(() => { window.idle = true; });
}"""
_FRESH = """async () => {
    await jupyterapp.shell.currentWidget.sessionContext.restartKernel();
    await jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
}"""
# from the command to the widget's first element, in milliseconds
_FIRST = """async () => {
    const drawn = new Promise((done) => new MutationObserver(() => {
        if (document.querySelector('.iptlab')) done(performance.now());
    }).observe(document.body, {subtree: true, childList: true}));
    const start = performance.now();
    const ran = jupyterapp.commands.execute('notebook:run-all-cells');
    const end = await drawn;
    await ran;
    return end - start;
}"""


def steps(page: Any, kernel: str) -> Iterator[str]:
    """What clicking through a journey took, in turns with a button that only counts."""
    page.evaluate("for (const name in took) took[name] = []")
    places = (page.locator(".counter"), page.get_by_role("button", name="one step on"))
    counter, flow = (place.bounding_box() for place in places)
    spent = 0.0
    for _ in range(STEPS):
        page.mouse.click(counter["x"] + 9, counter["y"] + 9)
        before = _worked(page)
        page.mouse.click(flow["x"] + 9, flow["y"] + 9)
        spent += _worked(page) - before
    for name, times in page.evaluate("took").items():
        assert len(times) > STEPS / 2, "most clicks change something"
        heard, dated = (_spread([one[which] for one in times]) for which in (0, 1))
        yield f"click to changed DOM, {name}, kernel {kernel}: {heard}; since the mouse: {dated}"
    yield f"  processor time of script, style and layout: {spent / STEPS:.1f} ms a step"


def _spread(times: list[float]) -> str:
    ranked = sorted(times)
    return f"p50 {statistics.median(ranked):.1f} ms, p95 {ranked[int(len(ranked) * 0.95)]:.1f} ms"


def _worked(page: Any) -> float:
    """The processor time of scripts, style and layout so far, in milliseconds."""
    told = page.browser_tells.send("Performance.getMetrics")["metrics"]
    wanted = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
    return 1000 * float(sum(one["value"] for one in told if one["name"] in wanted))


def clicks(lab: Lab, browser: Any) -> Iterator[str]:
    """Steps with an idle kernel, and with one that computes."""
    page = browser.new_page(viewport={"width": 1200, "height": 1400})
    page.set_default_timeout(1000 * PATIENCE)
    assert run_all(lab, page, notebook(lab, "flow.ipynb", *FLOW))
    page.locator(".iptlab.flow").scroll_into_view_if_needed()
    page.evaluate(_WATCH)
    page.browser_tells = page.context.new_cdp_session(page)
    page.browser_tells.send("Performance.enable", {"timeDomain": "threadTicks"})
    yield from steps(page, "idle")
    page.get_by_label("packet and machine").select_option("0")
    page.evaluate(_BUSY)
    yield from steps(page, "busy")
    assert not page.evaluate("idle"), "the kernel was busy all the time"
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.close()


def first_pictures(lab: Lab, browser: Any) -> Iterator[str]:
    """Run-all to rendered, beside a widget that shows a word, in turns with fresh kernels."""
    pages, times = {}, {name: [] for name in ("flow", "empty")}  # type: ignore[var-annotated]
    for name, cells in (("flow", FLOW), ("empty", EMPTY)):
        pages[name] = browser.new_page(viewport={"width": 1200, "height": 1000})
        pages[name].set_default_timeout(1000 * PATIENCE)
        assert run_all(lab, pages[name], notebook(lab, f"first-{name}.ipynb", *cells))
    for _ in range(ROUNDS):
        for name, page in pages.items():
            page.evaluate(_FRESH)
            times[name].append(page.evaluate(_FIRST))
    flow, empty = (statistics.median(times[name]) for name in ("flow", "empty"))
    yield f"run-all to rendered: {flow:.0f} ms, an empty widget {empty:.0f} ms: {flow / empty:.2f}"


def sizes() -> Iterator[str]:
    """What single widgets send."""
    cluster = iptlab.Cluster.parse(large_cluster(1000))
    cluster.run("shop/shell", node="node-0")
    kube, home = iptlab.Lab.kubernetes(), iptlab.Lab.home_router()
    rules = kube.on("node2", "iptables-save -t nat").stdout
    service = re.findall(r"-A KUBE-SERVICES -d ([0-9.]+)/32 .*default/web", rules)[0]
    subjects = {
        "home router, connect": home.connect("laptop", "server", 80),
        "Service in a lab, connect": kube.connect("default/shell", service, 80),
        "1,000 Services, connect": cluster.connect(*next(connections(1000))),
    }
    for name, subject in subjects.items():
        state = len(json.dumps(iptlab.PacketFlow(subject).get_state()))
        yield f"state of a packet flow, {name}: {state:,} bytes"


def lessons() -> Iterator[str]:
    """What the widgets of each lesson send on open."""
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        book = nbformat.read(file, as_version=4)
        NotebookClient(book, resources={"metadata": {"path": str(file.parent)}}).execute()
        state = book.metadata.get("widgets", {})
        yield f"state of {file.name}: {len(json.dumps(state)) if state else 0:,} bytes"


def main() -> None:
    """Measure and print."""
    for line in sizes():
        print(line, flush=True)
    with (
        tempfile.TemporaryDirectory() as home,
        running_lab(Path(home)) as lab,
        running_browser() as browser,
    ):
        for measure in (clicks, first_pictures):
            for line in measure(lab, browser):
                print(line, flush=True)
    for line in lessons() if "--lessons" in sys.argv else ():
        print(line, flush=True)


if __name__ == "__main__":
    main()
