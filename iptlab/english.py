"""Rules told in plain English, with what looks like a mistake pointed out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iptlab.errors import IptlabError
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.context import CtState
from iptlab.netfilter.extension import Condition
from iptlab.netfilter.rules import Chain, Jump, Rule, Table
from iptlab.netfilter.values import StateSet
from iptlab.ruleset import Ruleset

_POLICY = {
    Verdict.ACCEPT: "is accepted by this table",
    Verdict.DROP: "is dropped without an answer",
}
# targets after which no later rule of the chain is asked
_FINAL = {"ACCEPT", "DROP", "REJECT", "RETURN", "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"}


@dataclass(frozen=True)
class Remark:
    """Something odd about a chain, with the numbers of the rules it is about."""

    chain: str
    rules: tuple[int, ...]
    text: str


def explain(rules: Ruleset, chain: str | None = None) -> str:
    """The rule set as a page: every rule a sentence with its number, then what looks odd.

    With a chain's name only the chains of that name; IptlabError if there is none.
    """
    pages = [part for table in rules.tables.values() for part in _table_page(table, chain)]
    told = "\n\n".join(pages)
    if chain and not told:
        raise IptlabError(f"no table here has a chain `{chain}'")
    return told


def _table_page(table: Table, only: str | None) -> list[str]:
    chains = [chain for chain in table.ordered() if only in (None, chain.name)]
    pages = ["\n".join(_chain_page(table, chain)) for chain in chains]
    return [f"Table {table.name}", *pages] if pages else []


def _chain_page(table: Table, chain: Chain) -> Iterator[str]:
    count = {0: "no rules", 1: "1 rule"}.get(len(chain.rules), f"{len(chain.rules)} rules")
    if chain.policy is None:
        yield f"Chain {chain.name}, {count}, {_callers(table, chain)}"
    else:
        yield f"Chain {chain.name}, {count}, policy {chain.policy}"
    for number, rule in enumerate(chain.rules, start=1):
        yield f"  {number}. {rule.explain()}"
    yield f"  {_ending(chain)}"
    for remark in remarks(table, chain):
        yield f"  Look: {remark.text}"


def _callers(table: Table, chain: Chain) -> str:
    places = [
        f"{other.name} {number}"
        for other in table.ordered()
        for number, rule in enumerate(other.rules, start=1)
        if isinstance(rule.target, Jump) and rule.target.chain == chain.name
    ]
    if not places:
        return "nobody jumps here"
    more = f" and {len(places) - 8} more" if len(places) > 8 else ""
    return f"called from {', '.join(places[:8])}{more}"


def _ending(chain: Chain) -> str:
    if chain.policy is None:
        return "End: every other packet goes back to where the chain was called from."
    every = "Every packet" if not chain.rules else "Every packet that gets here"
    return f"Policy: {every} {_POLICY[chain.policy]}."


def remarks(table: Table, chain: Chain) -> Iterator[Remark]:
    """What looks like a mistake in a chain; nothing here is an error to the kernel."""
    yield from _shadowed(chain)
    yield from _drop_before_established(chain)
    for number, rule in enumerate(chain.rules, start=1):
        for extension in rule.extensions():
            if not extension.name and not isinstance(extension, Jump):
                text = f"rule {number} uses `{extension}', which iptlab does not model."
                yield Remark(chain.name, (number,), text)
    if chain.policy is None and _callers(table, chain) == "nobody jumps here":
        yield Remark(chain.name, (), f"no rule jumps to {chain.name}, so no packet gets here.")


def _shadowed(chain: Chain) -> Iterator[Remark]:
    """Rules that an earlier final rule leaves no packet for."""
    finals: list[tuple[int, Rule]] = []
    for number, rule in enumerate(chain.rules, start=1):
        for earlier, final in finals:
            if covers(final, rule):
                text = f"rule {number} is never reached: rule {earlier} takes all its packets."
                yield Remark(chain.name, (earlier, number), text)
                break
        else:
            if _is_final(rule):
                finals.append((number, rule))


def _is_final(rule: Rule) -> bool:
    if isinstance(rule.target, Jump):
        return rule.target.goto
    return rule.target is not None and rule.target.name in _FINAL


def covers(wide: Rule, narrow: Rule) -> bool:
    """Whether every packet that ``narrow`` matches is surely matched by ``wide`` too.

    >>> from iptlab.syntax.grammar import Place
    >>> from iptlab.syntax.rule import read_command
    >>> from iptlab.syntax.tokens import restore_words
    >>> def rule(text):
    ...     return read_command(restore_words(text), Place(1, text), 4).rules[0]
    >>> covers(rule("-A X -s 10.0.0.0/8"), rule("-A X -s 10.1.0.0/16 -p tcp"))
    True
    """
    asked = [condition for test in wide.tests() for condition in test.conditions()]
    silent = [test for test in wide.tests() if not test.conditions() and test.explain()]
    if any(test not in narrow.tests() for test in silent):
        return False
    given = [condition for test in narrow.tests() for condition in test.conditions()]
    return all(any(_implies(one, other) for one in given) for other in asked)


def _implies(narrow: Condition, wide: Condition) -> bool:
    """Whether the narrow condition can hold only where the wide one does."""
    if narrow.field.name != wide.field.name:
        return False
    one, other = narrow.given, wide.given
    if one.negated and other.negated:
        return one.value.covers(other.value)
    return not one.negated and not other.negated and other.value.covers(one.value)


def _drop_before_established(chain: Chain) -> Iterator[Remark]:
    """A DROP that answers to our own connections meet before they are let in."""
    for number, rule in enumerate(chain.rules, start=1):
        if not (rule.target and rule.target.name == "ACCEPT" and _wants_established(rule)):
            continue
        for earlier, drop in enumerate(chain.rules[: number - 1], start=1):
            stops = drop.target is not None and drop.target.name in ("DROP", "REJECT")
            if stops and not _mentions_state(drop) and not drop.matches:
                text = (
                    f"rule {earlier} stops packets before rule {number} can let the ones of "
                    "established connections pass; answers may be lost."
                )
                yield Remark(chain.name, (earlier, number), text)
        return


def _states(rule: Rule) -> Iterator[Condition]:
    return (c for test in rule.tests() for c in test.conditions() if c.field.name == "ctstate")


def _mentions_state(rule: Rule) -> bool:
    return any(True for _ in _states(rule))


def _wants_established(rule: Rule) -> bool:
    return any(
        isinstance(c.given.value, StateSet)
        and not c.given.negated
        and CtState.ESTABLISHED in c.given.value.states
        for c in _states(rule)
    )
