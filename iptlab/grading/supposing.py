"""Rules in which answers are supposed that nobody can know: a match's, or NAT's choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from iptlab.errors import CannotCompare
from iptlab.netfilter.actions import Action, Side, Translate
from iptlab.netfilter.context import Answer, Context
from iptlab.netfilter.extension import Match, Target
from iptlab.packet import Packet


@dataclass(frozen=True)
class Choosing(Target):
    """A NAT target with several addresses, of which the chooser picks one.

    The kernel picks by a hash of both ends, which spreads connections just as evenly; a source
    that is one of them, it keeps.

    Kernel: net/netfilter/nf_nat_core.c (find_best_ips_proto, get_unique_tuple)
    """

    target: Target

    def act(self, packet: Packet, context: Context) -> Action:
        action = self.target.act(packet, context)
        if not isinstance(action, Translate) or keeps(action, int(packet.src), packet.sport):
            return action
        *others, last = addresses(action)
        if not others or context.choose is None:
            return action
        for left, address in zip(range(len(others) + 1, 1, -1), others, strict=True):
            if context.choose(Fraction(1, left)):
                return to_one(action, address)
        return to_one(action, last)

    def explain(self) -> str:
        return self.target.explain()

    def __str__(self) -> str:
        return str(self.target)


_MOST_ADDRESSES = 16


def addresses(wanted: Translate) -> Sequence[int]:
    """The addresses that a target chooses from, if it names several."""
    if not isinstance(wanted.addresses, tuple):
        return (0,)
    first, last = map(int, wanted.addresses)
    # a range that goes backward goes round all addresses there are
    if not 0 <= last - first < _MOST_ADDRESSES:
        reason = f"a choice among more than {_MOST_ADDRESSES} addresses is not followed"
        raise CannotCompare(f"`{wanted.note}'", reason)
    return range(first, last + 1)


def to_one(wanted: Translate, number: int) -> Translate:
    """The same with one address to choose from."""
    assert isinstance(wanted.addresses, tuple)
    address = type(wanted.addresses[0])(number)
    return replace(wanted, addresses=(address, address))


def keeps(wanted: Translate, src: int, sport: int | None) -> bool:
    """Whether a source stays as it is because it is one of those to choose from."""
    if wanted.side is not Side.SOURCE or wanted.random or wanted.random_fully:
        return False
    first, last = wanted.ports or (0, 0xFFFF)
    return src in addresses(wanted) and (sport is None or first <= sport <= last)


@dataclass(frozen=True)
class Supposed(Match):
    """A match of which somebody supposes that it holds, or that it does not."""

    match: Match
    answer: bool

    def holds(self, packet: Packet, context: Context) -> Answer:
        return self.answer

    def why_not(self, packet: Packet, context: Context) -> str:
        return f"supposing that `{self}' does not hold"

    def explain(self) -> str:
        return self.match.explain()

    def landmarks(self) -> Iterator[tuple[str, object]]:  # type: ignore[override]
        return iter(())

    def __str__(self) -> str:
        return str(self.match)
