"""How connection tracking follows TCP: its states, and which segments are in the window.

Kernel: net/netfilter/nf_conntrack_proto_tcp.c

Simplified: window scaling and selective acknowledgements are not read from the options.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from iptlab.packet import Packet, TcpFlags


class TcpState(StrEnum):
    """The states of a tracked TCP connection, as ``conntrack -L`` names them."""

    NONE = "NONE"
    SYN_SENT = "SYN_SENT"
    SYN_RECV = "SYN_RECV"
    ESTABLISHED = "ESTABLISHED"
    FIN_WAIT = "FIN_WAIT"
    CLOSE_WAIT = "CLOSE_WAIT"
    LAST_ACK = "LAST_ACK"
    TIME_WAIT = "TIME_WAIT"
    CLOSE = "CLOSE"
    SYN_SENT2 = "SYN_SENT2"


# seconds after which a connection in that state is forgotten
TIMEOUTS: dict[TcpState, int] = {
    TcpState.SYN_SENT: 120,
    TcpState.SYN_RECV: 60,
    TcpState.ESTABLISHED: 432_000,
    TcpState.FIN_WAIT: 120,
    TcpState.CLOSE_WAIT: 60,
    TcpState.LAST_ACK: 30,
    TcpState.TIME_WAIT: 120,
    TcpState.CLOSE: 10,
    TcpState.SYN_SENT2: 120,
}
UNACKNOWLEDGED = 300

# The new state for a segment, by direction and kind of segment; columns are the old states in
# the order above. "-" is invalid; "ig" is let through and changes nothing.
_COLUMNS = tuple(TcpState)
_SHORT = {
    "ss": TcpState.SYN_SENT,
    "sr": TcpState.SYN_RECV,
    "es": TcpState.ESTABLISHED,
    "fw": TcpState.FIN_WAIT,
    "cw": TcpState.CLOSE_WAIT,
    "la": TcpState.LAST_ACK,
    "tw": TcpState.TIME_WAIT,
    "cl": TcpState.CLOSE,
    "s2": TcpState.SYN_SENT2,
}
_TABLE: dict[bool, dict[str, str]] = {
    False: {  # in the original direction
        "syn": "ss ss ig ig ig ig ig ss ss s2",
        "synack": "-  -  sr -  -  -  -  -  -  sr",
        "fin": "-  -  fw fw la la la tw cl -",
        "ack": "es -  es es cw cw tw tw cl -",
        "rst": "-  cl cl cl cl cl cl cl cl cl",
        "none": "-  -  -  -  -  -  -  -  -  -",
    },
    True: {  # in the reply direction
        "syn": "-  s2 -  -  -  -  -  ss -  s2",
        "synack": "-  sr ig ig ig ig ig ig ig sr",
        "fin": "-  -  fw fw la la la tw cl -",
        "ack": "-  ig sr es cw cw tw tw cl ig",
        "rst": "-  cl cl cl cl cl cl cl cl cl",
        "none": "-  -  -  -  -  -  -  -  -  -",
    },
}
_NEXT: dict[tuple[bool, str, TcpState], str] = {
    (reply, kind, state): word
    for reply, rows in _TABLE.items()
    for kind, row in rows.items()
    for state, word in zip(_COLUMNS, row.split(), strict=True)
}

# combinations of flags that a segment may have, PSH, ECE and CWR aside (tcp_valid_flags)
_S, _A, _F, _R, _U = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.FIN, TcpFlags.RST, TcpFlags.URG
_VALID = {_S, _S | _U, _S | _A, _R, _R | _A, _F | _A, _F | _A | _U, _A, _A | _U}
_ASIDE = TcpFlags.PSH | TcpFlags.ECE | TcpFlags.CWR


def kind_of(flags: TcpFlags) -> str:
    """The row of the state table for a segment with these flags (get_conntrack_index)."""
    if flags & _R:
        return "rst"
    if flags & _S:
        return "synack" if flags & _A else "syn"
    if flags & _F:
        return "fin"
    return "ack" if flags & _A else "none"


@dataclass(frozen=True, slots=True)
class Side:
    """What one side has sent: the end of its data, and the window it is held to.

    ``end``, ``max_end`` and ``max_ack`` are sequence numbers; ``window`` is the largest window
    it has offered, 0 before it has sent anything (struct ip_ct_tcp_state).
    """

    end: int = 0
    max_end: int = 0
    window: int = 0
    max_ack: int | None = None
    liberal: bool = False
    close_init: bool = False


@dataclass(frozen=True, slots=True)
class Tcp:
    """Where a TCP connection stands: its state, both sides, and the last segment seen."""

    state: TcpState = TcpState.NONE
    sides: tuple[Side, Side] = (Side(), Side())
    last_kind: str = "none"
    last_reply: bool = False
    last_end: int = 0
    last_ack: int = 0
    last_window: int = 0
    challenge: bool = False
    simultaneous: bool = False

    def with_sides(self, reply: bool, sender: Side, receiver: Side) -> Tcp:
        """The same connection with both sides replaced; ``sender`` sent this segment."""
        return replace(self, sides=(receiver, sender) if reply else (sender, receiver))


class Heard(StrEnum):
    """What tracking makes of a segment."""

    ACCEPTED = "accepted"  # it belongs to the connection and moved it on
    IGNORED = "ignored"  # it belongs to the connection, but neither counts nor renews it
    INVALID = "invalid"
    REOPENED = "reopened"  # the old connection is over: look again
    KILLED = "killed"  # it ends the connection, of which nothing is kept


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on a segment, and where the connection stands after it.

    ``timeout`` is the new one in seconds, None if the old one runs on.
    """

    heard: Heard
    tcp: Tcp
    why: str = ""
    assured: bool = False
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment as the state table sees it."""

    kind: str
    reply: bool
    seq: int
    end: int
    ack: int
    window: int
    flags: TcpFlags

    @classmethod
    def of(cls, packet: Packet, *, reply: bool) -> _Segment:
        kind, end = kind_of(packet.flags), end_of(packet)
        return cls(kind, reply, packet.seq, end, packet.ack, packet.window, packet.flags)


def is_malformed(packet: Packet) -> bool:
    """Whether no TCP would ever send these flags together (tcp_error)."""
    return (packet.flags & ~_ASIDE) not in _VALID


def _before(a: int, b: int) -> bool:
    """Whether sequence number ``a`` comes before ``b``; they count round a circle."""
    return (a - b) & 0x80000000 != 0


def _after(a: int, b: int) -> bool:
    return _before(b, a)


def _plus(a: int, b: int) -> int:
    return (a + b) & 0xFFFFFFFF


def end_of(packet: Packet) -> int:
    """The sequence number after the segment; SYN and FIN count one (segment_seq_plus_len)."""
    return _plus(packet.seq, packet.data + bool(packet.flags & _S) + bool(packet.flags & _F))


def begin(packet: Packet, *, loose: bool) -> Tcp | None:
    """The connection that a first segment begins, or joins late; None if it cannot (tcp_new)."""
    word = _NEXT[False, kind_of(packet.flags), TcpState.NONE]
    end, window = end_of(packet), packet.window or 1
    if word == "ss":
        return Tcp(sides=(Side(end, end, window), Side()))
    if word == "-" or not loose:
        return None
    joined = Side(end, _plus(end, window), window, liberal=True)
    return Tcp(sides=(joined, Side(liberal=True)))


def follow(tcp: Tcp, packet: Packet, *, reply: bool, seen_reply: bool, assured: bool) -> Outcome:
    """What a segment makes of a connection (nf_conntrack_tcp_packet).

    ``seen_reply`` and ``assured`` are what is known before this segment.
    """
    segment = _Segment.of(packet, reply=reply)
    old, word = tcp.state, _NEXT[reply, segment.kind, tcp.state]
    if word == "-":
        return Outcome(Heard.INVALID, tcp, f"{packet.flags} is out of place in state {old}")
    if word == "ss" and old in (TcpState.TIME_WAIT, TcpState.CLOSE):
        over = any(side.close_init for side in tcp.sides)
        if over or (tcp.last_reply == reply and tcp.last_kind == "rst"):
            return Outcome(Heard.REOPENED, tcp)
        word = "ig"
    if word == "ig":
        if not _answers_ignored_syn(tcp, segment):
            return Outcome(Heard.IGNORED, _noted(tcp, segment))
        tcp, old, word = _in_step_again(tcp, reply), TcpState.SYN_SENT, "sr"
    new = _SHORT[word]
    if new is TcpState.TIME_WAIT and old is TcpState.LAST_ACK and _is_challenge(tcp, segment):
        return Outcome(Heard.IGNORED, replace(tcp, challenge=False))
    if new is TcpState.SYN_SENT2:
        tcp = replace(tcp, simultaneous=True)
    if new is TcpState.SYN_RECV and reply and segment.kind == "ack" and tcp.simultaneous:
        new = TcpState.ESTABLISHED
    if segment.kind == "rst" and old not in _CLOSING:
        judged = _reset(tcp, segment, established=assured and old is TcpState.ESTABLISHED)
        if judged is None:
            return Outcome(Heard.INVALID, tcp, "a RST from before the window")
        new = judged
    if not (segment.kind == "rst" and _needs_no_window(tcp, segment, seen_reply, assured)):
        checked = _in_window(tcp, segment, assured=assured)
        if checked.heard is not Heard.ACCEPTED:
            return checked
        tcp = checked.tcp
    return _moved(tcp, old, new, segment, seen_reply=seen_reply, assured=assured)


# states in which a RST is believed without a look at its numbers (tcp_can_early_drop)
_CLOSING = (
    TcpState.FIN_WAIT,
    TcpState.CLOSE_WAIT,
    TcpState.LAST_ACK,
    TcpState.TIME_WAIT,
    TcpState.CLOSE,
)


def _answers_ignored_syn(tcp: Tcp, segment: _Segment) -> bool:
    """Whether a SYN,ACK answers a SYN that was let through as out of place."""
    return (
        segment.kind == "synack"
        and tcp.last_kind == "syn"
        and tcp.last_reply != segment.reply
        and segment.ack == tcp.last_end
    )


def _in_step_again(tcp: Tcp, reply: bool) -> Tcp:
    """The connection as the ignored SYN began it: both ends knew better than we did."""
    window = tcp.last_window or 1
    asked = Side(tcp.last_end, tcp.last_end, window)
    return replace(tcp.with_sides(reply, Side(), asked), challenge=False)


def _noted(tcp: Tcp, segment: _Segment) -> Tcp:
    """The connection after a segment that was let through; only its numbers are kept."""
    first = segment.kind == "syn" and not segment.reply
    return replace(
        tcp,
        last_kind=segment.kind,
        last_reply=segment.reply,
        last_end=segment.end,
        last_ack=segment.ack,
        last_window=segment.window,
        challenge=tcp.state is TcpState.LAST_ACK if first else tcp.challenge,
    )


def _is_challenge(tcp: Tcp, segment: _Segment) -> bool:
    """Whether an ACK answers a stray SYN and not the last FIN (RFC 5961)."""
    stray = tcp.last_kind == "syn" and tcp.last_reply != segment.reply
    return segment.kind == "ack" and stray and tcp.challenge


def _reset(tcp: Tcp, segment: _Segment, *, established: bool) -> TcpState | None:
    """The state after a RST while data may flow; None if its number is too old."""
    acknowledged = tcp.sides[not segment.reply].max_ack
    if acknowledged is None or tcp.last_kind == "syn":
        return TcpState.CLOSE
    if segment.seq == 0 and not established:
        return TcpState.CLOSE
    if _before(segment.seq, acknowledged):
        return None
    exact = segment.seq == acknowledged
    train = (tcp.last_kind, tcp.last_reply) == ("ack", segment.reply)
    if not established or exact or (train and segment.seq == tcp.last_end):
        return TcpState.CLOSE
    return tcp.state


def _needs_no_window(tcp: Tcp, segment: _Segment, seen_reply: bool, assured: bool) -> bool:
    """Whether a RST counts even out of the window: it answers what we let through before."""
    if tcp.state in _CLOSING:
        return True
    odd_syn = seen_reply and tcp.last_kind == "syn" and tcp.last_reply != segment.reply
    odd_ack = not assured and tcp.last_kind == "ack"
    if odd_ack and tcp.state is TcpState.SYN_SENT and segment.seq == tcp.last_ack:
        return True  # as a challenge wants it (RFC 5961), measured
    return (odd_syn or odd_ack) and segment.ack == tcp.last_end


# --- the window ---

# how far behind an acknowledgement may be; kernel: MAXACKWINCONST
_LEAST_ACK_WINDOW = 66_000


def _in_window(tcp: Tcp, segment: _Segment, *, assured: bool) -> Outcome:
    """Whether a segment is one that both sides can have meant (tcp_in_window)."""
    tcp, settled = _learn(tcp, segment)
    if settled:
        return Outcome(Heard.ACCEPTED, tcp)
    sender, receiver = tcp.sides[segment.reply], tcp.sides[not segment.reply]
    seq, end, ack = segment.seq, segment.end, segment.ack
    silent = segment.flags & (_A | _R) == _A | _R and ack == 0
    if not segment.flags & _A or silent:
        ack = receiver.end
    if segment.kind == "rst" and seq == 0 and tcp.state is TcpState.SYN_SENT:
        seq = end = sender.end
    heard, why = _place(sender, receiver, seq, end, ack)
    if heard is Heard.ACCEPTED:
        return Outcome(heard, _grown(tcp, segment, end, ack))
    if why == _TOO_MUCH:
        tcp = tcp.with_sides(segment.reply, replace(sender, end=end), receiver)
    if sender.liberal:
        return Outcome(Heard.ACCEPTED, tcp)
    if heard is Heard.INVALID and assured and segment.kind in ("fin", "rst"):
        answered = tcp.last_reply != segment.reply and tcp.last_kind in ("fin", "rst")
        if not answered:
            tcp = replace(tcp, last_kind=segment.kind, last_reply=segment.reply)
    return Outcome(heard, tcp, why)


def _learn(tcp: Tcp, segment: _Segment) -> tuple[Tcp, bool]:
    """What a side's first segment tells of it; True if there is nothing more to check."""
    sender, receiver = tcp.sides[segment.reply], tcp.sides[not segment.reply]
    begins = Side(segment.end, segment.end, segment.window or 1, liberal=sender.liberal)
    begins = replace(begins, max_ack=sender.max_ack, close_init=sender.close_init)
    if sender.window == 0:
        if segment.flags & _S:
            tcp = tcp.with_sides(segment.reply, begins, receiver)
            return tcp, not segment.flags & _A
        window = segment.window or 1
        sender = replace(sender, end=segment.end, window=window, max_end=_plus(segment.end, window))
        if receiver.window == 0:
            receiver = replace(receiver, end=segment.ack, max_end=segment.ack)
        elif segment.ack == _plus(receiver.end, 1):
            receiver = replace(receiver, end=segment.ack)
        return tcp.with_sides(segment.reply, sender, receiver), False
    opening = tcp.state in (TcpState.SYN_SENT, TcpState.SYN_RECV)
    if segment.flags & _S and opening and _after(segment.end, sender.end):
        tcp = tcp.with_sides(segment.reply, begins, receiver)
        return tcp, segment.reply and not segment.flags & _A
    return tcp, False


