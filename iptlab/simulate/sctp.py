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
    """Where an association stands; the tags are what packets in each direction must carry."""

    state: SctpState = SctpState.NONE
    tags: tuple[int, int] = (0, 0)

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
    """Where the association stands after a packet that belongs to it."""

    sctp: Sctp
    assured: bool = False


def follow(sctp: Sctp, packet: Packet, *, reply: bool) -> Outcome | None:
    """The association after a packet, None if it does not belong (nf_conntrack_sctp_packet)."""
    chunks = [chunk.partition(":") for chunk in packet.chunks]
    if packet.vtag != sctp.tags[reply] and not any(name in _OWN_TAGS for name, _, _ in chunks):
        return None
    assured = False
    for name, _, flags in chunks:
        word = _NEXT.get((reply, name, sctp.state), "")
        if word == "-" or not _tag_fits(sctp, packet, name, "T" in flags, reply):
            return None
        if name in ("INIT", "INIT_ACK"):
            sctp = sctp.with_tag(not reply, packet.init_tag)
        elif name in ("HEARTBEAT", "HEARTBEAT_ACK") and not sctp.tags[reply]:
            sctp = sctp.with_tag(reply, packet.vtag)
        new = _SHORT.get(word, sctp.state)
        assured = assured or (new is SctpState.ESTABLISHED and new is not sctp.state)
        sctp = replace(sctp, state=new)
    return Outcome(sctp, assured)


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
        case "HEARTBEAT" | "HEARTBEAT_ACK":
            return own in (0, packet.vtag)
        case _:
            return True
