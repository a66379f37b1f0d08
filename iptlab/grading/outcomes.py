"""What is known of a packet on its way, and what may become of it in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from iptlab.grading.scope import Aspect
from iptlab.grading.ways import Way
from iptlab.netfilter.actions import Translate
from iptlab.netfilter.context import CtState

ONES = 0xFFFFFFFF
DRAWN = -1  # a port that the kernel draws by lot


class State(NamedTuple):
    """What is known of a packet at a place on its way; None is the packet's own.

    Its mark is the one it came with, without the bits of ``clear`` and with those of ``xor``
    turned over. ``translated`` holds SNAT and DNAT once they have happened; ``asked`` is what
    a nat rule wants where nothing is translated.
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


DROPPED = Outcome("DROP")
# how likely outcomes are
Chances = Mapping[Outcome, int]


def counted(outcome: Outcome, aspects: frozenset[Aspect]) -> Outcome:
    """The outcome without what does not count."""
    if outcome.verdict == "REJECT" and Aspect.REJECTION not in aspects:
        return DROPPED
    if Aspect.INTERFACE not in aspects:
        outcome = outcome._replace(interface="")
    if Aspect.REWRITING not in aspects:
        outcome = outcome._replace(src=None, dst=None, sport=None, dport=None, asked=None)
    if Aspect.MARK not in aspects:
        outcome = outcome._replace(clear=0, xor=0)
    return outcome
