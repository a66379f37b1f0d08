"""``-j CT``: what connection tracking shall do with the packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue, NoTrack, SetZone
from iptlab.netfilter.context import Connection, Context, Tuple
from iptlab.netfilter.extension import NO_SUCH, Match, Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag, Text, Value, read_integer
from iptlab.packet import Family, Packet, Protocol

_TCP, _UDP = Protocol.TCP, Protocol.UDP
# the kernel's own helpers, and the protocols they are for: net/netfilter/nf_conntrack_*.c
_HELPERS = {
    "amanda": (_UDP,),
    "ftp": (_TCP,),
    "irc": (_TCP,),
    "netbios-ns": (_UDP,),
    "pptp": (_TCP,),
    "Q.931": (_TCP,),
    "RAS": (_UDP,),
    "sane": (_TCP,),
    "sip": (_TCP, _UDP),
    "snmp": (_UDP,),
    "snmp_trap": (_UDP,),
    "tftp": (_UDP,),
}


@dataclass(frozen=True, slots=True)
class Zone(Value):
    """The number of a zone; None means: the packet's mark."""

    number: int | None

    @classmethod
    def parse(cls, text: str, family: Family) -> Zone:
        """A number up to 65535, or ``mark``."""
        number = read_integer(text)
        if text.lower() != "mark" and (number is None or number > 65535):
            raise BadValueError(
                f"Cannot parse {text} as a zone ID", "Write a number up to 65535, or mark."
            )
        return cls(number)

    def __str__(self) -> str:
        return "mark" if self.number is None else str(self.number)


@dataclass(frozen=True, slots=True)
class Events(Value):
    """Which events of the connection are told to listening programs."""

    names: frozenset[str]
    known: ClassVar[tuple[str, ...]] = (
        *("new", "related", "destroy", "reply", "assured"),
        *("protoinfo", "helper", "mark", "natseqinfo", "secmark"),
    )

    @classmethod
    def parse(cls, text: str, family: Family) -> Events:
        """Names joined by commas."""
        for name in text.split(","):
            if name not in cls.known:
                raise BadValueError(
                    f'Unknown event type "{name}"', f"The events are {', '.join(cls.known)}."
                )
        return cls(frozenset(text.split(",")))

    def __str__(self) -> str:
        return ",".join(name for name in self.known if name in self.names)


class Name(Text):
    """The name of a helper or of a timeout policy, printed as it is."""

    def __str__(self) -> str:
        return self.text


_UNZONED, _MARK = Zone(0), Zone(None)
# what rules see of a packet's connection between CT and connection tracking
# kernel: net/netfilter/nf_conntrack_core.c (nf_ct_tmpl_alloc), xt_CT.c (xt_ct_tg_check)
_NOBODY = {
    Family.IPV4: Tuple(IPv4Address(0), IPv4Address(0)),
    Family.IPV6: Tuple(IPv6Address(0), IPv6Address(0)),
}
_TEMPLATES = {
    family: Connection(0, ends, ends, frozenset({"CONFIRMED"})) for family, ends in _NOBODY.items()
}


@register_target("CT")
@dataclass(frozen=True)
class Ct(Target):
    """``-j CT [--notrack] [--zone ID|mark] [--helper NAME] ...``, in table raw.

    Connections in different zones know nothing of each other, even with equal addresses.

    Kernel: net/netfilter/xt_CT.c

    Simplified: helpers, timeouts and events have no effect.
    """

    tables = (TableName.RAW,)

    notrack: Flag | None = option("--notrack", Flag)
    helper: Name | None = option("--helper", Name)
    timeout: Name | None = option("--timeout", Name)
    ctevents: Events | None = option("--ctevents", Events)
    expevents: Events | None = option("--expevents", Events)
    zone_orig: Zone | None = option("--zone-orig", Zone)
    zone_reply: Zone | None = option("--zone-reply", Zone)
    zone: Zone | None = option("--zone", Zone)

    def __post_init__(self) -> None:
        """Forget the zone that every packet has anyway, and a helper without a name."""
        for name in ("zone_orig", "zone_reply", "zone"):
            if getattr(self, name) == _UNZONED:
                object.__setattr__(self, name, None)
        if self.helper and not self.helper.text:
            object.__setattr__(self, "helper", None)

    @classmethod
    def settled(cls, values: dict[str, object]) -> dict[str, object]:
        """The mark or else the last zone counts, for the one direction that was named or both."""
        given = [name for name in values if name.startswith("zone")]
        if not given:
            return values
        named = set(given) - {"zone"}
        kept = {name: value for name, value in values.items() if name not in given}
        numbers = [values[name] for name in given]
        zone = _MARK if _MARK in numbers else numbers[-1]
        return kept | {named.pop() if len(named) == 1 else "zone": zone}

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if not self.helper or self.notrack:
            return None
        wanted = _HELPERS.get(self.helper.text)
        if wanted is None:
            return Refused(
                f"there is no helper {self.helper}",
                f"The kernel has {', '.join(_HELPERS)}.",
                NO_SUCH,
            )
        if protocol not in wanted:
            needs = " or ".join(f"-p {each.name.lower()}" for each in wanted)
            return Refused(
                f"the helper {self.helper} needs to know the protocol", f"Write {needs}.", NO_SUCH
            )
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        if self.notrack:
            return Continue(packet, "not tracked", (NoTrack(),))
        zoned: SetZone | None = None
        for zone, direction in (
            (self.zone, ""),
            (self.zone_orig, "ORIGINAL"),
            (self.zone_reply, "REPLY"),
        ):
            if zone:
                number = packet.mark & 0xFFFF if zone.number is None else zone.number
                zoned = SetZone(number, direction)
        effect = replace(zoned or SetZone(0), template=_TEMPLATES[packet.family])
        return Continue(packet, f"zone {zoned.zone}" if zoned else "", (effect,))

    def explain(self) -> str:
        if self.notrack:
            return "is not tracked (its state will be UNTRACKED) and goes on"
        return f"is tracked with these settings: {self._settings() or 'none'}; and goes on"

    def _settings(self) -> str:
        return " ".join(word.removeprefix("--") for word in self.option_words())

    def listed(self, *, numeric: bool) -> str:
        return " ".join(filter(None, ("CT", self._settings())))
