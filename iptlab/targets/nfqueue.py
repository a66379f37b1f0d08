"""``-j NFQUEUE``: hand the packet to a program of your own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Match, Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Integer, Value, read_range
from iptlab.packet import Family, Packet


class QueueNumber(Integer):
    """The number of a queue."""

    most = 65535


@dataclass(frozen=True, slots=True)
class Queues(Value):
    """Several queues that share the packets: ``0:3``."""

    low: int
    high: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Queues:
        """Two numbers with a colon; a missing one is the least or greatest."""
        numbers = read_range(text, 65535)
        if len(numbers) < 2:
            raise BadValueError(f'Bad range "{text}"', _SHAPE)
        if numbers[0] >= numbers[1]:
            raise BadValueError(f"{numbers[0]} should be less than {numbers[1]}", _SHAPE)
        return cls(*numbers)

    def __str__(self) -> str:
        return f"{self.low}:{self.high}"


_SHAPE = "Write the first and the last queue: 0:3."


@register_target("NFQUEUE")
@dataclass(frozen=True)
class Nfqueue(Target):
    """``-j NFQUEUE [--queue-num N | --queue-balance N:N] [--queue-bypass]``.

    Where no program listens to the queue the packet is dropped; with ``--queue-bypass`` it
    is accepted by this table instead.

    Kernel: net/netfilter/xt_NFQUEUE.c
    """

    number: QueueNumber | None = option("--queue-num", QueueNumber)
    balance: Queues | None = option("--queue-balance", Queues)
    bypass: Flag | None = option("--queue-bypass", Flag)
    cpu_fanout: Flag | None = option("--queue-cpu-fanout", Flag)

    def __post_init__(self) -> None:
        """Check what goes together; without a word about queues it is number 0."""
        self.exclude("--queue-num", "--queue-balance")
        self.need("--queue-cpu-fanout", "--queue-balance")
        if not self.balance and not self.number:
            object.__setattr__(self, "number", QueueNumber(0))

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if self.balance and self.balance.high - self.balance.low == 65535:
            return Refused("NFQUEUE takes at most 65535 queues", "Write 0:65534.")
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell(f"a program decides about packets in {self._queues()}"))

    def _queues(self) -> str:
        if self.balance:
            return f"queues {self.balance.low} to {self.balance.high}"
        return f"queue {self.number}"

    def explain(self) -> str:
        return f"is handed to a program through {self._queues()}, and the program decides"

    def listed(self, *, numeric: bool) -> str:
        which = f"balance {self.balance}" if self.balance else f"num {self.number}"
        return " ".join(("NFQUEUE", which, *(flag[6:] for flag in self.flags())))
