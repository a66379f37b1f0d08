"""``-m addrtype``: what kind of address routing takes a packet's ends for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from iptlab.errors import BadValueError
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Condition, Match, Refused, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Given, Value
from iptlab.packet import Family, Packet

# extensions/libxt_addrtype.c, in its order
TYPES = (
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
)
# IPv6 tells these from the address alone; the others it looks up
_BY_ADDRESS = frozenset({"UNSPEC", "UNICAST", "MULTICAST"})
_NOT_IN_IPV6 = frozenset({"BROADCAST", "BLACKHOLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"})


class Found(frozenset[str]):
    """The types that routing found for an address."""

    def words(self) -> str:
        """The types as a sentence says them."""
        return " and ".join(word for word in TYPES if word in self) or "no type at all"


@dataclass(frozen=True, slots=True)
class AddressTypes(Value):
    """Types of addresses: in IPv4 one of them is enough.

    In IPv6 an address must be all of UNSPEC, UNICAST and MULTICAST that are listed, and one of
    the others.

    Kernel: net/netfilter/xt_addrtype.c (match_type, match_type6)
    """

    types: frozenset[str]
    family: Family = Family.IPV4

    @classmethod
    def parse(cls, text: str, family: Family) -> AddressTypes:
        """Names, or their beginnings, joined by commas in any order and case."""
        types = set()
        for name in text.split(","):
            found = [word for word in TYPES if name and word.startswith(name.upper())]
            if not found:
                raise BadValueError(
                    f'addrtype: bad type "{name}"', f"The types are {', '.join(TYPES)}."
                )
            types.add(found[0])
        return cls(frozenset(types), family)

    def __contains__(self, item: object) -> bool:
        assert isinstance(item, frozenset)
        if self.family is Family.IPV4:
            return bool(self.types & item)
        looked_up = self.types - _BY_ADDRESS
        return self.types & _BY_ADDRESS <= item and (not looked_up or bool(looked_up & item))

    def covers(self, other: Value) -> bool:
        if self.family is Family.IPV6 or not isinstance(other, AddressTypes):
            return self == other
        return other.types <= self.types

    def __str__(self) -> str:
        return ",".join(word for word in TYPES if word in self.types)

    def words(self) -> str:
        return str(self).replace(",", " or " if self.family is Family.IPV4 else " and ")


_IN, _OUT = "in_interface", "out_interface"
_SAYS = {"src": ("comes from", "does not come from"), "dst": ("goes to", "does not go to")}
_SEEN = {"": "", _IN: " on the interface it came in by", _OUT: " on the interface it leaves by"}


def _types(end: str, interface: str) -> Field:
    """The types of the packet's ``src`` or ``dst`` as seen from one of its interfaces."""

    def look(packet: Packet, context: Context) -> object:
        if context.address_types is None:
            return CannotTell("nobody said which addresses belong to this machine")
        seen_from = getattr(context, interface) if interface else ""
        return Found(context.address_types(getattr(packet, end), seen_from))

    is_, is_not = _SAYS[end]
    address = f" an address of type {{}}{_SEEN[interface]}"
    return Field(f"{end}_type", look, is_ + address, is_not + address)


_FIELDS = {(end, seen): _types(end, seen) for end in ("src", "dst") for seen in ("", _IN, _OUT)}


@register_match("addrtype")
@dataclass(frozen=True)
class Addrtype(Match):
    """``-m addrtype [!] --src-type TYPE,TYPE [!] --dst-type TYPE [--limit-iface-in]``.

    LOCAL is an address of this machine. ``--limit-iface-in`` asks whether it belongs to the
    interface that the packet came in through.

    Kernel: net/netfilter/xt_addrtype.c
    """

    src_type: Given[AddressTypes] | None = option(
        "--src-type", AddressTypes, negatable=True, reads=_FIELDS["src", ""]
    )
    dst_type: Given[AddressTypes] | None = option(
        "--dst-type", AddressTypes, negatable=True, reads=_FIELDS["dst", ""]
    )
    limit_iface_in: Flag | None = option("--limit-iface-in", Flag)
    limit_iface_out: Flag | None = option("--limit-iface-out", Flag)

    def __post_init__(self) -> None:
        """Refuse a match that asks for no type, or from two interfaces."""
        if not (self.src_type or self.dst_type):
            raise BadValueError(
                "addrtype: you must specify --src-type or --dst-type",
                "Write the type too, for example --dst-type LOCAL.",
            )
        self.exclude("--limit-iface-in", "--limit-iface-out")

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        for limit, name, has in (
            (self.limit_iface_in, "in", "has_in_interface"),
            (self.limit_iface_out, "out", "has_out_interface"),
        ):
            if limit and (without := [hook for hook in hooks if not getattr(hook, has)]):
                return Refused(
                    f"--limit-iface-{name} does not work at {without[0]}",
                    f"A packet has no {name}going interface there; leave the option out."
                    if name == "out"
                    else "A packet has no incoming interface there; leave the option out.",
                )
        return self._not_in_ipv6()

    def _not_in_ipv6(self) -> Refused | None:
        for given in filter(None, (self.src_type, self.dst_type)):
            if given.value.family is Family.IPV6 and (bad := given.value.types & _NOT_IN_IPV6):
                return Refused(
                    f"there is no type {min(bad)} in IPv6",
                    f"The types are {', '.join(t for t in TYPES if t not in _NOT_IN_IPV6)}.",
                )
        return None

    def conditions(self) -> tuple[Condition, ...]:
        seen = _IN if self.limit_iface_in else _OUT if self.limit_iface_out else ""
        return tuple(
            Condition(replace(asked.option, reads=_FIELDS[asked.field.name[:3], seen]), asked.given)
            for asked in super().conditions()
        )

    def listed(self, *, numeric: bool) -> str:
        words = ["ADDRTYPE match"]
        for word, given in (("src-type", self.src_type), ("dst-type", self.dst_type)):
            if given:
                words.append(f"{word} {'!' * given.negated}{given.value}")
        words += ["limit-in"] * bool(self.limit_iface_in)
        words += ["limit-out"] * bool(self.limit_iface_out)
        return " ".join(words)
