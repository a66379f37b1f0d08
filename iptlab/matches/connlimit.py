"""``-m connlimit``: how many connections an address or network has at once."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, Connection, Context, Memory, Tuple
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.networks import PrefixLength
from iptlab.netfilter.values import Flag, Given, Integer
from iptlab.packet import Family, Packet


class Mask(PrefixLength):
    """The prefix length of the networks that are counted; a mask with holes counts as full."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Mask:
        """``24`` or ``255.255.255.0``."""
        read = PrefixLength.parse(text, family)
        return cls(family.bits if read.length is None else read.length)


# protocol, zone and original ends
_Counted = tuple[int, int, Tuple]
# kernel: net/netfilter/nf_conncount.c (already_closed)
_OVER = ("TIME_WAIT", "CLOSE")


def _counted(packet: Packet, context: Context) -> _Counted:
    """What a packet's connection is counted as, one that is not tracked too."""
    tracked = context.tracked
    if isinstance(tracked, Connection):
        return tracked.protocol, tracked.zones[0], tracked.original
    ports = packet.sport or 0, packet.dport or 0
    if packet.icmp is not None:
        ports = packet.echo_id, packet.icmp.type * 256 + packet.icmp.code
    return packet.protocol, 0, Tuple(packet.src, packet.dst, *ports)


@register_match("connlimit")
@dataclass(frozen=True)
class Connlimit(Match):
    """``-m connlimit --connlimit-above N | --connlimit-upto N``.

    The connections that reached this rule are counted for each source (``--connlimit-daddr``:
    destination) address, or network of ``--connlimit-mask``; the packet's own counts too.

    Those that connection tracking has forgotten, or that are closed, no longer count.

    Kernel: net/netfilter/xt_connlimit.c, nf_conncount.c

    Simplified: an attempt that left no connection counts for some ticks of the kernel's clock,
    and a packet for which nothing is left to count, its own closed connection among them, is
    dropped by the kernel at once; here it is counted like any other.
    """

    upto: Given[Integer] | None = option("--connlimit-upto", Integer, negatable=True)
    above: Given[Integer] | None = option("--connlimit-above", Integer, negatable=True)
    mask: Mask = option(
        "--connlimit-mask", Mask, default={family: Mask(family.bits) for family in Family}
    )
    saddr: Flag | None = option("--connlimit-saddr", Flag)
    daddr: Flag | None = option("--connlimit-daddr", Flag)

    def __post_init__(self) -> None:
        """Refuse what does not go together; bring negations to the form that is printed."""
        self.exclude("--connlimit-upto", "--connlimit-above")
        self.exclude("--connlimit-saddr", "--connlimit-daddr")
        given = self.upto or self.above
        if given is None:
            raise BadValueError(
                'You must specify "--connlimit-above" or "--connlimit-upto".',
                "Write --connlimit-above 3 to match the fourth connection and later ones.",
            )
        over = (self.above is not None) != given.negated
        plain = Given(given.value)
        object.__setattr__(self, "above", plain if over else None)
        object.__setattr__(self, "upto", None if over else plain)
        if not self.daddr:
            object.__setattr__(self, "saddr", Flag())

    @property
    def most(self) -> int:
        """How many connections are not yet too many."""
        given = self.upto or self.above
        assert given is not None
        return given.value.number

    def _group(self, packet: Packet, context: Context) -> tuple[object, ...]:
        """Which of the rule's lists the packet's connection is counted in."""
        end = packet.dst if self.daddr else packet.src
        return ("connlimit", context.rule, self, int(end) >> packet.family.bits - self.mask.number)

    def _connections(self, packet: Packet, context: Context) -> tuple[_Counted, ...]:
        """The connections counted so far, with this packet's own (__nf_conncount_add)."""
        nobody: tuple[_Counted, ...] = ()
        known = context.memory.recall(self._group(packet, context), nobody)
        own, kept = _counted(packet, context), list(nobody)
        for place, one in enumerate(known):
            standing = context.standing(*one) if context.standing else ""
            if one == own and standing is not None:
                return (*kept, *known[place:])
            if standing is not None and standing not in _OVER:
                kept.append(one)
        return (*(one for one in kept if one != own), own)

    def holds(self, packet: Packet, context: Context) -> Answer:
        return (len(self._connections(packet, context)) > self.most) == (self.above is not None)

    def remember(self, packet: Packet, context: Context) -> Memory:
        group = self._group(packet, context)
        return context.memory.store(group, self._connections(packet, context))

    def why_not(self, packet: Packet, context: Context) -> str:
        number = len(self._connections(packet, context))
        option_ = "above" if self.above else "upto"
        return f"--connlimit-{option_} {self.most}, but this is connection number {number}"

    def explain(self) -> str:
        end = "destination" if self.daddr else "source"
        whole = self.mask in (Mask(32), Mask(128))
        of = f"its {end}" if whole else f"the /{self.mask} network of its {end}"
        than = f"more than {self.most}" if self.above else f"at most {self.most}"
        return f"finds {than} connections of {of}"

    def listed(self, *, numeric: bool) -> str:
        end = "dst" if self.daddr else "src"
        return f"#conn {end}/{self.mask} {'>' if self.above else '<='} {self.most}"
