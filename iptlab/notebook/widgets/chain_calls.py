"""Who jumps to whom among the chains of some tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from iptlab.netfilter.rules import Chain, Jump
from iptlab.notebook.widgets.chains import Section, comment_of, short


class Call(NamedTuple):
    """The rules of one chain that jump, or go, to another one."""

    caller: str
    callee: str
    goto: bool
    numbers: tuple[int, ...]


def called(section: Section) -> str:
    """A chain's name behind that of its table."""
    return f"{section.table} {section.chain.name}".strip()


def length(chain: Chain) -> str:
    """How many rules a chain has, and a built-in one's policy."""
    rules = "1 rule" if len(chain.rules) == 1 else f"{len(chain.rules):,} rules"
    return f"{rules}, policy {chain.policy}" if chain.policy else rules


def below(sections: Sequence[Section]) -> dict[str, str]:
    """What stands below each chain's name: its size, or for whom kube-proxy made it.

    That is in the comment of the first rule that jumps there: a Service's port, or an endpoint.
    """
    said = {called(one): length(one.chain) for one in sections}
    for section in reversed(sections):
        for rule in reversed(section.chain.rules):
            chain = rule.target.chain if isinstance(rule.target, Jump) else ""
            if short(chain) != chain and (comment := comment_of(rule)):
                said[f"{section.table} {chain}".strip()] = comment.rpartition(" -> ")[2]
    return said


def calls(sections: Sequence[Section]) -> tuple[Call, ...]:
    """All jumps and gotos between the chains, in the order of the rules."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    for section in sections:
        for number, rule in enumerate(section.chain.rules, start=1):
            if isinstance(rule.target, Jump):
                callee = f"{section.table} {rule.target.chain}".strip()
                key = (called(section), callee, rule.target.goto)
                found.setdefault(key, []).append(number)
    return tuple(Call(*key, tuple(numbers)) for key, numbers in found.items())


def worth_drawing(
    sections: Sequence[Section], every: Sequence[Call], around: str, most: int
) -> list[Section]:
    """The chains to draw: with ``around`` those that lead there and from there, else all.

    Chains without rules to which nobody jumps are left out. If there are too many, those that
    most jumps away from the kernel are left out.
    """
    known = {called(one): one for one in sections}
    down, up = neighbours(every), neighbours(Call(c.callee, c.caller, c.goto, ()) for c in every)
    if around:
        names = [around, *_reached([around], down), *_reached([around], up)]
    else:
        built_in = [name for name, one in known.items() if one.chain.policy]
        names = [*built_in, *_reached(built_in, down), *known]
    full = (name for name in dict.fromkeys(names) if name in known)
    drawn = [name for name in full if known[name].chain.rules or name in up][:most]
    return [one for name, one in known.items() if name in set(drawn)]


def neighbours(every: Iterable[Call]) -> dict[str, list[str]]:
    """By caller, those that it calls."""
    found: dict[str, list[str]] = {}
    for one in every:
        found.setdefault(one.caller, []).append(one.callee)
    return found


def _reached(names: Iterable[str], down: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What can be reached, the nearest first."""
    seen, waiting = set(names), list(names)
    while waiting:
        here = waiting.pop(0)
        for name in down.get(here, ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
                yield name
