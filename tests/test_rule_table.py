"""Rules as a table: what it sends, how it is searched, and what links do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from widget_pages import Drawn

import iptlab
from iptlab.netfilter.rules import Rule
from iptlab.notebook.widgets.chains import hits_of, sections, short
from iptlab.notebook.widgets.rule_lines import Lines

HOSTILE = '"><img src=x onerror=alert(1)>'
HASHED = "KUBE-SVC-TCOU7JCQXEZGVUNU"
RULES = f"""*nat
:PREROUTING ACCEPT [5:300]
:{HASHED} - [0:0]
[3:180] -A PREROUTING -p tcp -m tcp --dport 80 -m comment --comment "shop <b>" -j {HASHED}
[1:60] -A PREROUTING -p udp -g {HASHED}
-A {HASHED} -j DNAT --to-destination 10.0.0.2
COMMIT
*filter
:INPUT DROP [1:60]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
Draw = Callable[..., Drawn]


def rules() -> iptlab.Ruleset:
    """Two tables, in which a chain is jumped and gone to."""
    return iptlab.Ruleset.parse(RULES)


@cache
def many(number: int = 10_000) -> iptlab.Ruleset:
    """So many rules in chains of a hundred, each jumped to."""
    lines = [f":user{at} - [0:0]" for at in range(number // 100)]
    lines += [f"-A INPUT -p tcp --dport {at + 1} -j user{at}" for at in range(number // 100)]
    lines += [
        f"-A user{at // 100} -s 10.{at // 256}.{at % 256}.0/24 -p tcp --dport {at + 1} -j ACCEPT"
        for at in range(number)
    ]
    return iptlab.Ruleset.parse("\n".join(["*filter", *lines, "COMMIT", ""]))


def names(found: Any) -> list[str]:
    """Lines in short."""
    return [f"{one.chain.name} {one.number}" for one in found]


# --- lines ---


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("dnat", [f"{HASHED} 0", f"{HASHED} 1"]),
        ("NAT udp", ["PREROUTING 0", "PREROUTING 2"]),
        ("dport 22", ["INPUT 0", "INPUT 1"]),
        ("shop", ["PREROUTING 0", "PREROUTING 1"]),
        ("filter input", ["INPUT 0", "INPUT 1"]),
        ("nowhere", []),
    ],
)
def test_all_words_must_be_in_a_line_and_its_chain_is_named(words: str, found: list[str]) -> None:
    assert names(Lines(sections(rules())).found(words)) == found


def test_hits_of_a_journey_and_of_a_walk_are_lit() -> None:
    host = iptlab.Host.server("10.0.0.1/24").with_rules(rules())
    journey = iptlab.Machine(host).journey("in eth0 tcp 10.0.0.9:1 -> 10.0.0.1:22")
    lines = Lines(sections(rules(), journey), hits_of(journey))
    # nat's INPUT has no rules: its policy let the packet pass
    assert names(lines.found(only=True)) == ["PREROUTING 0", "INPUT 0", "INPUT 0", "INPUT 1"]
    walk = iptlab.trace(rules(), "in eth0 tcp 10.0.0.9:1 -> 10.0.0.1:23")
    assert names(Lines(sections(rules(), walk), hits_of(walk)).found(only=True)) == ["INPUT 0"]


def test_a_chain_alone_is_lit_in_the_table_where_it_was_asked() -> None:
    walk = iptlab.trace(rules(), "in eth0 tcp 10.0.0.9:1 -> 10.0.0.1:22")
    chain = rules().tables["filter"].chains["INPUT"]
    table = iptlab.RuleTable(chain, walk)
    assert [line["hits"] for line in table.lines] == [0, 1]
    assert table.title == "Chain INPUT, 1 rule"


def test_what_is_sent_names_targets_and_counters() -> None:
    lines = iptlab.RuleTable(rules()).lines
    jump = next(line for line in lines if line.get("to") and not line["goto"])
    assert (jump["to"], jump["packets"], jump["comment"]) == (HASHED, 3, "shop <b>")
    assert jump["tests"] == "-p tcp -m tcp --dport 80"
    assert [line["target"] for line in lines if line.get("goto")] == [f"-g {HASHED}"]
    json.dumps(lines)


def test_of_many_rules_only_a_page_is_sent_and_the_rest_on_demand() -> None:
    table = iptlab.RuleTable(many())
    assert (len(table.lines), table.total) == (200, 10_203)
    assert len(json.dumps(table.shown())) < 100_000
    answers: list[dict[str, Any]] = []
    table.send = lambda said, buffers=None: answers.append(said)
    ask = {"id": 1, "words": "", "only": False, "chain": "filter user50", "start": 0}
    table._handle_custom_msg(ask, [])
    table._handle_custom_msg(ask | {"words": "user7 10.2", "chain": "", "start": 200}, [])
    first, second = answers
    assert first["lines"][0]["chain"] == "user50"
    assert len(first["lines"]) == 200
    assert (second["id"], second["start"]) == (1, 200)
    assert second["total"] > 200


def test_long_lines_are_sent_only_as_far_as_there_is_room() -> None:
    long = "x" * 250
    rule = f'-A INPUT -p tcp -m comment --comment "{long}" -j DROP\n'
    table = iptlab.RuleTable(f"*filter\n{rule * 900}COMMIT\n")
    assert (len(table.lines), table.total) == (200, 903)
    assert len(json.dumps(table.shown())) < 300_000


def test_a_page_of_its_own_has_all_rules() -> None:
    table = iptlab.RuleTable(many(1000))
    assert "--dport 999 " in table.to_html()


def test_the_static_twin_is_short_and_escaped() -> None:
    html = iptlab.RuleTable(many())._repr_mimebundle_()[0]["text/html"]
    assert html.count("<tr>") == 61
    assert "10,143 more lines are not shown here" in html
    text = RULES.replace("shop <b>", "<img src=x onerror=alert(1)>")
    html = iptlab.RuleTable(text)._repr_mimebundle_()[0]["text/html"]
    assert "<img" not in html
    assert short(HASHED) in html
    assert f'title="{HASHED}"' in html


def test_what_has_no_rules_is_refused_with_what_has() -> None:
    with pytest.raises(iptlab.IptlabError, match="int has no rules; give a Chain"):
        iptlab.RuleTable(5)  # type: ignore[arg-type]


def test_what_crosses_machines_is_refused_with_how_to_take_one() -> None:
    attempt = iptlab.Lab.home_router().connect("laptop", "server", 80)
    with pytest.raises(iptlab.IptlabError, match=r"Attempt tells of no single.*legs\[1\]"):
        iptlab.RuleTable(rules(), attempt)  # type: ignore[arg-type]
    iptlab.RuleTable(rules(), attempt.trips[0].legs[1].journey)


def test_rules_kept_as_they_were_found_are_shown_whole() -> None:
    rule = Rule(written="-m nowhere --option -j SOMETHING")
    chain = iptlab.Ruleset.parse("*filter\nCOMMIT\n").table("filter").chains["INPUT"]
    lines = iptlab.RuleTable(type(chain)("odd", rules=(rule,))).lines
    assert (lines[1]["tests"], lines[1]["target"]) == (rule.written, "")


# --- in a page ---


def test_a_link_goes_to_its_chain_and_back(draw: Draw) -> None:
    drawn = draw(iptlab.RuleTable(rules()))
    page = drawn.page
    link = page.get_by_role("button", name=HASHED).first
    assert link.get_attribute("title") == HASHED
    assert "KUBE-SVC-TCOU…" in link.inner_text()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("tr.here")
    assert page.evaluate("document.activeElement.closest('tr').dataset.chain") == f"nat {HASHED}"
    assert (drawn.get("selected"), drawn.saves) == (f"nat {HASHED}", 1)
    page.get_by_role("button", name="Back").click()
    page.wait_for_selector("tr.here", state="detached")
    assert page.locator("tr.chain").first.inner_text().startswith("nat PREROUTING")


def test_a_search_shows_what_is_found_and_says_how_much(draw: Draw) -> None:
    page = draw(iptlab.RuleTable(rules())).page
    page.get_by_role("searchbox").fill("dport 22")
    page.wait_for_function("document.querySelectorAll('tr.rule').length === 1")
    assert page.locator("[aria-live]").inner_text() == "lines 1 to 2 of 2"
    page.get_by_role("searchbox").fill("no such words")
    page.wait_for_function("document.querySelectorAll('tr.rule').length === 0")
    assert page.locator("[aria-live]").inner_text() == "no rule has all these words"


def test_a_rule_tells_what_it_means_by_keyboard_alone(draw: Draw) -> None:
    page = draw(iptlab.RuleTable(rules())).page
    page.locator("button.number").nth(3).focus()
    page.keyboard.press("Space")
    assert "to port 22" in page.locator("tr.details:not([hidden])").inner_text()
    page.keyboard.press("Space")
    assert page.locator("tr.details:not([hidden])").count() == 0


def test_what_a_packet_hit_has_a_sign_and_can_be_shown_alone(draw: Draw) -> None:
    walk = iptlab.trace(rules(), "in eth0 tcp 10.0.0.9:1 -> 10.0.0.1:22")
    page = draw(iptlab.RuleTable(rules(), walk)).page
    page.get_by_role("checkbox").check()
    page.wait_for_function("document.querySelectorAll('tr.rule').length === 1")
    assert page.locator("tr.hit").inner_text().startswith("▶")


def test_nothing_that_is_written_becomes_markup(draw: Draw) -> None:
    text = RULES.replace("shop <b>", "<img src=x onerror=alert(1)></script>")
    page = draw(iptlab.RuleTable(text)).page
    assert page.locator("#here img").count() == 0
    assert "<img src=x" in page.locator(".comment").first.inner_text()


def test_nobody_is_left_out(draw: Draw) -> None:
    walk = iptlab.trace(rules(), "in eth0 tcp 10.0.0.9:1 -> 10.0.0.1:22")
    drawn = draw(iptlab.RuleTable(rules(), walk))
    drawn.page.locator("button.number").first.click()
    assert drawn.violations() == []


def test_ten_thousand_rules_are_paged_and_asked_for(draw: Draw) -> None:
    began = time.perf_counter()
    drawn = draw(iptlab.RuleTable(many()))
    page = drawn.page
    page.wait_for_selector("tr.rule")
    assert time.perf_counter() - began < 15
    assert page.locator("tr.rule, tr.chain").count() == 200
    page.get_by_role("button", name="Next").click()
    page.wait_for_function("document.querySelector('[aria-live]').innerText.includes('201 to 400')")
    page.get_by_role("searchbox").fill("user99 dport 9999")
    page.wait_for_function("document.querySelectorAll('tr.rule').length === 1")
    assert len(drawn.sent) >= 3


def test_a_page_without_a_kernel_follows_links_and_searches(browser: Any) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_content(rules().to_html())
    page.get_by_role("button", name=HASHED).first.click()
    page.wait_for_selector("tr.here")
    page.get_by_role("searchbox").fill("22")
    page.wait_for_function("document.querySelectorAll('tr.rule').length === 1")
    page.close()
    assert complaints == []
