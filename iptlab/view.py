"""HTML for walks and rules; text stays what ``str`` says.

Plain tables, because Lab shows nothing else of a notebook it does not trust, and GitHub
never does. Colour and frames are extras that both may strip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from iptlab.html import Html, element, join, table
from iptlab.kernel.verify import Verification
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Journey, Station
from iptlab.simulate.trace import HookVisit, Step, TableVisit

# rows of one chain or walk, and of all chains of a table, that somebody may still read
ROWS, TABLE_ROWS = 60, 600


# --- walks ---


def way_html(way: HookVisit | Journey, *, told: bool = False) -> Html:
    """A packet's way, without its end if that was ``told`` before."""
    return journey_html(way, told=told) if isinstance(way, Journey) else visit_html(way, told=told)


def visit_html(visit: HookVisit, *, told: bool = False) -> Html:
    """A walk as one table for each table visited; what matched has a sign and is bold.

    The verdict stands below, unless it was ``told`` before.
    """
    tables = [table_visit_html(one, told=told) for one in visit.tables]
    verdict = [] if told else [element("p", element("strong", f"verdict: {visit.conclusion}"))]
    return element("div", element("p", visit.situation), *tables, *verdict)


def table_visit_html(visit: TableVisit, *, told: bool = False) -> Html:
    """A walk through one table: a row for each rule that was asked."""
    caption = f"Table {visit.table}, chain {visit.chain}"
    if not told:
        unknown = isinstance(visit.verdict, CannotTell)
        by = f"({visit.decided_by})" if unknown else f"by {visit.decided_by}"
        caption += f": {visit.verdict} {by}"
    head = ("hit", "chain and number", "rule", "its answer to this packet")
    return table(caption, head, _capped(list(_rows(visit))))


def _rows(visit: TableVisit) -> Iterator[tuple[str, ...]]:
    for event in visit.events:
        indent = "\u2003" * event.depth
        if isinstance(event, Step):
            place, said = f"{event.chain} {event.number}", _typed(event.rule)
            sign = "▶" if event.answer is True else ""
        else:
            place, said = event.chain, Html()
            sign = "▶" if event.policy else ""
        yield _row(sign, f"{indent}{place}", said, event.outcome)


def _row(sign: str, *cells: str) -> tuple[str, ...]:
    """A row whose cells are bold if it has a sign."""
    return (sign, *(element("strong", cell) for cell in cells)) if sign else (sign, *cells)


def _typed(rule: Rule) -> Html:
    """A rule as one types it; a line break never parts an option from its value."""
    parts = (
        element("span", part, style="white-space: nowrap") if len(part) < 40 else part
        for part in re.split(r" (?=(?:! )?--?[a-z])", str(rule))
    )
    spaced = (join((" ", part)) if number else part for number, part in enumerate(parts))
    return element("span", *spaced, style="font-family: monospace")


def _capped(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows, without the middle if they are too many."""
    hidden = len(rows) - ROWS
    if hidden <= 0:
        return rows
    gap = ("…", f"{hidden} more rows", *[""] * (len(rows[0]) - 2))
    return [*rows[: ROWS // 2], gap, *rows[-ROWS // 2 :]]


# --- journeys ---


def journey_html(journey: Journey, *, told: bool = False) -> Html:
    """A journey from top to bottom: a table for each table of rules, a line for all else.

    Its end stands below, unless it was ``told`` before.
    """
    parts = [element("p", journey.situation)]
    here = None
    for station in journey.stations:
        if station.at is not None and station.at is not here:
            parts.append(element("p", element("strong", str(station.at))))
        here = station.at
        parts += _station_html(station, told=told)
    parts += [element("p", f"log: {line}") for line in journey.log]
    if not told:
        parts.append(element("p", element("strong", journey.conclusion)))
    for caused in journey.generated:
        parts.append(element("p", "Because of it this machine sends:"))
        parts.append(element("blockquote", journey_html(caused)))
    return element("div", *parts)


def _station_html(station: Station, *, told: bool) -> Iterator[Html]:
    if station.visit is not None:
        yield table_visit_html(station.visit, told=told)
    said = [f"{station.name}: {station.note}"] if station.note else []
    said += [changed] if (changed := station.changed()) else []
    if said:
        yield element("p", "; ".join(said))


# --- simulator and kernel ---


def verification_html(found: Verification) -> Html:
    """Each packet as a table: what was compared, the simulator's word and the kernel's."""
    head = ("what", "simulator", "kernel", "compared")
    tables = [
        table(f"{one.situation} ({one.backend})", head, list(one.rows()))
        for one in found.comparisons
    ]
    return element("div", *tables, element("p", element("strong", found.conclusion)))


# --- rules ---


def chain_html(chain: Chain, name: str = "") -> Html:
    """A chain as a table of its rules, their counters and what they mean."""
    where = f"{name}, " if name else ""
    end = f"policy {chain.policy}" if chain.policy else "user chain"
    plural = "" if len(chain.rules) == 1 else "s"
    caption = f"Chain {chain.name} ({where}{len(chain.rules)} rule{plural}, {end})"
    rows = [_rule_row(number, rule) for number, rule in enumerate(chain.rules, start=1)]
    if chain.policy:
        fate = f"Every packet that no rule decided: {chain.policy}."
        rows.append(("end", f"{chain.counters.packets:,}", end, fate))
    head: tuple[str, ...] = ("number", "packets", "rule", "what it means")
    if not any(rule.counters.packets for rule in chain.rules):
        # most dumps are saved without the rules' counters
        head, rows = head[:1] + head[2:], [row[:1] + row[2:] for row in rows]
    return table(caption, head, _capped(rows))


def _rule_row(number: int, rule: Rule) -> tuple[str, ...]:
    return str(number), f"{rule.counters.packets:,}", _typed(rule), rule.explain()


def table_html(one: Table) -> Html:
    """A table as its chains, the empty ones in one line; of very many only the first."""
    full = [chain for chain in one.ordered() if chain.rules]
    rows = list(accumulate(min(len(chain.rules), ROWS) for chain in full))
    shown = [chain for chain, count in zip(full, rows, strict=True) if count <= TABLE_ROWS]
    parts = [chain_html(chain, f"table {one.name}") for chain in shown]
    if hidden := full[len(shown) :]:
        count = sum(len(chain.rules) for chain in hidden)
        rest = f"{len(hidden):,} more chains of table {one.name} with {count:,} rules"
        parts.append(element("p", f"{rest}; iptlab.RuleTable shows and searches all of them."))
    empty = [
        f"{chain.name} ({f'policy {chain.policy}' if chain.policy else 'user chain'})"
        for chain in one.ordered()
        if not chain.rules
    ]
    if empty:
        said = f"Chains of table {one.name} without rules: {', '.join(empty)}"
        parts.append(element("p", said))
    return element("div", *parts)


def ruleset_html(rules: Ruleset) -> Html:
    """A rule set as its tables."""
    return join(table_html(one) for one in rules.tables.values())
