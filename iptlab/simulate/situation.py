"""A packet in its place, as one line: ``in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iptlab.errors import PacketError
from iptlab.netfilter.context import Context, CtState
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.trace import HookVisit
from iptlab.simulate.walk import walk


@dataclass(frozen=True)
class Situation(Shown):
    """A packet at a hook, with what the kernel knows about it there."""

    packet: Packet
    context: Context

    @classmethod
    def parse(cls, text: str, hook: Hook | None = None) -> Situation:
        """Read ``[HOOK] [in NAME] [out NAME] [ctstate STATE] PACKET``.

        Without a hook, a packet with two interfaces is in FORWARD, one with only an
        outgoing one in OUTPUT, any other in INPUT. An interface the hook has and the text
        leaves out is eth0 (for leaving a router: eth1); the state is NEW.

        >>> Situation.parse("in eth0 out eth1 icmp 10.0.0.9 -> 10.0.0.1").context.hook.value
        'FORWARD'
        """
        words = text.split()
        given: dict[str, str] = {}
        while words and (words[0] in _ASKED or words[0] in set(Hook)):
            if (word := words.pop(0)) in set(Hook):
                hook = Hook(word)
            elif words:
                given[word] = words.pop(0)
        return cls(Packet.parse(" ".join(words)), _context(given, hook))

    def __str__(self) -> str:
        """The same words that ``parse`` reads."""
        here = self.context
        words = [str(here.hook)]
        words += [f"in {here.in_interface}"] if here.in_interface else []
        words += [f"out {here.out_interface}"] if here.out_interface else []
        return " ".join([*words, f"ctstate {here.ctstate}", str(self.packet)])

    def walk(self, tables: Mapping[TableName, Table]) -> HookVisit:
        """The packet's way through the tables at its hook."""
        return walk(tables, self.packet, self.context)


_ASKED = ("in", "out", "ctstate")


def _context(given: Mapping[str, str], hook: Hook | None) -> Context:
    if hook is None:
        hook = Hook.INPUT if "out" not in given else Hook.FORWARD if "in" in given else Hook.OUTPUT
    for word, has in (("in", hook.has_in_interface), ("out", hook.has_out_interface)):
        if word in given and not has:
            raise PacketError(f"a packet in {hook} has no `{word}' interface; leave `{word}' out")
    usual_out = "eth1" if hook is Hook.FORWARD else "eth0"
    state = given.get("ctstate", CtState.NEW).upper()
    if state not in set(CtState):
        raise PacketError(f"`{state}' is no connection state; they are {', '.join(CtState)}")
    return Context(
        hook,
        given.get("in", "eth0") if hook.has_in_interface else "",
        given.get("out", usual_out) if hook.has_out_interface else "",
        CtState(state),
    )


def trace(rules: Ruleset, packet: str | Situation, hook: Hook | None = None) -> HookVisit:
    r"""Take a packet through the rules of its hook and tell every rule's answer.

    >>> rules = Ruleset.parse("*filter\n-A INPUT -p tcp --dport 22 -j DROP\nCOMMIT\n")
    >>> trace(rules, "tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN").conclusion
    'DROP by filter INPUT 1'
    """
    situation = Situation.parse(packet, hook) if isinstance(packet, str) else packet
    if situation.packet.family != rules.family:
        raise PacketError(
            f"the packet is IPv{situation.packet.family}, but these are IPv{rules.family} rules; "
            "iptables and ip6tables never see each other's packets"
        )
    return situation.walk(rules.tables)
