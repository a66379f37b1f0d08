"""``-m rateest``: how fast packets come, as the estimators of ``-j RATEEST`` measure it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.matches.unmodelled import Unanswered
from iptlab.netfilter.extension import NO_SUCH, Refused, option, register_match
from iptlab.netfilter.values import EstimatorName, Flag, Given, Value, read_integer
from iptlab.packet import Family

# the units of a rate in bits a second, by their names in lower case
_UNITS = {"bit": 1, "bps": 8} | {
    f"{letter}{binary}{noun}": scale * (1024 if binary else 1000) ** power
    for power, letter in enumerate("kmgt", start=1)
    for binary in ("", "i")
    for noun, scale in (("bit", 1), ("bps", 8))
}
_RATE = re.compile(r"\s*\+?(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)(\D*)", re.ASCII).fullmatch
_COMPARISONS = ("lt", "gt", "eq")


@dataclass(frozen=True, slots=True)
class Bytes(Value):
    """A rate in bytes a second; without one it is 0."""

    number: int
    arity: ClassVar[int] = 0
    optional: ClassVar[bool] = True

    @classmethod
    def parse(cls, text: str, family: Family) -> Bytes:
        """``8kbit``, ``1.5MBps``, or a number of bits; 32 bits of the bytes count."""
        found = _RATE(text or "0")
        unit = (_UNITS | {"": 1}).get(found[2].lower()) if found else None
        if found is None or unit is None:
            raise BadValueError(
                f"rateest: could not parse rate `{text}'", "Write for example 100kbit or 2MBps."
            )
        return cls(int(float(found[1]) * unit / 8) & 0xFFFFFFFF)

    def __str__(self) -> str:
        bits = self.number * 8
        if bits >= 1_000_000_000:
            return f"{bits / 1_000_000:.0f}Mbit"
        return f"{bits / 1000:.0f}Kbit" if bits >= 1_000_000 else f"{bits}bit"


@dataclass(frozen=True, slots=True)
class Packets(Value):
    """A rate in packets a second; without one it is 0."""

    number: int
    arity: ClassVar[int] = 0
    optional: ClassVar[bool] = True

    @classmethod
    def parse(cls, text: str, family: Family) -> Packets:
        """A number."""
        number = read_integer(text or "0")
        if number is None or number > 0xFFFFFFFF:
            raise BadValueError(f"rateest: could not parse pps `{text}'", "Write a number.")
        return cls(number)

    def __str__(self) -> str:
        return str(self.number)


def _once(name: str) -> str:
    return f"rateest: can't specify {name} twice"


@register_match("rateest")
@dataclass(frozen=True)
class Rateest(Unanswered):
    """``-m rateest --rateest NAME [!] --rateest-lt --rateest-bps RATE``, or of two estimators.

    Of ``--rateest-lt``, ``-gt`` and ``-eq`` the last counts, turned round if any of them was.

    Kernel: net/netfilter/xt_rateest.c; source: extensions/libxt_rateest.c

    Simplified: nothing is measured, so nobody can tell.
    """

    reason = "how fast packets come is not measured"

    delta: Flag | None = option("--rateest-delta", Flag, twice=_once("--rateest-delta"))
    first: EstimatorName | None = option(
        "--rateest1", EstimatorName, also=("--rateest",), twice=_once("--rateest1")
    )
    bytes1: Bytes | None = option("--rateest-bps1", Bytes, twice=_once("--rateest-bps1"))
    bytes2: Bytes | None = option(
        "--rateest-bps2", Bytes, also=("--rateest-bps",), twice=_once("--rateest-bps2")
    )
    packets1: Packets | None = option("--rateest-pps1", Packets, twice=_once("--rateest-pps1"))
    packets2: Packets | None = option(
        "--rateest-pps2", Packets, also=("--rateest-pps",), twice=_once("--rateest-pps2")
    )
    lt: Given[Flag] | None = option("--rateest-lt", Flag, negatable=True, twice=_once("lt/gt/eq"))
    gt: Given[Flag] | None = option("--rateest-gt", Flag, negatable=True, twice=_once("lt/gt/eq"))
    eq: Given[Flag] | None = option("--rateest-eq", Flag, negatable=True, twice=_once("lt/gt/eq"))
    second: EstimatorName | None = option("--rateest2", EstimatorName, twice=_once("--rateest2"))

    @classmethod
    def settled(cls, values: dict[str, object]) -> dict[str, object]:
        asked = {name: given for name, given in values.items() if name in _COMPARISONS}
        turned = any(isinstance(given, Given) and given.negated for given in asked.values())
        kept = {name: value for name, value in values.items() if name not in asked}
        return kept | {name: Given(Flag(), turned) for name in [*asked][-1:]}

    def _comparison(self) -> tuple[str, bool]:
        """Which of the three it is, and whether it is turned round."""
        given = next((name, getattr(self, name)) for name in _COMPARISONS if getattr(self, name))
        return given[0], given[1].negated

    def kernel_refusal(self) -> Refused | None:
        """What the kernel refuses, but for names that no estimator has.

        Kernel: net/netfilter/xt_rateest.c (xt_rateest_mt_checkentry)
        """
        if not any((self.lt, self.gt, self.eq)):
            return Refused("rateest has nothing to compare by", "Write --rateest-lt or -gt.")
        if not any((self.bytes1, self.bytes2, self.packets1, self.packets2)):
            return Refused("rateest has no rate to compare", "Write --rateest-bps and a rate.")
        if self.first is None:
            return Refused("rateest has no estimator to ask", "Write --rateest NAME.", NO_SUCH)
        return None

    def option_words(self) -> tuple[str, ...]:
        name, turned = self._comparison()
        mode = f"{'! ' * turned}--rateest-{name}"
        words = ["--rateest-delta"] * bool(self.delta)
        words.append(f"--rateest{'1' * bool(self.second)} {self.first}")
        for unit, low, high in self._rates():
            if self.delta:
                words += [f"--rateest-{unit}1 {low}", mode, f"--rateest-{unit}2 {high}"]
            else:
                words += [mode, f"--rateest-{unit}{f' {high}' * (not self.second)}"]
        words += [f"--rateest2 {self.second}"] * bool(self.second)
        return tuple(words)

    def _rates(self) -> Iterator[tuple[str, Value, Value]]:
        """The units that are compared, each with the rates of the first and the second."""
        if self.bytes1 or self.bytes2:
            yield "bps", self.bytes1 or Bytes(0), self.bytes2 or Bytes(0)
        if self.packets1 or self.packets2:
            yield "pps", self.packets1 or Packets(0), self.packets2 or Packets(0)

    def listed(self, *, numeric: bool) -> str:
        name, turned = self._comparison()
        mode = f"{'! ' * turned}{name}"
        words = [f"rateest match {self.first}", *["delta"] * bool(self.delta)]
        rates = [
            (unit, *(str(v.number if numeric and isinstance(v, Bytes) else v) for v in pair))
            for unit, *pair in self._rates()
        ]
        for unit, low, high in rates:
            words += [unit, *[low] * bool(self.delta)]
            if not self.second:
                words += [high, mode] if unit == "bps" else [mode, high]
        if self.second:
            words += [mode, str(self.second)]
            for unit, _, high in rates:
                words += [unit, *[high] * bool(self.delta)]
        return " ".join(words)
