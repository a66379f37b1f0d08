"""Random traffic beyond ordinary flows: walks through TCP and SCTP, ICMP of every type.

``random_traffic.py`` draws what is met most; here the rest is added, more seldom.
"""

from __future__ import annotations

from random_extensions import SCTP_CHUNKS
from random_rules import MARKS, TCP_PORTS, Packet, words
from random_traffic import Traffic

FLAGS = words(
    "ACK ACK ACK PSH,ACK PSH,ACK FIN,ACK FIN,ACK SYN SYN,ACK RST RST,ACK FIN NONE"
    " SYN,ECE,CWR FIN,PSH,URG SYN,FIN"
)
# how far a segment may be from where the other end waits for it
OFF = (0,) * 12 + (1, -1, 100, -100, 5000, -5000, 70_000, 200_000, 1 << 31, -70_000)
WINDOWS = (64240,) * 6 + (0, 1, 1000, 65535)
_QUERIES = {4: (8, 13, 15, 17, 0, 14, 16, 18), 6: (128, 129)}
# without the errors, which quote a packet, and without what the box itself would answer
_TYPES = {4: (1, 2, 6, 7, 9, 10, 19, 30, 40, 42, 255), 6: (5, 100, 127, 138, 141, 144, 200, 255)}
_ERRORS = {
    4: [(3, code) for code in range(16)] + [(4, 0), (5, 0), (5, 1), (11, 0), (11, 1), (12, 0)],
    6: [(1, code) for code in range(7)] + [(2, 0), (3, 0), (3, 1), (4, 0), (4, 1), (4, 2)],
}


class WideTraffic(Traffic):
    """Flows and single packets of every kind that iptlab models."""

    def run(self, count: int) -> None:
        rare = (self._walk, self._walk, self._chunks, self._any_icmp, self._any_error, self._marked)
        while len(self.packets) < count:
            if self.dice.chance(65):
                super().run(len(self.packets) + 1)
            else:
                self.dice.pick(rare)()

    def _walk(self) -> None:
        """A TCP connection whose two ends send almost anything."""
        dice = self.dice
        flow = self._flow("tcp", TCP_PORTS)
        seq = {"o": dice.randint(0, 0xFFFFFFFF), "r": dice.randint(0, 0xFFFFFFFF)}
        syn = flow | _segment("SYN", seq["o"], 0, 64240, 0)
        if dice.chance(30):
            syn["mss"] = dice.pick((1460, 536))
        seen = self._send(syn)
        self._flows.append(flow)
        seq["o"] += 1
        sides = {"o": flow, "r": self._answer(syn, seen)}
        first = ["SYN,ACK", "ACK"] if dice.chance(70) else []
        for step in range(dice.randint(3, 12)):
            who = dice.pick("or") if step >= len(first) else "ro"[step]
            side = sides[who]
            if side is None:
                continue
            flags = first[step] if step < len(first) else dice.pick(FLAGS)
            other = seq["r" if who == "o" else "o"]
            off, size = (dice.pick(OFF), dice.pick((0, 0, 0, 20, 500))) if step >= 2 else (0, 0)
            ack = other + (dice.pick(OFF) if dice.chance(10) else 0) if "ACK" in flags else 0
            self._send(side | _segment(flags, seq[who] + off, ack, dice.pick(WINDOWS), size))
            if not off:
                seq[who] += size + ("SYN" in flags or "FIN" in flags)

    def _chunks(self) -> None:
        """An SCTP association whose two ends send almost any chunk."""
        dice = self.dice
        flow = self._flow("sctp", (25, 80, 443))
        ask = flow | {"chunk": "INIT", "vtag": 0}
        back = self._answer(ask, self._send(ask))
        tags = {"o": 0x2222, "r": 0x1111}
        for _ in range(dice.randint(1, 7)):
            who = dice.pick("or")
            side = flow if who == "o" else back
            if side is None:
                continue
            chunk = dice.pick((*SCTP_CHUNKS, "SHUTDOWN_ACK", "SHUTDOWN_COMPLETE", "HEARTBEAT_ACK"))
            tag = 0 if chunk == "INIT" else tags[who]
            if dice.chance(8):
                tag = dice.pick((0, 0x1111, 0x2222, 0x3333))
            own = 0x2222 if who == "r" else 0x1111
            self._send(side | {"chunk": chunk, "vtag": tag, "itag": own})

    def _any_icmp(self) -> None:
        dice, family = self.dice, self.world.family
        ends = self._ends()
        ends.pop("hint")
        kind = dice.pick(_QUERIES[family] + _TYPES[family])
        ask: Packet = ends | {"proto": "icmp" if family == 4 else "icmpv6", "type": kind}
        number = dice.randint(1, 65535) if kind in _QUERIES[family] else 0
        ask |= {"code": dice.pick((0, 0, 0, 1, 5)), "icmp_id": number, "icmp_seq": 1 * bool(number)}
        self._send(ask | {"data": dice.pick((0, 8, 56))})

    def _any_error(self) -> None:
        """An ICMP error of any type about some flow, from anybody, in either direction."""
        if not self._flows:
            return
        dice, family = self.dice, self.world.family
        flow = dice.pick(self._flows)
        seen = self._send(flow | _first(flow))
        if "exit" not in seen:
            return
        self._icmp_about(flow | _first(flow), seen, dice.pick(_ERRORS[family]))

    def _marked(self) -> None:
        """A packet of a local process with a mark, or of another user."""
        dice = self.dice
        flow = self._flow(dice.pick(("tcp", "udp")), TCP_PORTS)
        if flow["inject"] == "local":
            flow |= {"uid": dice.pick((0, 33, 1000)), "gid": dice.pick((0, 100, 1000))}
            flow["mark"] = dice.pick((0, *MARKS))
        seen = self._send(flow | _first(flow))
        back = self._answer(flow, seen)
        if back and dice.chance(70):
            self._send(back | _first(back))


def _first(flow: Packet) -> Packet:
    if flow["proto"] == "tcp":
        return _segment("SYN", 5000000, 0, 64240, 0)
    return {"chunk": "INIT", "vtag": 0} if flow["proto"] == "sctp" else {"data": 20}


def _segment(flags: str, seq: int, ack: int, win: int, data: int) -> Packet:
    ends = {"seq": seq & 0xFFFFFFFF, "ack": ack & 0xFFFFFFFF}
    return {"flags": flags, **ends, "win": win, "data": data}
