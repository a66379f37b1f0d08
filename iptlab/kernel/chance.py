"""Which way chance went in the kernel: the simulator's outcomes that fit what was seen there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from random import Random

from iptlab.kernel.alike import Json
from iptlab.simulate.chance import Chooser
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine, Outcome

Act = Callable[[Machine, Chooser], Journey]
# from where a new port or ICMP id is taken; kernel: net/netfilter/nf_nat_core.c
_LOWEST = (0, 1, 600, 1024)


class Lot(Random):
    """Chance that falls as it is told, and counts how often it was asked for a port."""

    def __init__(self, *ports: int) -> None:
        super().__init__(0)
        self.ports = ports or (0,)
        self.asked = 0

    def __copy__(self) -> Lot:
        return Lot(*self.ports)

    def getrandbits(self, k: int, /) -> int:
        """The number from which a port is computed."""
        port = self.ports[min(self.asked, len(self.ports) - 1)]
        self.asked += 1
        return port % (1 << k)


def lowest_ports(rules: str) -> Sequence[int]:
    """The ports at which ranges begin, those of the rules too."""
    named = (int(low) for low in re.findall(r"(\d+)-\d+", rules))
    return sorted({*_LOWEST, *(low for low in named if low <= 65535)})


def outcomes(machine: Machine, act: Act, theirs: Json, lows: Sequence[int]) -> Iterator[Outcome]:
    """Everything that chance may make of a packet; ports only such as the kernel drew."""
    most = 0
    for outcome, lot in _drawn(machine, act):
        yield outcome
        most = max(most, lot.asked)
    if not most:
        return
    words = ("dport", "sport", "id", "icmp_id")
    ends = [theirs["exit"] or {}, *(entry["reply"] for entry in theirs["conntrack"])]
    seen = {one[word] for one in ends for word in words if word in one}
    offsets = sorted({port - low for port in seen for low in lows if port >= low})
    for ports in product(offsets, repeat=min(most, 2)):
        yield from (outcome for outcome, _ in _drawn(machine, act, *ports))


def _drawn(machine: Machine, act: Act, *ports: int) -> Iterator[tuple[Outcome, Lot]]:
    for outcome in machine.outcomes(
        lambda copy, choose: act(copy.drawing_from(Lot(*ports)), choose)
    ):
        random = outcome.machine.random
        assert isinstance(random, Lot)
        yield outcome, random
