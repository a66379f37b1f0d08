"""A packet on its way, with what the kernel keeps beside its bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from iptlab.netfilter.context import Connection, Owner
from iptlab.packet import Packet
from iptlab.simulate.chance import Chooser
from iptlab.simulate.conntrack import INVALID, Tracked, Zone
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Fate, Journey, Kind, Pass, Place, Station
from iptlab.simulate.routing import Decision

# a packet that no process of this machine sent, and one that the kernel itself sent
NOBODY = Owner(None, None, has_socket=False)
KERNEL = Owner(None, None)
_NO_ZONE = Zone()


@dataclass
class Transit:
    """A packet in progress on a host (struct sk_buff).

    ``entry`` is the interface it came by, ``link`` to whom its frame was sent, ``mac`` who sent
    the frame. ``seen`` is whether connection tracking has looked at it; ``zones`` is where it
    will, and ``settled`` whether that is so whatever CT and NOTRACK say. ``error`` is what its
    sender is told if it is dropped now, ``marked`` is whether TRACE wants its way logged.
    """

    host: Host
    packet: Packet
    entry: str
    owner: Owner
    choose: Chooser
    link: str = "unicast"
    mac: str = ""
    decision: Decision | None = None
    tracked: Tracked = INVALID
    seen: bool = False
    zones: Zone = _NO_ZONE
    settled: bool = False
    error: str = ""
    looped: bool = False
    stations: list[Station] = field(default_factory=list)
    path: list[Pass] = field(default_factory=list)
    generated: list[Journey] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    traced: list[str] = field(default_factory=list)
    marked: bool = False
    came: Packet = field(init=False)

    def __post_init__(self) -> None:
        """Remember the packet as it came."""
        self.came = self.packet

    def note(
        self,
        kind: Kind,
        name: str,
        at: Pass | None,
        note: str,
        *,
        before: Packet | None = None,
        known: Connection | None = None,
    ) -> None:
        """Put down a station without rules; ``before`` is the packet if it changed there."""
        was = before or self.packet
        state = self.tracked.ctstate
        self.stations.append(
            Station(kind, name, at, was, self.packet, state, known, known, None, note)
        )

    def ended(
        self,
        fate: Fate,
        reason: str = "",
        *,
        interface: str = "",
        by: Place | None = None,
        rejection: str = "",
    ) -> Journey:
        """The journey, now that it is over."""
        through = fate in (Fate.DELIVERED, Fate.FORWARDED, Fate.SENT)
        hop = (self.decision.via or self.packet.dst) if self.decision and interface else None
        return Journey(
            packet=self.came,
            entry=self.entry,
            stations=tuple(self.stations),
            path=tuple(self.path),
            fate=fate,
            interface=interface,
            next_hop=hop,
            exit=self.packet if through else None,
            by=by,
            reason=reason,
            error="" if through else self.error,
            rejection=rejection,
            looped_back=self.looped,
            generated=tuple(self.generated),
            log=tuple(self.log),
            traced=tuple(self.traced),
            host=self.host,
        )

    def copy(self) -> Transit:
        """A copy that comes back to this machine; it writes into the same diary."""
        twin = Transit(self.host, self.packet, "", NOBODY, self.choose)
        twin.decision, twin.tracked, twin.seen = self.decision, self.tracked, self.seen
        twin.stations, twin.path = self.stations, self.path
        twin.generated, twin.log = self.generated, self.log
        twin.traced, twin.marked = self.traced, self.marked
        return twin