_TOO_MUCH = "it sends more than the other side can take"


def _place(sender: Side, receiver: Side, seq: int, end: int, ack: int) -> tuple[Heard, str]:
    """Where a segment lies among the four bounds, and in words why it lies outside."""
    low_ack = _plus(receiver.end, -max(sender.window, _LEAST_ACK_WINDOW) - 1)
    low_seq = _plus(sender.end, -receiver.window - 1)
    if not _before(seq, _plus(sender.max_end, 1)):
        over = _plus(end, 1 - sender.max_end)
        inside = receiver.window and _after(end, low_seq) and over <= receiver.window
        if inside and _after(ack, low_ack) and _before(ack, _plus(receiver.end, 1)):
            return Heard.IGNORED, _TOO_MUCH
        return Heard.INVALID, f"its seq {seq} is beyond what the other side has room for"
    if not _before(ack, _plus(receiver.end, 1)):
        return Heard.INVALID, f"it acknowledges {ack}, which was never sent"
    if receiver.window and not _after(end, low_seq):
        return Heard.IGNORED, f"its seq {seq} was acknowledged long ago"
    if not _after(ack, low_ack):
        return Heard.IGNORED, f"its ack {ack} is long out of date"
    return Heard.ACCEPTED, ""


def _grown(tcp: Tcp, segment: _Segment, end: int, ack: int) -> Tcp:
    """The connection after a segment in the window."""
    sender, receiver = tcp.sides[segment.reply], tcp.sides[not segment.reply]
    over = _plus(end, -sender.max_end) if _after(end, sender.max_end) else 0
    max_ack = sender.max_ack
    if segment.flags & _A and (max_ack is None or _after(ack, max_ack)):
        max_ack = ack
    sender = replace(
        sender,
        window=max(sender.window, segment.window),
        end=end if _after(end, sender.end) else sender.end,
        max_ack=max_ack,
    )
    room = _plus(ack, segment.window)
    receiver = replace(
        receiver,
        window=receiver.window + over if receiver.window else 0,
        max_end=_plus(room, segment.window == 0)
        if _after(room, _plus(receiver.max_end, -1))
        else receiver.max_end,
    )
    tcp = tcp.with_sides(segment.reply, sender, receiver)
    return replace(tcp, last_end=segment.end) if segment.kind == "ack" else tcp


