"""``-m connbytes``: how much a connection has carried so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, Connection, Context
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Given, Value, read_range
from iptlab.packet import Family, Packet

MOST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Amount(Value):
    """From ``low`` up, or up to ``high``."""

    low: int
    high: int = MOST

    @classmethod
    def parse(cls, text: str, family: Family) -> Amount:
        """``10``, ``10:``, ``:20`` or ``10:20``."""
        low, *rest = read_range(text, MOST)
        high = rest[0] if rest else MOST
        if low > high:
            raise BadValueError(f"{low} should be less than {high}", f"Write {high}:{low}.")
        return cls(low, high)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and self.low <= item <= self.high

    def __str__(self) -> str:
        return str(self.low) if self.high in (0, MOST) else f"{self.low}:{self.high}"

    def words(self) -> str:
        if self.low == self.high:
            return f"exactly {self.low}"
        return f"at least {self.low}" if self.high == MOST else f"{self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class _Word(Value):
    """One of a few words."""

    word: str
    option: ClassVar[str]
    known: ClassVar[tuple[str, ...]]

    @classmethod
    def parse(cls, text: str, family: Family) -> _Word:
        if text not in cls.known:
            raise BadValueError(f"Unknown {cls.option} `{text}'", f"Write {', '.join(cls.known)}.")
        return cls(text)

    def __str__(self) -> str:
        return self.word


class Unit(_Word):
    """What is counted: packets, bytes, or the average of bytes a packet."""

    option = "--connbytes-mode"
    known = ("packets", "bytes", "avgpkt")


class Way(_Word):
    """Which packets count: those of one direction or both."""

    option = "--connbytes-dir"
    known = ("original", "reply", "both")


@register_match("connbytes")
@dataclass(frozen=True)
class Connbytes(Match):
    """``-m connbytes [!] --connbytes FROM[:TO] --connbytes-dir WAY --connbytes-mode UNIT``.

    This packet is counted already; a packet without a connection never matches.

    Kernel: net/netfilter/xt_connbytes.c
    """

    amount: Given[Amount] = option("--connbytes", Amount, negatable=True, required=True)
    way: Way = option("--connbytes-dir", Way, required=True)
    unit: Unit = option("--connbytes-mode", Unit, required=True)

    def option_words(self) -> tuple[str, ...]:
        amount, way, unit = super().option_words()
        return amount, unit, way

    def _counted(self, connection: Connection) -> int:
        first, last = {"original": (0, 1), "reply": (1, 2), "both": (0, 2)}[self.way.word]
        packets, size = sum(connection.packets[first:last]), sum(connection.bytes[first:last])
        average = size // packets if packets else 0
        return {"packets": packets, "bytes": size, "avgpkt": average}[self.unit.word]

    def holds(self, packet: Packet, context: Context) -> Answer:
        known = context.tracked
        if not isinstance(known, Connection):
            return False if known is None else known
        return self.amount.holds(lambda amount: self._counted(known) in amount)

    def why_not(self, packet: Packet, context: Context) -> str:
        known = context.tracked
        if known is None:
            return f"{self}, but this packet belongs to no tracked connection"
        if isinstance(known, Connection):
            return f"{self}, but this packet's connection has {self._counted(known)}"
        return str(known)

    def explain(self) -> str:
        unit = {"packets": "packets", "bytes": "bytes", "avgpkt": "bytes a packet"}[self.unit.word]
        of = "" if self.way.word == "both" else f" in the {self.way} direction"
        has = "does not have" if self.amount.negated else "has"
        return f"belongs to a connection that {has} {self.amount.value.words()} {unit}{of}"

    def listed(self, *, numeric: bool) -> str:
        negated = "! " * self.amount.negated
        unit, way = f"connbytes mode {self.unit}", f"connbytes direction {self.way}"
        return f"{negated}connbytes {self.amount.value} {unit} {way}"
