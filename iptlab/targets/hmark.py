"""``-j HMARK``: a mark computed from the packet's addresses and ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Match, Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.networks import Network, prefix_length
from iptlab.netfilter.values import Integer, Value
from iptlab.packet import Family, Packet


@dataclass(frozen=True, slots=True)
class Prefix(Value):
    """How many leading bits of an address count."""

    length: int
    family: Family

    @classmethod
    def parse(cls, text: str, family: Family) -> Prefix:
        """A prefix length or a mask; for IPv4 a lone number above 32 counts as 32."""
        if family is Family.IPV4 and text.isdecimal() and 32 < int(text) <= 255:
            return cls(32, family)
        everything = "0.0.0.0" if family is Family.IPV4 else "::"
        try:
            mask = Network.parse(f"{everything}/{text}", family).mask
        except BadValueError as bad:
            raise BadValueError(
                "bad value for option, neither a valid network mask nor valid CIDR "
                f"(0-{family.bits}).",
                bad.cure,
            ) from None
        length = prefix_length(mask, family)
        return cls(family.bits if length is None else length, family)

    def __str__(self) -> str:
        return str(self.length)

    def listed(self) -> str:
        """The length as ``iptables -L`` prints it; ip6tables leaves out 128."""
        return "" if self.length == 128 else str(self.length)


class Hex4(Integer):
    """16 bits, printed with four digits."""

    most = 0xFFFF

    def __str__(self) -> str:
        return f"{self.number:#06x}"


class Hex2(Hex4):
    """16 bits, printed with at least two digits."""

    def __str__(self) -> str:
        return f"{self.number:#04x}"


class Hex8(Integer):
    """32 bits, printed with eight digits."""

    def __str__(self) -> str:
        return f"{self.number:#010x}"


class Modulus(Integer):
    """How many different marks there are."""

    least = 1


@dataclass(frozen=True, slots=True)
class Parts(Value):
    """Which parts of the packet go into the mark: short for several other options."""

    names: frozenset[str]
    family: Family

    @classmethod
    def parse(cls, text: str, family: Family) -> Parts:
        """Names joined by commas."""
        names = text.lower().split(",")
        if not names[-1]:
            raise BadValueError(
                '"--hmark-tuple" requires a list of types with no spaces, '
                "e.g. src,dst,sport,dport,proto",
                "Join the types by commas.",
            )
        for name in names:
            if name not in _WHOLE and name != "ct":
                word = text.split(",")[names.index(name)]
                raise BadValueError(
                    f'Bad type "{word}"', f"The types are {', '.join((*_WHOLE, 'ct'))}."
                )
        return cls(frozenset(names), family)

    def __str__(self) -> str:
        return ",".join(sorted(self.names))


# what a word of --hmark-tuple stands for: field of Hmark and its value
_WHOLE: dict[str, tuple[str, Value | None]] = {
    "src": ("src_prefix", None),
    "dst": ("dst_prefix", None),
    "sport": ("sport_mask", Hex4(0xFFFF)),
    "dport": ("dport_mask", Hex4(0xFFFF)),
    "spi": ("spi_mask", Hex8(0xFFFFFFFF)),
    "proto": ("proto_mask", Hex2(0xFFFF)),
}


@register_target("HMARK")
@dataclass(frozen=True)
class Hmark(Target):
    """``-j HMARK --hmark-tuple PARTS --hmark-mod N --hmark-rnd SEED [--hmark-offset N]``.

    Packets of one flow get the same mark, so that routes or queues can share the load.

    Kernel: net/netfilter/xt_HMARK.c
    """

    src_prefix: Prefix | None = option("--hmark-src-prefix", Prefix)
    dst_prefix: Prefix | None = option("--hmark-dst-prefix", Prefix)
    sport_mask: Hex4 | None = option("--hmark-sport-mask", Hex4)
    dport_mask: Hex4 | None = option("--hmark-dport-mask", Hex4)
    spi_mask: Hex8 | None = option("--hmark-spi-mask", Hex8)
    sport: Hex4 | None = option("--hmark-sport", Hex4)
    dport: Hex4 | None = option("--hmark-dport", Hex4)
    spi: Hex8 | None = option("--hmark-spi", Hex8)
    proto_mask: Hex2 | None = option("--hmark-proto-mask", Hex2)
    rnd: Hex8 | None = option("--hmark-rnd", Hex8)
    mod: Modulus | None = option("--hmark-mod", Modulus)
    offset: Integer | None = option("--hmark-offset", Integer)
    parts: Parts | None = option("--hmark-tuple", Parts)

    def __post_init__(self) -> None:
        """Check what is there, and write ``--hmark-tuple`` out as what it stands for."""
        if self.parts:
            self._write_out(self.parts)
        if not self.mod:
            raise BadValueError("--hmark-mod is mandatory", "Write how many marks there are.")
        if not self.rnd:
            raise BadValueError("--hmark-rnd is mandatory", "Write any number, always the same.")
        if self.spi_mask and (self.sport_mask or self.dport_mask):
            raise BadValueError(
                "you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time",
                "A packet has either ports or a security parameter index.",
            )
        if len(list(self.given())) - bool(self.offset) == 2:
            raise BadValueError(
                "you have to specify --hmark-tuple at least",
                "Write for example --hmark-tuple src,dst.",
            )

    def _write_out(self, parts: Parts) -> None:
        for name in parts.names - {"ct"}:
            field_name, whole = _WHOLE[name]
            if getattr(self, field_name) not in (None, whole or self._all_bits(parts)):
                options = dict(self.options())
                raise BadValueError(
                    f'HMARK: option "{options[field_name].name}" can only be used once.',
                    f"Leave {name} out of --hmark-tuple.",
                )
            object.__setattr__(self, field_name, whole or self._all_bits(parts))
        ct = Parts(frozenset({"ct"}), parts.family) if "ct" in parts.names else None
        object.__setattr__(self, "parts", ct)

    @staticmethod
    def _all_bits(parts: Parts) -> Prefix:
        return Prefix(parts.family.bits, parts.family)

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if self.spi and (self.sport or self.dport):
            return Refused(
                "a packet has either ports or a security parameter index",
                "Leave --hmark-spi out, or the ports.",
            )
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell("the marks of HMARK are not computed"))

    def explain(self) -> str:
        return f"gets one of {self.mod} marks, by a hash of its addresses, and goes on"

    def listed(self, *, numeric: bool) -> str:
        words = ["HMARK", "mod", str(self.mod)]
        if self.offset:
            words.append(f"+ {self.offset.number:#x}")
        if self.parts:
            words.append("ct,")
        for declared, given in self.given():
            name = declared.name.removeprefix("--hmark-")
            match given.value:
                case Prefix() as prefix:
                    words.append(f"{name} {prefix.listed()}")
                case Hex4() | Hex8() as number:
                    words.append(f"{name} {number.number:#x}")
        return " ".join((*words, ""))