def _moved(
    tcp: Tcp, old: TcpState, new: TcpState, segment: _Segment, *, seen_reply: bool, assured: bool
) -> Outcome:
    """The connection in its new state, with what follows from it."""
    sender, receiver = tcp.sides[segment.reply], tcp.sides[not segment.reply]
    if new is TcpState.FIN_WAIT and old is not new:
        sender = replace(sender, close_init=True)
    tcp = replace(
        tcp.with_sides(segment.reply, sender, receiver),
        state=new,
        last_kind=segment.kind,
        last_reply=segment.reply,
    )
    timeout = TIMEOUTS[new]
    if not seen_reply:
        if segment.kind == "rst":
            return Outcome(Heard.KILLED, tcp)
        if segment.kind == "syn" and old is TcpState.SYN_SENT:
            return Outcome(Heard.IGNORED, tcp)
        if new is TcpState.ESTABLISHED:
            timeout = UNACKNOWLEDGED
    elif new is TcpState.ESTABLISHED and old in (TcpState.SYN_RECV, TcpState.ESTABLISHED):
        assured = True
    return Outcome(Heard.ACCEPTED, tcp, assured=assured, timeout=timeout)


def makes_way(old: Tcp, new: Tcp) -> bool:
    """Whether a connection is over, and a new one with later numbers may take its place.

    Kernel: net/netfilter/nf_nat_core.c (nf_nat_may_kill, nf_seq_has_advanced)
    """
    over = old.state in (TcpState.TIME_WAIT, TcpState.CLOSE, TcpState.SYN_SENT2)
    return over and new.state is TcpState.SYN_SENT and _after(new.sides[0].end, old.sides[0].end)


def closing(tcp: Tcp) -> Tcp:
    """The connection after this machine has sent a RST of its own (nf_ct_set_closing)."""
    return replace(tcp, state=TcpState.CLOSE)
