"""The fields that rules test: how each is read, and how it is said in English."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iptlab.netfilter.context import Connection, Context
from iptlab.netfilter.values import ProtocolNumber
from iptlab.packet import Packet


@dataclass(frozen=True)
class Field:
    """One thing a condition can look at.

    ``read`` answers None when the packet has no such thing, and CannotTell when nobody
    said. ``is_`` and ``is_not`` complete "the packet ..." with the wanted value in place
    of {}; ``lacks`` says what is so when ``read`` answers None.
    """

    name: str
    read: Callable[[Packet, Context], object]
    is_: str
    is_not: str
    lacks: str = ""

    def says(self, value: object, *, negated: bool = False) -> str:
        """The claim that a condition makes about the packet, without its subject."""
        return (self.is_not if negated else self.is_).format(in_words(value))

    def fact(self, packet: Packet, context: Context) -> str:
        """What is true of this packet, without its subject."""
        value = self.read(packet, context)
        return self.lacks if value in (None, "", ()) else self.is_.format(in_words(value))


def in_words(value: object) -> str:
    """A value as a sentence says it: its ``words()`` if it has them, else its text."""
    words = getattr(value, "words", None)
    return str(words() if words else value)


def of_connection(name: str, read: Callable[[Connection], object], is_: str, is_not: str) -> Field:
    """A field of the packet's connection, which a packet that is not tracked does not have."""

    def look(packet: Packet, context: Context) -> object:
        tracked = context.tracked
        return read(tracked) if isinstance(tracked, Connection) else tracked

    return Field(name, look, is_, is_not, "belongs to no tracked connection")


SRC = Field("src", lambda p, c: p.src, "comes from {}", "does not come from {}")
DST = Field("dst", lambda p, c: p.dst, "goes to {}", "does not go to {}")
IN_INTERFACE = Field(
    "in_interface",
    lambda p, c: c.in_interface,
    "came in through {}",
    "did not come in through {}",
    "did not come in through an interface",
)
OUT_INTERFACE = Field(
    "out_interface",
    lambda p, c: c.out_interface,
    "leaves through {}",
    "does not leave through {}",
    "has no interface to leave by here",
)
PROTOCOL = Field("protocol", lambda p, c: ProtocolNumber(p.protocol), "is {}", "is not {}")
FRAGMENT = Field(
    "fragment",
    lambda p, c: p.fragment > 0,
    "is a second or further fragment",
    "is whole or a first fragment",
)
SPORT = Field(
    "sport",
    lambda p, c: p.sport,
    "comes from port {}",
    "does not come from port {}",
    "has no source port",
)
DPORT = Field(
    "dport",
    lambda p, c: p.dport,
    "goes to port {}",
    "does not go to port {}",
    "has no destination port",
)


class Either(tuple[object, ...]):
    """Several things a packet carries at once; one that is wanted is enough.

    An empty one is a packet that could carry some and carries none: ``!`` holds then.
    """

    def words(self) -> str:
        """The things as a sentence says them."""
        return " and ".join(in_words(thing) for thing in self)


EITHER_PORT = Field(
    "ports",
    lambda p, c: None if p.sport is None else Either((p.sport, p.dport)),
    "comes from or goes to port {}",
    "neither comes from nor goes to port {}",
    "has no ports",
)
TCP_FLAGS = Field(
    "flags",
    lambda p, c: p.flags if p.protocol == 6 and not p.fragment else None,
    "has the flags {}",
    "does not have the flags {}",
    "has no TCP flags",
)
ICMP_TYPE = Field(
    "icmp",
    lambda p, c: p.icmp,
    "is an ICMP message of {}",
    "is not an ICMP message of {}",
    "is no ICMP message",
)
CTSTATE = Field(
    "ctstate",
    lambda p, c: c.ctstate,
    "belongs to a connection in state {}",
    "does not belong to a connection in state {}",
)
MARK = Field("mark", lambda p, c: p.mark, "has mark {}", "does not have mark {}")
