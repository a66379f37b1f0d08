"""Rules told in plain English, with what looks like a mistake pointed out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iptlab.errors import IptlabError
from iptlab.matches.unmodelled import ForeignMatch, HiddenMatch, Kept, Unanswered, UnreadMatch
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.context import CtState
from iptlab.netfilter.extension import Condition, Match
from iptlab.netfilter.hooks import Hook, hooks_of
from iptlab.netfilter.rules import Chain, Jump, Rule, Table
from iptlab.netfilter.values import StateSet
from iptlab.ruleset import Ruleset
from iptlab.targets.unmodelled import (
    AbsentChain,
    ForeignTarget,
    HiddenTarget,
    KeptTarget,
    UnreadTarget,
)

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
    if chain and not pages:
        raise IptlabError(f"no table here has a chain `{chain}'")
    if rules.notes and not chain:
        pages.append("\n".join(["Notes", *(f"  {note}" for note in rules.notes)]))
    return "\n\n".join(pages) or "No tables, so no rules: nothing happens to any packet."


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
    places = [f"{other} {number}" for other, number, _ in _calls(table, chain)]
    if not places:
        return "nobody jumps here"
    more = f" and {len(places) - 8} more" if len(places) > 8 else ""
    return f"called from {', '.join(places[:8])}{more}"


def _calls(table: Table, chain: Chain) -> list[tuple[str, int, Rule]]:
    """The rules that jump to a chain: each one's chain, number and itself."""
    return [
        (other.name, number, rule)
        for other in table.ordered()
        for number, rule in enumerate(other.rules, start=1)
        if isinstance(rule.target, Jump) and rule.target.chain == chain.name
    ]


def _ending(chain: Chain) -> str:
    if chain.policy is None:
        return "End: every other packet goes back to where the chain was called from."
    every = "Every packet" if not chain.rules else "Every packet that gets here"
    return f"Policy: {every} {_POLICY[chain.policy]}."


def remarks(table: Table, chain: Chain) -> Iterator[Remark]:
    """What looks like a mistake in a chain; nothing here is an error to the kernel."""
    calls = _calls(table, chain)
    yield from _shadowed(table, chain)
    if len(calls) == 1:
        yield from _shadowed_by_caller(table, chain, *calls[0])
    yield from _drop_before_established(chain)
    for number, rule in enumerate(chain.rules, start=1):
        for text in _oddities(table, rule):
            yield Remark(chain.name, (number,), f"rule {number} {text}")
    if chain.policy is None and not calls:
        text = f"no rule jumps to {chain.name}, so no packet gets here."
        if (hook := Hook.named(chain.name.upper())) in hooks_of(table.name):
            text += f" Did you mean {hook}? The names of built-in chains are upper case."
        yield Remark(chain.name, (), text)


def _oddities(table: Table, rule: Rule) -> Iterator[str]:
    """What looks odd about one rule by itself."""
    for extension in rule.extensions():
        if isinstance(extension, UnreadMatch | UnreadTarget):
            yield f"has `{extension}', which iptables refuses: {extension.cause}."
        elif isinstance(extension, AbsentChain):
            yield f"jumps to {extension.chain}: this text has no such chain, nor is it a target."
        elif isinstance(extension, Jump):
            if not table.chains[extension.chain].rules and not extension.goto:
                yield f"jumps to {extension.chain}, where there are no rules: nothing comes of it."
        elif isinstance(extension, HiddenMatch | HiddenTarget):
            yield f"has `{extension}': nobody said what that stands for."
        elif isinstance(extension, ForeignMatch | ForeignTarget):
            yield f"has `{extension}', of {extension.origin}: iptlab cannot tell what comes of it."
        elif isinstance(extension, Unanswered):
            yield f"asks what iptlab cannot tell: {extension.reason}."
    if rule.target is None and _asks(rule):
        yield "has no -j: it counts packets and does nothing else."


