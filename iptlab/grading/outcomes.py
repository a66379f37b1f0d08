"""What is known of a packet on its way, and what may become of it in the end."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from iptlab.grading.scope import Aspect
from iptlab.grading.ways import Way
from iptlab.netfilter.actions import Translate
from iptlab.netfilter.context import CtState

ONES = 0xFFFFFFFF


def drawn(first: int, last: int) -> int:
    """What stands for a port that the kernel draws by lot from a range: a negative number."""
    return -1 - (first << 16 | last)


DRAWN = drawn(0, 0)  # from whatever is usual


class Bits(NamedTuple):
    """A number that lost the bits of ``clear`` and then had those of ``xor`` turned over."""

    clear: int = 0
    xor: int = 0

    def applied(self, number: int) -> int:
        """What becomes of a number."""
        return number & ~self.clear ^ self.xor

    def then(self, later: Bits) -> Bits:
        """Both changes, one after the other."""
        return Bits(self.clear | later.clear, later.applied(self.xor))


class Hops(NamedTuple):
    """A time to live to which ``add`` was added, but never below ``low`` or above ``high``."""

    add: int = 0
    low: int = 0
    high: int = 255

    def applied(self, number: int) -> int:
        """What becomes of a time to live."""
        return min(self.high, max(self.low, number + self.add))

    def then(self, later: Hops) -> Hops:
        """Both changes, one after the other."""
        return Hops(self.add + later.add, later.applied(self.low), later.applied(self.high))


class Beside(NamedTuple):
    """What rules changed besides addresses, ports and the mark.

    ``connmark`` None is the connection's own. Segments are no larger than ``mss`` (None: no
    limit) and, if ``path``, than the path can carry.
    """

    tos: Bits = Bits()
    ttl: Hops = Hops()
    connmark: int | None = None
    mss: int | None = None
    path: bool = False
    traffic_class: str = ""

    def known(self, axis: str) -> int | None:
        """A field's value if it is the same for all packets; None if it depends on theirs."""
        match axis:
            case "tos":
                return self.tos.xor if self.tos.clear == _BYTE else None
            case "ttl":
                return self.ttl.low if self.ttl.low == self.ttl.high else None
            case _:
                return self.connmark


_BYTE = 0xFF
UNCHANGED = Beside()


class View(StrEnum):
    """Which packet of a connection rules are asked about, in terms of the first one."""

    FIRST = "the first packet"
    REPLY = "its reply"
    LATER = "the next packet"

    def at(self, axis: str) -> str:
        """The field of the first packet that a field of this one comes from."""
        return _OTHER_END.get(axis, axis) if self is View.REPLY else axis


_OTHER_END = {"src": "dst", "dst": "src", "sport": "dport", "dport": "sport"}


class Turn(NamedTuple):
    """A later packet of a connection: what is known of it, and what tracking writes into it.

    ``early`` are a new destination and its port, ``late`` a source and its port; None is the
    packet's own. Unless tracking saw that the first packet was ``answered``, the state may be any.
    """

    fields: tuple[tuple[str, int], ...]
    early: tuple[int | None, int | None]
    late: tuple[int | None, int | None]
    answered: bool = True

    def known(self, axis: str) -> int | None:
        """A field's value if it is the same for all such packets."""
        return next((value for name, value in self.fields if name == axis), None)


class State(NamedTuple):
    """What is known of a packet at a place on its way; None is the packet's own.

    Its mark is the one it came with, without the bits of ``clear`` and with those of ``xor``
    turned over. ``translated`` holds SNAT and DNAT once they have happened; ``asked`` is what
    a nat rule wants where nothing is translated. ``logged`` are the prefixes that LOG wrote about
    it, or an empty one if prefixes do not count.
    """

    clear: int = ONES
    xor: int = 0
    src: int | None = None
    dst: int | None = None
    sport: int | None = None
    dport: int | None = None
    in_interface: str | None = None
    out_interface: str | None = ""
    ctstate: CtState | None = None
    tracked: bool = False
    translated: frozenset[CtState] = frozenset()
    way: Way | None = None
    asked: Translate | None = None
    beside: Beside = UNCHANGED
    turn: Turn | None = None
    logged: frozenset[str] = frozenset()

    def known(self, axis: str) -> int | str | None:
        """A field's value where it no longer depends on the packet; None if it does."""
        match axis:
            case "mark":
                return self.xor if self.clear == ONES else None
            case "tos" | "ttl" | "connmark":
                return self.beside.known(axis)
            case "flags" | "icmp" | "length":
                return self.turn.known(axis) if self.turn else None
        known: int | str | None = self[SLOT[axis]]  # type: ignore[assignment]
        return known

    def applied(self, axis: str, thing: int | str) -> int | str:
        """A field's value now, of a packet that came with ``thing`` in it."""
        match axis:
            case "mark":
                return int(thing) & ~self.clear ^ self.xor
            case "tos":
                return self.beside.tos.applied(int(thing))
            case "ttl":
                return self.beside.ttl.applied(int(thing))
        return thing

    def changes(self, axis: str) -> object:
        """What was done to a field; None is nothing."""
        match axis:
            case "mark":
                return (self.clear, self.xor) if self.clear or self.xor else None
            case "tos":
                return self.beside.tos if self.beside.tos != Bits() else None
            case "ttl":
                return self.beside.ttl if self.beside.ttl != Hops() else None
        return None


SLOT = {name: at for at, name in enumerate(State._fields)}


class Outcome(NamedTuple):
    """What becomes of a packet, as far as it counts; None is: as it was.

    The mark is given like that of a State.
    """

    verdict: str
    reply: str = ""
    interface: str = ""
    src: int | None = None
    dst: int | None = None
    sport: int | None = None
    dport: int | None = None
    clear: int = 0
    xor: int = 0
    asked: Translate | None = None
    beside: Beside = UNCHANGED
    untracked: bool = False
    logged: frozenset[str] = frozenset()

    def applied(self, axis: str, thing: int) -> Outcome:
        """The outcome for packets that came with ``thing`` in a field."""
        match axis:
            case "mark":
                return self._replace(clear=0, xor=thing & ~self.clear ^ self.xor)
            case "tos":
                tos = Bits(_BYTE, self.beside.tos.applied(thing))
                return self._replace(beside=self.beside._replace(tos=tos))
            case _:
                left = self.beside.ttl.applied(thing)
                return self._replace(beside=self.beside._replace(ttl=Hops(0, left, left)))


DROPPED = Outcome("DROP")
# how likely outcomes are
Chances = Mapping[Outcome, int]


def counted(outcome: Outcome, aspects: frozenset[Aspect]) -> Outcome:
    """The outcome without what does not count."""
    if outcome.verdict == "REJECT" and Aspect.REJECTION not in aspects:
        return DROPPED._replace(logged=outcome.logged)
    if Aspect.INTERFACE not in aspects:
        outcome = outcome._replace(interface="")
    if Aspect.REWRITING not in aspects:
        outcome = outcome._replace(src=None, dst=None, sport=None, dport=None, asked=None)
        beside = outcome.beside._replace(tos=Bits(), ttl=Hops(), mss=None, path=False)
        outcome = outcome._replace(beside=beside)
    if Aspect.MARK not in aspects:
        beside = outcome.beside._replace(connmark=None, traffic_class="")
        outcome = outcome._replace(clear=0, xor=0, beside=beside)
    return outcome
