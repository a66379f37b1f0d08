"""How connection tracking follows SCTP: its states and its verification tags.

Kernel: net/netfilter/nf_conntrack_proto_sctp.c
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from iptlab.packet import Packet


class SctpState(StrEnum):
    """The states of a tracked association, as ``conntrack -L`` names them."""

    NONE = "NONE"
    CLOSED = "CLOSED"
    COOKIE_WAIT = "COOKIE_WAIT"
    COOKIE_ECHOED = "COOKIE_ECHOED"
    ESTABLISHED = "ESTABLISHED"
    SHUTDOWN_SENT = "SHUTDOWN_SENT"
    SHUTDOWN_RECD = "SHUTDOWN_RECD"
    SHUTDOWN_ACK_SENT = "SHUTDOWN_ACK_SENT"
    HEARTBEAT_SENT = "HEARTBEAT_SENT"


# seconds after which an association in that state is forgotten
TIMEOUTS: dict[SctpState, int] = {
    SctpState.CLOSED: 10,
    SctpState.COOKIE_WAIT: 3,
    SctpState.COOKIE_ECHOED: 3,
    SctpState.ESTABLISHED: 210,
    SctpState.SHUTDOWN_SENT: 3,
    SctpState.SHUTDOWN_RECD: 3,
    SctpState.SHUTDOWN_ACK_SENT: 3,
    SctpState.HEARTBEAT_SENT: 30,
}

# The new state for a chunk, by direction; columns are the old states in the order above.
_SHORT = {
    "cl": SctpState.CLOSED,
    "cw": SctpState.COOKIE_WAIT,
    "ce": SctpState.COOKIE_ECHOED,
    "es": SctpState.ESTABLISHED,
    "ss": SctpState.SHUTDOWN_SENT,
    "sr": SctpState.SHUTDOWN_RECD,
    "sa": SctpState.SHUTDOWN_ACK_SENT,
    "hs": SctpState.HEARTBEAT_SENT,
}
_TABLE: dict[bool, dict[str, str]] = {
    False: {  # in the original direction
        "INIT": "cl cl cw ce es cl cl sa cw",
        "INIT_ACK": "cl cl cw ce es ss sr sa cl",
        "ABORT": "cl cl cl cl cl cl cl cl cl",
        "SHUTDOWN": "cl cl cw ce ss ss sr sa cl",
        "SHUTDOWN_ACK": "sa cl cw ce sa sa sa sa sa",
        "ERROR": "cl cl cw ce es ss sr sa cl",
        "COOKIE_ECHO": "cl cl ce ce es ss sr sa cl",
        "COOKIE_ACK": "cl cl cw es es ss sr sa cl",
        "SHUTDOWN_COMPLETE": "cl cl cw ce es ss sr cl cl",
        "HEARTBEAT": "hs cl cw ce es ss sr sa hs",
        "HEARTBEAT_ACK": "cl cl cw ce es ss sr sa hs",
    },
    True: {  # in the reply direction
        "INIT": "-  cl cw ce es ss sr sa -",
        "INIT_ACK": "-  cw cw ce es ss sr sa -",
        "ABORT": "-  cl cl cl cl cl cl cl -",
        "SHUTDOWN": "-  cl cw ce sr ss sr sa -",
        "SHUTDOWN_ACK": "-  cl cw ce es sa sa sa -",
        "ERROR": "-  cl cw cl es ss sr sa -",
        "COOKIE_ECHO": "-  cl ce ce es ss sr sa -",
        "COOKIE_ACK": "-  cl cw es es ss sr sa -",
        "SHUTDOWN_COMPLETE": "-  cl cw ce es ss sr cl -",
        "HEARTBEAT": "-  cl cw ce es ss sr sa hs",
        "HEARTBEAT_ACK": "-  cl cw ce es ss sr sa es",
    },
}
_NEXT: dict[tuple[bool, str, SctpState], str] = {
    (reply, chunk, state): word
    for reply, rows in _TABLE.items()
    for chunk, row in rows.items()
    for state, word in zip(SctpState, row.split(), strict=True)
}
# chunks that never begin an association (RFC 9260, section 8.4)
_STRAY = ("ABORT", "SHUTDOWN_COMPLETE", "COOKIE_ACK")


@dataclass(frozen=True, slots=True)
class Sctp:
    """Where an association stands; the tags are what packets in each direction must carry.

    ``opening`` says for each direction whether an INIT is still to be answered, ``doubted`` in
    which direction (``reply`` or not) a HEARTBEAT had another tag and waits for its answer.
    """

    state: SctpState = SctpState.NONE
    tags: tuple[int, int] = (0, 0)
    opening: tuple[bool, bool] = (False, False)
    doubted: bool | None = None

    def with_tag(self, reply: bool, tag: int) -> Sctp:
        """The same association with the tag of one direction."""
        return replace(self, tags=(self.tags[0], tag) if reply else (tag, self.tags[1]))


def begin(packet: Packet) -> Sctp | None:
    """The association that a first packet begins, None if it cannot (sctp_new)."""
    names = [chunk.partition(":")[0] for chunk in packet.chunks]
    if not names or any(name in _STRAY for name in names):
        return None
    sctp = Sctp()
    for name in names:
        if (False, name, SctpState.NONE) not in _NEXT:
            return None
        if name == "INIT":
            if packet.vtag:
                return None
            sctp = sctp.with_tag(True, packet.init_tag)
        elif name == "HEARTBEAT":
            sctp = sctp.with_tag(False, packet.vtag)
        else:
            sctp = sctp.with_tag(True, packet.vtag)
    return sctp


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the association stands after a packet, and whether the packet belongs to it.

    One that is only ``tolerated`` passes, but neither counts nor keeps the association alive.
    """

    sctp: Sctp
    belongs: bool = True
    assured: bool = False
    tolerated: bool = False


