"""What a target can answer: one small class for each thing that may happen next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from iptlab.netfilter.context import CannotTell, Connection, Context, CtState
from iptlab.netfilter.networks import Network
from iptlab.packet import Address, Packet


class Verdict(StrEnum):
    """What becomes of a packet at a hook.

    ACCEPT ends the walk through one table; the next table still has its say. DROP and
    REJECT are final, and REJECT answers the sender.
    """

    ACCEPT = "ACCEPT"
    DROP = "DROP"
    REJECT = "REJECT"


@dataclass(frozen=True)
class Decide:
    """The packet's fate in this table is settled; ``reply`` is what a REJECT sends."""

    verdict: Verdict
    reply: str = ""


@dataclass(frozen=True)
class Call:
    """Go on in another chain; with ``goto`` its end is the end of this chain too."""

    chain: str
    goto: bool = False


@dataclass(frozen=True)
class Return:
    """Go back to where this chain was called from."""


@dataclass(frozen=True)
class SetConnmark:
    """The connection's mark changes: bits of ``mask`` cleared, ``value`` exclusive-ored in.

    The result is then shifted left by ``shift`` bits, right if that is negative.
    """

    value: int
    mask: int
    shift: int = 0

    def applied(self, mark: int) -> int:
        """The mark that the kernel makes of a connection's ``mark``."""
        return shifted(mark & ~self.mask ^ self.value, self.shift)

    def on(self, context: Context) -> Context:
        """What is known afterwards; a packet without a connection has nothing to mark."""
        known = context.connection
        if known is None:
            return context
        return replace(context, connection=replace(known, mark=self.applied(known.mark)))


def shifted(mark: int, bits: int) -> int:
    """A 32-bit mark shifted to the left, or to the right by a negative number of bits."""
    return mark << bits & 0xFFFFFFFF if bits >= 0 else mark >> -bits


@dataclass(frozen=True)
class NoTrack:
    """Connection tracking leaves the packet alone; rules see it as UNTRACKED."""

    def on(self, context: Context) -> Context:
        """What is known afterwards."""
        if context.settled:
            return context
        return replace(context, ctstate=CtState.UNTRACKED, connection=None)


@dataclass(frozen=True)
class SetZone:
    """The packet's connection is looked up, or made, in this zone.

    ``direction`` is ORIGINAL or REPLY if the zone counts for one direction only. Until it is
    looked up, rules see a ``template``: a connection of nobody.
    """

    zone: int
    direction: str = ""
    template: Connection | None = None

    def on(self, context: Context) -> Context:
        """What is known afterwards: where connection tracking will look."""
        if context.settled:
            return context
        original = 0 if self.direction == "REPLY" else self.zone
        reply = 0 if self.direction == "ORIGINAL" else self.zone
        return replace(
            context, zones=(original, reply), ctstate=CtState.NEW, connection=self.template
        )


@dataclass(frozen=True)
class ChangeSet:
    """An element goes into a named ipset, or with ``add`` false out of it.

    ``directions`` say for each part of the element whether it is the packet's ``src`` or
    ``dst``. An element that is there already gets a new timeout only with ``exist``.
    """

    set: str
    packet: Packet
    directions: tuple[str, ...]
    add: bool = True
    exist: bool = False
    timeout: int | None = None

    def on(self, context: Context) -> Context:
        """What is known afterwards: of a set that nobody described, still nothing."""
        sets = context.sets or {}
        if self.set not in sets:
            return context
        changed = sets[self.set].changed(self.packet, context, self)
        return replace(context, sets={**sets, self.set: changed})


Effect = SetConnmark | NoTrack | SetZone | ChangeSet


@dataclass(frozen=True)
class Continue:
    """Go on with the next rule, with the packet as it is now.

    ``note`` is what was done, in plain words; ``effects`` is what changes besides the packet.
    """

    packet: Packet
    note: str = ""
    effects: tuple[Effect, ...] = ()


class Side(StrEnum):
    """Which end of a packet is rewritten."""

    SOURCE = "source"
    DESTINATION = "destination"


class Whose(StrEnum):
    """An address that is known only where the packet is: the interface's first one."""

    OUTGOING = "the outgoing interface"
    INCOMING = "the incoming interface"


@dataclass(frozen=True)
class Translate:
    """The connection gets a new source or destination, and the packet leaves the table.

    ``addresses`` are the first and the last to choose from; or a network of which the
    packet's address keeps its host bits; or whose address it is, where ``INCOMING`` means
    127.0.0.1 (::1) in OUTPUT. ``ports`` are the first and the last to choose from; with
    ``base`` the port keeps its distance from ``base``, counted from the first one. None
    means: as it was.

    Kernel: net/netfilter/nf_nat_core.c (nf_nat_setup_info), include/uapi/linux/netfilter/nf_nat.h
    """

    side: Side
    addresses: tuple[Address, Address] | Network | Whose | None = None
    ports: tuple[int, int] | None = None
    base: int | None = None
    random: bool = False
    random_fully: bool = False
    persistent: bool = False

    @property
    def note(self) -> str:
        """What becomes of the packet, in a few words: ``new destination 10.0.0.1:80``."""
        return f"new {self.side} {self._where()}"

    def _where(self) -> str:
        match self.addresses:
            case (first, last):
                place = _bracketed(first, last, ported=self.ports is not None)
            case Network() as network:
                place = f"in {network}"
            case Whose() as whose:
                place = f"{whose}'s address"
            case None:
                place = ""
        if self.ports is None:
            return place or "as it was"
        ports = "-".join(str(port) for port in dict.fromkeys(self.ports))
        if isinstance(self.addresses, tuple):
            return f"{place}:{ports}"
        return ", ".join(filter(None, (place, f"port {ports}")))


def _bracketed(first: Address, last: Address, *, ported: bool) -> str:
    text = str(first) if first == last else f"{first}-{last}"
    return f"[{text}]" if ported and first.version == 6 else text


@dataclass(frozen=True)
class Undecided:
    """What the target does is outside the model."""

    answer: CannotTell


Action = Decide | Call | Return | Continue | Translate | Undecided
