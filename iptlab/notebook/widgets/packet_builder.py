"""A packet, field by field or as one line, and at once what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from iptlab import course
from iptlab.errors import IptlabError, PacketError
from iptlab.grading import Exercise, SupplyPacket, grade
from iptlab.grading.fates import ending
from iptlab.html import Html, element
from iptlab.kubernetes.cluster import Cluster
from iptlab.netfilter.context import CtState
from iptlab.netfilter.hooks import Hook
from iptlab.notebook.session import seed
from iptlab.notebook.widgets.form import Field, Form, Reply
from iptlab.packet import Family, Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.situation import Situation
from iptlab.simulate.trace import HookVisit
from iptlab.view import way_html

USUAL = "in eth0 tcp 10.0.0.9:40000 -> 10.0.0.1:22 SYN"
_PORTS = ("22", "53", "80", "443", "30080", "40000")
_MOST_OFFERED = 40
_PLACE = ("in", "out", "ctstate")
# each field with a packet that shows what is wrong with it alone
_PROBES = {
    "protocol": "{} 10.0.0.9 -> 10.0.0.1",
    "src": "icmp {} -> {}",
    "dst": "icmp {} -> {}",
    "sport": "udp 10.0.0.9:{} -> 10.0.0.1:53",
    "dport": "udp 10.0.0.9:53 -> 10.0.0.1:{}",
}
_FIELDS = (
    Field("line", "packet, as one line", "wide"),
    Field("hook", "hook", options=tuple(Hook)),
    Field("in", "comes in by", options=("eth0", "eth1", "lo")),
    Field("out", "goes out by", options=("eth0", "eth1", "lo")),
    Field("ctstate", "state", options=tuple(CtState)),
    Field("protocol", "protocol", options=("tcp", "udp", "icmp", "icmpv6", "sctp")),
    Field("src", "source", options=("10.0.0.9", "192.168.1.10", "203.0.113.7")),
    Field("sport", "source port", options=_PORTS),
    Field("dst", "destination", options=("10.0.0.1", "192.168.1.1", "203.0.113.1")),
    Field("dport", "destination port", options=_PORTS),
    Field("rest", "flags and more", options=("SYN", "ACK", "SYN,ACK", "RST", "ttl=1", "mark=0x1")),
)


class PacketBuilder(Form):
    """A form for a packet; ``line`` is it as text.

    ``PacketBuilder(rules)`` and ``PacketBuilder(host)`` tell at once what becomes of it;
    ``PacketBuilder("03-gap")`` whether it is an answer to that exercise.
    """

    def __init__(self, ground: Ruleset | Host | str | None = None, packet: str = USUAL) -> None:
        self.exercise = course.exercise(ground, seed()) if isinstance(ground, str) else None
        if self.exercise and not _asks_for_a_packet(self.exercise):
            raise IptlabError(f"{self.exercise.id} does not ask for a packet; write ExercisePanel")
        self.ground = None if isinstance(ground, str) else ground
        # a host finds out itself where packets go and which state they have
        left_out = ("hook", "out", "ctstate") if isinstance(ground, Host) else ()
        fields = [_offering(one, self.ground) for one in _FIELDS if one.name not in left_out]
        title = f"A packet for {self.exercise.id}" if self.exercise else "A packet"
        intro = self.exercise.task if self.exercise else ""
        values = {"line": packet, **_parted(packet)}
        super().__init__(title, *fields, values=values, intro=intro)

    @property
    def line(self) -> str:
        """The packet in its place, as text."""
        return self.values["line"]

    def answer(self, do: str) -> Reply:
        if self.changed and "line" not in self.changed:
            return self._from_fields()
        try:
            return Reply(self._verdict(self.line), values=_parted(self.line))
        except IptlabError as error:
            return Reply(marks={"line": str(error)})

    def _from_fields(self) -> Reply:
        """The line that the fields make, if they make one."""
        line = _joined(self.values)
        try:
            return Reply(self._verdict(line), values={"line": line})
        except IptlabError as error:
            # what is wrong with one field is said there, all else where somebody typed
            return Reply(marks=_complaints(self.values) or {min(self.changed): str(error)})

    def _verdict(self, line: str) -> Html:
        """What becomes of the packet; an IptlabError if it is none."""
        situation = None if isinstance(self.ground, Host) else Situation.parse(line)
        if self.exercise:
            return grade(self.exercise, line).html()
        if self.ground is None:
            assert situation is not None, "only a host reads packets by itself"
            return element("p", str(situation.packet))
        found = ending(self.ground, situation or line)
        said = element("p", element("strong", found.said))
        assert isinstance(found.evidence, HookVisit | Journey), "a builder knows no cluster"
        way = element("summary", "The packet's way"), way_html(found.evidence, told=True)
        return element("div", said, element("details", *way, open="open"))


# fields that also offer what the rules speak of, and how their options begin
_SPOKEN_OF = {
    "in": "-i",
    "out": "-o",
    "src": "-[sd]",
    "dst": "-[sd]",
    "sport": "--[sd]ports?",
    "dport": "--[sd]ports?",
}


def _offering(field: Field, ground: Ruleset | Host | None) -> Field:
    """The field with what the ground's rules and interfaces are called before the usual words."""
    option, found = _SPOKEN_OF.get(field.name), []
    if isinstance(ground, Host):
        found = [*ground.by_name] if field.name == "in" else []
        ground = ground.rules.get(Family.IPV4)
    if option and ground:
        words = re.findall(rf" {option} ([\w.:]+)", ground.save())
        found += [word for word in words if field.name in ("in", "out") or ":" not in word]
    return replace(field, options=tuple(dict.fromkeys((*found, *field.options)))[:_MOST_OFFERED])


def _asks_for_a_packet(exercise: Exercise) -> bool:
    """Whether a packet is its answer; in a cluster that is a connection."""
    if not isinstance(exercise, SupplyPacket):
        return False
    return not any(isinstance(ground(), Cluster) for _, ground in exercise.rules)


def _parted(line: str) -> dict[str, str]:
    """The fields that a line means."""
    words = line.split()
    found = dict.fromkeys((one.name for one in _FIELDS[1:]), "")
    while words and (words[0] in _PLACE or words[0] in set(Hook)):
        word = words.pop(0)
        found["hook" if word in set(Hook) else word] = words.pop(0) if word in _PLACE else word
    packet = Packet.parse(" ".join(words))
    found["protocol"], _, _, _, *rest = words
    for end, port in (("src", "sport"), ("dst", "dport")):
        found[end] = str(getattr(packet, end))
        number = getattr(packet, port)
        found[port] = "" if number is None else str(number)
    return found | {"rest": " ".join(rest)}


def _joined(values: Mapping[str, str]) -> str:
    """The line that fields make."""
    get = {name: values.get(name, "").strip() for name in values}
    words = [get.get("hook", ""), *(f"{name} {get[name]}" for name in _PLACE if get.get(name))]
    ends = [_end(get["src"], get["sport"]), "->", _end(get["dst"], get["dport"])]
    return " ".join(filter(None, (*words, get["protocol"], *ends, get["rest"])))


def _end(address: str, port: str) -> str:
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _complaints(values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with single fields."""
    found = {}
    for name, probe in _PROBES.items():
        typed = values.get(name, "").strip()
        if name in ("sport", "dport") and not typed:
            continue
        try:
            Packet.parse(probe.replace("{}", typed or "?"))
        except PacketError as error:
            if name != "protocol" or "is no protocol" in str(error):
                found[name] = str(error)
    return found
