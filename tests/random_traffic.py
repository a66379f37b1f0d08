"""Packets that give a random rule set something to do.

They belong to flows, often such as some rule asks for, whose answers are made from what
really came out. Everything is drawn from one seed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from random_rules import MARKS, TCP_PORTS, UDP_PORTS, Dice, Packet, World, words

from iptlab.kernel.frames import build

Send = Callable[[Packet], dict[str, Any]]

# a packet's words before and after those that every packet has
BEFORE = words("inject link smac uid gid mark")
AFTER = words(
    "sport dport flags seq ack win mss type code icmp_id icmp_seq inner mtu data chunk vtag itag"
    " bad_csum"
)


class Traffic:
    """Flows through the machine; each packet is sent as soon as it is drawn."""

    def __init__(self, dice: Dice, world: World, hints: list[Packet], send: Send) -> None:
        self.dice, self.world, self.hints = dice, world, hints
        self.packets: list[Packet] = []
        self._really_send = send
        self._flows: list[Packet] = []

    def run(self, count: int) -> None:
        """Send about ``count`` packets."""
        kinds = [self._tcp] * 7 + [self._udp] * 5 + [self._icmp] * 2
        kinds += [
            self._sctp,
            self._other,
            self._odd_tcp,
            self._odd_tcp,
            self._strange,
            self._strange,
        ]
        kinds += [self._again, self._error, self._again]
        while len(self.packets) < count:
            self.dice.pick(kinds)()

    def _send(self, packet: Packet) -> dict[str, Any]:
        number = len(self.packets) + 1
        full: Packet = {key: packet[key] for key in BEFORE if key in packet}
        full |= {"ip": self.world.family, "src": packet["src"], "dst": packet["dst"]}
        full |= {
            "proto": packet["proto"],
            "ttl": packet.get("ttl", 64),
            "tos": packet.get("tos", 0),
        }
        if self.world.family == 4:
            full |= {"id": 4096 + number, "df": True}
        else:
            full["flowlabel"] = 65536 + number
        full |= {key: packet[key] for key in AFTER if key in packet}
        full["hex"] = build(full).hex()
        self.packets.append(full)
        return self._really_send(full)

    # who speaks to whom

    def _ends(self) -> Packet:
        """Where a new flow comes from and where it goes, often as some rule wishes."""
        dice, world = self.dice, self.world
        hint: Packet = {}
        if self.hints and dice.chance(75):
            hint = dice.pick(self.hints)
            if dice.chance(20):
                hint = dice.pick(self.hints) | hint
        local = dice.chance(15) or hint.get("hook") == "OUTPUT" or "uid" in hint
        own = [a for addresses in world.own.values() for a in addresses]
        loop = "127.0.0.1" if world.family == 4 else "::1"
        found: Packet = {}
        if local:
            target = hint.get("dst") or dice.pick([world.anyone(dice)] * 6 + [loop, *own])
            if "out" in hint and "dst" not in hint:
                target = world.near(dice, hint["out"])
            found = {"inject": "local", "src": self._source_for(target), "dst": target}
            if dice.chance(30) or "uid" in hint:
                found |= {"uid": 1000, "gid": dice.pick((1000, 1000, 100))}
            if dice.chance(6):
                found["mark"] = dice.pick(MARKS)
        else:
            link = hint.get("in") or self._link_of(hint.get("src")) or dice.pick(world.links)
            source = hint.get("src") or world.near(dice, link)
            if source in own:
                source = world.near(dice, link)
            target = hint.get("dst") or (
                dice.pick(world.own[link] * 3 + own)
                if dice.chance(32) or hint.get("hook") == "INPUT"
                else world.anyone(dice)
            )
            if "out" in hint and "dst" not in hint:
                target = world.near(dice, hint["out"])
            found = {"inject": link, "src": source, "dst": target}
            if world.unrouted and dice.chance(4):
                found["dst"] = dice.pick(world.unrouted)
            if "smac" in hint and dice.chance(70):
                found["smac"] = hint["smac"]
        if dice.chance(5):
            found["ttl"] = dice.pick((1, 2, 5, 128, 255))
        if dice.chance(6):
            found["tos"] = dice.pick((0x10, 0x08, 0xB8, 0x28))
        return found | {"hint": hint}

    def _link_of(self, address: str | None) -> str | None:
        return next((k for k, v in self.world.links.items() if address in v), None)

    def _source_for(self, target: str) -> str:
        """The address that the machine would take towards ``target``."""
        for addresses in self.world.own.values():
            if target in addresses:
                return target
        if target in ("127.0.0.1", "::1"):
            return target
        link = self._link_of(target) or self.world.outside
        return self.world.own[link][0]

    def _port(self) -> int:
        return self.dice.pick((self.dice.randint(32768, 60999),) * 8 + (22, 53, 123, 443, 765))

    def _flow(self, proto: Any, known: tuple[int, ...]) -> Packet:
        ends = self._ends()
        hint = ends.pop("hint")
        flow = ends | {"proto": proto, "sport": hint.get("sport") or self._port()}
        same = hint.get("proto") in (proto, None)
        flow["dport"] = (same and hint.get("dport")) or self.dice.pick(
            [*known] * 3 + [self.dice.randint(1024, 65000)]
        )
        return flow

    def _answer(self, packet: Packet, expect: dict[str, Any]) -> Packet | None:
        """The other end's answer to a packet that arrived there, without what is in it."""
        fate, out = expect["fate"], expect.get("exit")
        if out is None:
            return None
        where = "local" if fate == "delivered-local" else fate.partition(":")[2]
        found = {"inject": where, "src": out["dst"], "dst": out["src"], "proto": out["proto"]}
        if "sport" in out:
            found |= {"sport": out["dport"], "dport": out["sport"]}
        return found

    # flows

    def _tcp(self) -> None:
        dice = self.dice
        flow = self._flow("tcp", TCP_PORTS)
        syn = flow | {"flags": "SYN", "seq": 1000000, "ack": 0, "win": 64240, "data": 0}
        if dice.chance(40):
            syn["mss"] = dice.pick((1460, 1460, 1460, 536))
        if dice.chance(3):
            syn["bad_csum"] = True
        seen = self._send(syn)
        while dice.chance(25 if "exit" in seen else 35):
            seen = self._send(syn)
        self._flows.append(flow)
        back = self._answer(syn, seen)
        if back is None:
            return
        if dice.chance(12):
            self._send(back | _segment("RST,ACK", 0, 1000001))
            return
        if dice.chance(8):
            return self._icmp_about(syn, seen)
        mss = {"mss": syn["mss"]} if "mss" in syn else {}
        self._send(back | _segment("SYN,ACK", 9000000, 1000001) | mss)
        if dice.chance(90):
            self._established(flow, back)

    def _established(self, flow: Packet, back: Packet) -> None:
        dice = self.dice
        self._send(flow | _segment("ACK", 1000001, 9000001))
        sent = 1000001
        if dice.chance(50):
            size = dice.pick((20, 100, 500, 1000))
            self._send(flow | _segment("PSH,ACK", sent, 9000001, size))
            sent += size
            self._send(back | _segment("ACK", 9000001, sent))
        if dice.chance(10):
            self._send(flow | _segment("PSH,ACK", sent + 3_000_000_000, 9000001, 20))
        if dice.chance(8):
            self._send(back | _segment("RST", 9000001, 0))
        elif dice.chance(35):
            self._send(flow | _segment("FIN,ACK", sent, 9000001))
            if dice.chance(70):
                self._send(back | _segment("FIN,ACK", 9000001, sent + 1))
                self._send(flow | _segment("ACK", sent + 1, 9000002))
                if dice.chance(40):
                    self._send(flow | _segment("SYN", 2000000, 0))

    def _udp(self) -> None:
        dice = self.dice
        flow = self._flow(dice.pick(("udp",) * 12 + ("udplite",)), UDP_PORTS)
        ask = flow | {"data": dice.pick((20, 20, 20, 100, 1000))}
        if dice.chance(4):
            ask["bad_csum"] = True
        seen = self._send(ask)
        self._flows.append(flow)
        back = self._answer(ask, seen)
        while dice.chance(40):
            if back and dice.chance(65):
                self._send(back | {"data": 20})
            elif back and dice.chance(15):
                self._icmp_about(ask, seen)
            else:
                self._send(ask)

    def _icmp(self) -> None:
        dice, four = self.dice, self.world.family == 4
        ends = self._ends()
        ends.pop("hint")
        kind = dice.pick((8, 8, 8, 13)) if four else 128
        ask = ends | {"proto": "icmp" if four else "icmpv6", "type": kind, "code": 0}
        ask |= {"icmp_id": dice.randint(1, 65535), "icmp_seq": 1, "data": 56}
        if dice.chance(6):
            ask["type"] = dice.pick((0, 14, 40, 17) if four else (129, 200))
            if ask["type"] in (40, 200):
                ask |= {"icmp_id": 0, "icmp_seq": 0}
        seen = self._send(ask)
        if dice.chance(25):
            seen = self._send(ask | {"icmp_seq": 2})
        out = seen.get("exit")
        if out and "icmp_id" in out and dice.chance(75):
            back = self._answer(ask, seen) or {}
            answer = {8: 0, 13: 14, 128: 129, 17: 18}.get(out["type"], out["type"])
            ids = {"icmp_id": out["icmp_id"], "icmp_seq": out["icmp_seq"], "data": 56}
            self._send(back | {"type": answer, "code": 0} | ids)

    def _sctp(self) -> None:
        flow = self._flow("sctp", (25, 80, 443, 53))
        ask = flow | {"chunk": "INIT", "vtag": 0}
        back = self._answer(ask, self._send(ask))
        if back and self.dice.chance(85):
            self._send(back | {"chunk": "INIT_ACK", "vtag": 0x1111, "itag": 0x2222})
            self._send(flow | {"chunk": "COOKIE_ECHO", "vtag": 0x2222})
            if self.dice.chance(70):
                self._send(back | {"chunk": "COOKIE_ACK", "vtag": 0x1111})
            if self.dice.chance(40):
                self._send(flow | {"chunk": "SHUTDOWN", "vtag": 0x2222})

    def _other(self) -> None:
        ends = self._ends()
        ends.pop("hint")
        ask = ends | {"proto": self.dice.pick((47, 50, 89)), "data": 8}
        if ask["proto"] == 47 and self.dice.chance(50):
            ask["proto"] = 50
        seen = self._send(ask)
        back = self._answer(ask, seen)
        if back and self.dice.chance(60):
            self._send(back | {"data": 8})

    def _odd_tcp(self) -> None:
        words = (
            "ACK",
            "SYN,ACK",
            "RST",
            "RST,ACK",
            "FIN",
            "FIN,ACK",
            "NONE",
            "FIN,PSH,URG",
            "SYN,FIN",
            "SYN,RST",
            "PSH,ACK",
            "URG",
            "SYN,ECE,CWR",
        )
        flow = self.dice.pick(self._flows) if self._flows and self.dice.chance(60) else None
        flow = flow if flow and flow["proto"] == "tcp" else self._flow("tcp", TCP_PORTS)
        self._send(flow | _segment(self.dice.pick(words), 1000001, 9000001))

    def _again(self) -> None:
        """An old client's port towards another place, or an old flow once more."""
        if not self._flows:
            return
        flow = self.dice.pick(self._flows)
        if self.dice.chance(60):
            other = self.dice.pick(self._flows)
            flow = flow | {"dst": self.dice.pick((other["dst"], self.world.anyone(self.dice)))}
            if flow["inject"] == "local":
                flow["src"] = self._source_for(flow["dst"])
        elif self.dice.chance(50) and flow["inject"] != "local":
            flow = flow | {"src": self.world.near(self.dice, flow["inject"])}
        first = _segment("SYN", 5000000, 0) if flow["proto"] == "tcp" else {"data": 20}
        seen = self._send(flow | first)
        back = self._answer(flow, seen)
        if back and self.dice.chance(60):
            reply = (
                _segment("SYN,ACK", 7000000, 5000001) if flow["proto"] == "tcp" else {"data": 20}
            )
            self._send(back | reply)

    def _icmp_about(
        self, packet: Packet, seen: dict[str, Any], kind_and_code: tuple[int, int] | None = None
    ) -> None:
        """An ICMP error about a packet as it came out, by its receiver or by a router."""
        dice, four = self.dice, self.world.family == 4
        back = self._answer(packet, seen)
        if back is None:
            return
        family = {"ip": self.world.family}
        head = family | {k: v for k, v in seen["exit"].items() if k not in ("mark", "len")}
        head |= {"id": packet.get("id", 4096), "flowlabel": 65536}
        quoted = build(head | {"mss": None})[: 28 if four else 80]
        codes = (
            ((3, 3), (3, 1), (11, 0), (3, 4), (3, 13), (12, 0))
            if four
            else ((1, 4), (1, 0), (3, 0), (2, 0))
        )
        kind, code = kind_and_code or dice.pick(codes)
        error: Packet = {"inject": back["inject"], "dst": back["dst"]}
        error["src"] = back["src"]
        if back["inject"] != "local" and dice.chance(35):
            error["src"] = self.world.near(dice, back["inject"])
        error |= {"proto": "icmp" if four else "icmpv6", "type": kind, "code": code}
        if (kind, code) in ((3, 4), (2, 0)):
            error["mtu"] = 1400
        self._send(error | {"inner": quoted.hex()})

    def _error(self) -> None:
        """An error about a flow that may or may not be known."""
        if not self._flows:
            return
        flow = self.dice.pick(self._flows)
        first = _segment("ACK", 1000001, 9000001) if flow["proto"] == "tcp" else {"data": 20}
        packet = flow | first
        self._icmp_about(packet, self._send(packet))

    def _strange(self) -> None:
        """What only the link layer or routing knows how to treat."""
        dice, world = self.dice, self.world
        flow = self._flow("udp", UDP_PORTS)
        if flow["inject"] == "local":
            if world.family == 4 and dice.chance(40):
                link = dice.pick(world.links)
                net = ipaddress.ip_interface(f"{world.own[link][0]}/24").network
                flow |= {
                    "dst": dice.pick((str(net.broadcast_address), "255.255.255.255", "224.0.0.1"))
                }
                if link == "flannel.1" or link == "docker0" or link == "br-4f1c":
                    flow["dst"] = "224.0.0.1"
                flow["src"] = world.own[world.outside][0]
            self._send(flow | {"data": 20})
            return
        own = world.own[flow["inject"]][0]
        four = (
            {"link": "broadcast", "dst": "255.255.255.255"},
            {
                "link": "broadcast",
                "dst": str(ipaddress.ip_interface(f"{own}/24").network.broadcast_address),
            },
            *({"link": "multicast", "dst": "224.0.0.1"}, {"link": "multicast", "dst": "239.1.1.1"}),
            *({"link": "otherhost"}, {"link": "broadcast"}, {"src": own}, {"src": "127.0.0.1"}),
            *({"dst": "127.0.0.1"}, {"src": "224.0.0.5"}, {"src": "0.0.0.0"}, {"dst": "240.0.0.1"}),
            *({"ttl": 1}, {"ttl": 1, "dst": own}, {"bad_csum": True}, {"ttl": 2}),
        )
        six = (
            *({"link": "multicast", "dst": "ff02::1"}, {"link": "multicast", "dst": "ff05::2"}),
            *({"link": "otherhost"}, {"src": own}, {"src": "::1"}, {"dst": "::1"}),
            *({"src": "ff02::1"}, {"ttl": 1}, {"ttl": 1, "dst": own}, {"bad_csum": True}),
        )
        self._send(flow | {"data": 20} | dice.pick(four if world.family == 4 else six))


def _segment(flags: str, seq: int, ack: int, data: int = 0) -> Packet:
    return {"flags": flags, "seq": seq & 0xFFFFFFFF, "ack": ack, "win": 64240, "data": data}
