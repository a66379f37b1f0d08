"""``-m rt``: IPv6's routing header."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from iptlab.errors import BadValueError
from iptlab.matches.frag import AbsentHeader, absent
from iptlab.matches.ports import listed_range, saved_options
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.networks import written
from iptlab.netfilter.values import Flag, Given, Integer, NumberRange, Value
from iptlab.packet import Family

HEADER = absent("routing header")
_TYPE_0 = "`--rt-type 0' required before `{}'"


@dataclass(frozen=True, slots=True)
class Addresses(Value):
    """Up to sixteen addresses."""

    addresses: tuple[IPv6Address, ...]

    @classmethod
    def parse(cls, text: str, family: Family) -> Addresses:
        """Addresses joined by commas."""
        return cls(tuple(cls._address(part) for part in text.split(",")))

    @staticmethod
    def _address(text: str) -> IPv6Address:
        try:
            return IPv6Address(text)
        except ValueError:
            cure = "Write IPv6 addresses with commas between them."
            raise BadValueError(f"bad address: {text}", cure) from None

    def __str__(self) -> str:
        return ",".join(map(written, self.addresses))


@register_match("rt")
@dataclass(frozen=True)
class Rt(AbsentHeader):
    """``-m rt [!] --rt-type TYPE [!] --rt-segsleft N[:N] [!] --rt-len LENGTH ...``.

    Kernel: net/ipv6/netfilter/ip6t_rt.c

    Simplified: packets have no IPv6 extension headers here, so it never holds.
    """

    families = (Family.IPV6,)
    header = "routing header"

    type: Given[Integer] | None = option("--rt-type", Integer, negatable=True, reads=HEADER)
    segsleft: Given[NumberRange] | None = option(
        "--rt-segsleft", NumberRange, negatable=True, reads=HEADER
    )
    length: Given[Integer] | None = option("--rt-len", Integer, negatable=True, reads=HEADER)
    reserved: Flag | None = option(
        "--rt-0-res", Flag, reads=HEADER, after=("--rt-type", _TYPE_0.format("--rt-0-res"))
    )
    addresses: Addresses | None = option(
        "--rt-0-addrs",
        Addresses,
        reads=HEADER,
        after=("--rt-type", _TYPE_0.format("--rt-0-addrs")),
    )
    not_strict: Flag | None = option(
        "--rt-0-not-strict",
        Flag,
        reads=HEADER,
        after=("--rt-0-addrs", "`--rt-0-addr ...' required before `--rt-0-not-strict'"),
    )

    def __post_init__(self) -> None:
        """Refuse options of type 0 without that type."""
        type_0 = self.type == Given(Integer(0))
        for name, given in (("--rt-0-res", self.reserved), ("--rt-0-addrs", self.addresses)):
            if given and not type_0:
                raise BadValueError(_TYPE_0.format(name), "Write --rt-type 0 before it.")

    def option_words(self) -> tuple[str, ...]:
        return saved_options(self)

    def listed(self, *, numeric: bool) -> str:
        words = ["rt"]
        for word, given in (
            ("type", self.type),
            ("segsleft", self.segsleft),
            ("length", self.length),
        ):
            if given and isinstance(given.value, NumberRange):
                words.append(listed_range(word, Given(given.value, given.negated)))
            elif given:
                words.append(f"{word}:{'!' * given.negated}{given.value}")
        words += ["reserved"] * bool(self.reserved)
        words += [f"0-addrs {self.addresses}"] * bool(self.addresses)
        words += ["0-not-strict"] * bool(self.not_strict)
        return " ".join(words)