def _shadowed(table: Table, chain: Chain) -> Iterator[Remark]:
    """Rules that an earlier final rule leaves no packet for."""
    finals: list[tuple[int, Rule]] = []
    for number, rule in enumerate(chain.rules, start=1):
        earlier = next((n for n, final in finals if covers(final, rule)), 0)
        if earlier:
            text = f"rule {number} is never reached: rule {earlier} takes all its packets."
            yield Remark(chain.name, (earlier, number), text)
        elif _is_final(table, rule):
            finals.append((number, rule))


def _shadowed_by_caller(
    table: Table, chain: Chain, caller: str, at: int, call: Rule
) -> Iterator[Remark]:
    """Rules of a chain with one caller, whose packets that one's chain has taken before."""
    before = list(enumerate(table.chains[caller].rules[: at - 1], start=1))
    finals = [(number, rule) for number, rule in before if _is_final(table, rule)]
    if any(covers(final, call) for _, final in finals):
        return  # that is said where the caller is
    for number, rule in enumerate(chain.rules, start=1):
        earlier = next((n for n, final in finals if covers(final, call, rule)), 0)
        if earlier:
            text = (
                f"rule {number} is never reached: rule {earlier} of {caller} takes all its "
                f"packets before rule {at} there sends any here."
            )
            yield Remark(chain.name, (number,), text)
        elif _exclude(call, rule):
            text = (
                f"rule {number} never matches: rule {at} of {caller}, the only way here, "
                "sends other packets."
            )
            yield Remark(chain.name, (number,), text)


def _is_final(table: Table, rule: Rule, seen: tuple[str, ...] = ()) -> bool:
    """Whether no packet that the rule matches goes on to the next one."""
    target = rule.target
    if not isinstance(target, Jump):
        return target is not None and target.name in _FINAL
    return target.goto or _takes_all(table, target.chain, seen)


def _takes_all(table: Table, name: str, seen: tuple[str, ...]) -> bool:
    """Whether no packet comes back from a chain."""
    if name in seen:
        return False
    for rule in table.chains[name].rules:
        if rule.target is not None and (rule.target.name == "RETURN" or not _is_sure(rule)):
            return False
        if not _tests(rule) and _is_final(table, rule, (*seen, name)):
            return True
    return False


def _asks(rule: Rule) -> bool:
    """Whether the rule asks something, and only that."""
    readable = not any(isinstance(match, Kept) for match in rule.matches)
    return readable and not rule.remembers and bool(_tests(rule))


def _is_sure(rule: Rule) -> bool:
    """Whether it is known what the rule's target does."""
    return not isinstance(rule.target, KeptTarget | AbsentChain) and not (
        isinstance(rule.target, Jump) and rule.target.goto
    )


def _tests(*rules: Rule) -> list[Match]:
    """What rules ask of a packet, without what is no question."""
    return [test for rule in rules for test in rule.tests() if test.conditions() or test.explain()]


def covers(wide: Rule, *narrow: Rule) -> bool:
    """Whether every packet that all of ``narrow`` match is surely matched by ``wide`` too.

    >>> from iptlab.syntax.grammar import Place
    >>> from iptlab.syntax.rule import read_command
    >>> from iptlab.syntax.tokens import restore_words
    >>> def rule(text):
    ...     return read_command(restore_words(text), Place(1, text), 4).rules[0]
    >>> covers(rule("-A X -s 10.0.0.0/8"), rule("-A X -s 10.1.0.0/16 -p tcp"))
    True
    """
    tests = _tests(wide)
    if any(not test.conditions() for test in tests):
        return False  # a limit or a probability lets some packets pass
    given = [condition for test in _tests(*narrow) for condition in test.conditions()]
    asked = [condition for test in tests for condition in test.conditions()]
    return all(any(_implies(one, other) for one in given) for other in asked)


def _exclude(call: Rule, rule: Rule) -> bool:
    """Whether two rules surely have no packet in common: they name two protocols."""
    one, other = call.header.named_protocol, rule.header.named_protocol
    return bool(one and other and one != other)


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