def follow(sctp: Sctp, packet: Packet, *, reply: bool) -> Outcome:
    """The association after a packet (nf_conntrack_sctp_packet)."""
    chunks = [chunk.partition(":") for chunk in packet.chunks]
    names = [name for name, _, _ in chunks]
    if packet.vtag != sctp.tags[reply] and not any(name in _OWN_TAGS for name in names):
        return Outcome(sctp, belongs=False)
    old, tolerated = sctp.state, False
    for name, _, flags in chunks:
        if not _tag_fits(sctp, packet, name, "T" in flags, reply):
            return Outcome(sctp, belongs=False)
        if name in _BEATS:
            strange = sctp.tags[reply] not in (0, packet.vtag)
            beaten = _beat(sctp, packet, name, reply)
            if beaten is None or (strange and (tolerated or "DATA" in names)):
                return Outcome(sctp, belongs=False)
            sctp = beaten
            if strange and name == "HEARTBEAT":
                tolerated = True
                continue
        if name == "COOKIE_ACK":
            sctp = replace(sctp, opening=(False, False))
        old, word = sctp.state, _NEXT.get((reply, name, sctp.state), "")
        opened = _opened(sctp, packet, name, reply)
        if word == "-" or opened is None:
            return Outcome(sctp, belongs=False)
        sctp = replace(opened, state=_SHORT.get(word, old))
    opened_now = sctp.state is SctpState.ESTABLISHED and old is not sctp.state
    return Outcome(sctp, assured=opened_now and not tolerated, tolerated=tolerated)


def _beat(sctp: Sctp, packet: Packet, chunk: str, reply: bool) -> Sctp | None:
    """The association after a HEARTBEAT or its answer, None if that does not belong.

    One end may have begun anew with another tag: its HEARTBEAT is doubted until the other end
    answers with its new tag.
    """
    if sctp.tags[reply] == 0:
        return sctp.with_tag(reply, packet.vtag)
    if packet.vtag == sctp.tags[reply]:
        return replace(sctp, doubted=None)
    if chunk == "HEARTBEAT":
        return replace(sctp, doubted=reply)
    if sctp.doubted is None or sctp.doubted == reply:
        return None
    return replace(sctp.with_tag(reply, packet.vtag).with_tag(not reply, 0), doubted=None)


def _opened(sctp: Sctp, packet: Packet, chunk: str, reply: bool) -> Sctp | None:
    """The association with the tag that an INIT or INIT_ACK asks for, None if it may not."""
    own, other = sctp.opening[reply], sctp.opening[not reply]
    if chunk == "INIT":
        other = other and not own
        opening = (other, True) if reply else (True, other)
        return replace(sctp.with_tag(not reply, packet.init_tag), opening=opening)
    if chunk != "INIT_ACK":
        return sctp
    known = sctp.tags[not reply]
    if known != packet.init_tag and ((known and not other) or (own and other)):
        return None
    return sctp.with_tag(not reply, packet.init_tag)


_BEATS = ("HEARTBEAT", "HEARTBEAT_ACK")
# chunks whose packets have rules of their own for the tag (RFC 9260, section 8.5.1)
_OWN_TAGS = (
    *("INIT", "SHUTDOWN_COMPLETE", "COOKIE_ECHO", "ABORT"),
    *("SHUTDOWN_ACK", "HEARTBEAT", "HEARTBEAT_ACK"),
)


def _tag_fits(sctp: Sctp, packet: Packet, chunk: str, reflected: bool, reply: bool) -> bool:
    """Whether the packet has the verification tag that goes with one of its chunks."""
    own, other = sctp.tags[reply], sctp.tags[not reply]
    match chunk:
        case "INIT":
            return packet.vtag == 0
        case "ABORT" | "SHUTDOWN_COMPLETE":
            return packet.vtag == (other if reflected else own)
        case "COOKIE_ECHO":
            return packet.vtag == own
        case _:
            return True
