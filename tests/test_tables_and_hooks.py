"""Tables by hooks: what the matrix takes from the library's own tables, and how it is walked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from widget_pages import Drawn

import iptlab
from iptlab.netfilter.hooks import PRIORITY, Backend, Hook, tables_at

Draw = Callable[..., Drawn]


@pytest.mark.parametrize("backend", Backend)
@pytest.mark.parametrize("hook", Hook)
def test_the_order_is_the_one_in_which_packets_are_taken_through(
    backend: Backend, hook: Hook
) -> None:
    matrix = iptlab.TablesAndHooks(backend)
    asked = [
        (row["cells"][hook]["order"], row["name"]) for row in matrix.rows if hook in row["cells"]
    ]
    names = [name for _, name in sorted(asked)]
    assert sorted(order for order, _ in asked) == list(range(1, len(asked) + 1))
    assert [name for name in names if name != "connection tracking"] == [*tables_at(hook, backend)]


def test_every_square_is_one_that_the_library_has() -> None:
    squares = {
        (row["name"], hook): int(cell["priority"])
        for row in iptlab.TablesAndHooks().rows
        for hook, cell in row["cells"].items()
        if row["name"] != "connection tracking"
    }
    assert squares == {
        (t, h): number for t, hooks in PRIORITY.items() for h, number in hooks.items()
    }


def test_connection_tracking_comes_behind_raw_and_confirms_last() -> None:
    text = str(iptlab.TablesAndHooks())
    assert "PREROUTING   raw (-300), connection tracking (-200), mangle (-150)" in text
    assert "nat (100), connection tracking (last)" in text


def test_mangle_has_three_squares_since_2_4_18() -> None:
    mangle = next(row for row in iptlab.TablesAndHooks().rows if row["name"] == "mangle")
    since = {hook for hook, cell in mangle["cells"].items() if cell["since"] == "2.4.18"}
    assert since == {"INPUT", "FORWARD", "POSTROUTING"}


def test_another_back_end_is_refused_with_those_that_are() -> None:
    with pytest.raises(iptlab.IptlabError, match="'xt' is no back end; they are legacy and nft"):
        iptlab.TablesAndHooks("xt")


def test_the_static_twin_is_the_same_matrix() -> None:
    html = iptlab.TablesAndHooks()._repr_mimebundle_()[0]["text/html"]
    assert html.count("<tr>") == 7
    assert "-150 (since 2.4.18)" in html


# --- in a page ---


def test_a_hook_tells_its_order_by_keyboard_alone(draw: Draw) -> None:
    drawn = draw(iptlab.TablesAndHooks())
    page = drawn.page
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert (drawn.get("selected"), drawn.saves) == ("INPUT", 1)
    told = page.locator("[aria-live] li strong").all_inner_texts()
    assert told == ["mangle", "filter", "security", "nat", "connection tracking"]
    page.keyboard.press("ArrowLeft")
    assert page.locator("[aria-pressed='true']").inner_text() == "PREROUTING"


def test_nobody_is_left_out(draw: Draw) -> None:
    drawn = draw(iptlab.TablesAndHooks())
    drawn.page.get_by_role("button", name="OUTPUT").click()
    assert drawn.violations() == []
