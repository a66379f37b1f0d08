"""What joins machines: plugs and links, and the processes that listen behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from iptlab.packet import Address, Packet


class Plug(NamedTuple):
    """A machine's interface, as an end of a link."""

    machine: str
    interface: str

    def __str__(self) -> str:
        return f"{self.machine} {self.interface}"


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that waits for connections or datagrams; without an address on all of them.

    ``says`` is the text that it answers with, for those who want to read it.
    """

    machine: str
    protocol: int
    port: int
    name: str = ""
    address: Address | None = None
    says: str = ""

    @property
    def text(self) -> str:
        """What it answers with; if nobody said anything, its name."""
        return self.says or f"hello from {self.name or self.machine}\n"

    def hears(self, machine: str, packet: Packet) -> bool:
        """Whether a packet delivered on that machine is for this process."""
        here = (machine, packet.protocol, packet.dport) == (self.machine, self.protocol, self.port)
        return here and self.address in (None, packet.dst)


@dataclass(frozen=True)
class Link:
    """A wire or a switch: every plug hears what another one sends to it.

    ``known`` are more plugs, by addresses that are known beforehand; so their machines need
    not be asked who they are, and can wait to be made until something comes to them.
    """

    plugs: tuple[Plug, ...]
    known: Mapping[Address, Plug] = field(default_factory=dict)

    @classmethod
    def of(cls, *plugs: str) -> Link:
        """A link from words: ``Link.of("router eth1", "laptop eth0")``."""
        return cls(tuple(Plug(*plug.split()) for plug in plugs))

    @cached_property
    def joined(self) -> frozenset[Plug]:
        """Every plug that is in it."""
        return frozenset((*self.plugs, *self.known.values()))
