"""Entries of the connection tracking table, and which of them kube-proxy removes.

UDP has no connection that ends: as long as a client keeps sending, its entry keeps sending
the packets to an endpoint, even to one that is gone. So kube-proxy removes such entries.

Source: kubernetes/pkg/proxy/conntrack/cleanup.go
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from iptlab.kubernetes.addresses import canonical, family_of
from iptlab.kubernetes.fields import Fields
from iptlab.packet import Family


@dataclass(frozen=True, slots=True)
class Connection:
    """A tracked connection: where its first packet was sent to, and who answers it."""

    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    reply_source: str
    reply_port: int

    @classmethod
    def read(cls, fields: Fields) -> Connection:
        """An entry as ``as_dict`` writes it."""
        return cls(
            fields.choice("protocol", ("TCP", "UDP", "SCTP"), "UDP"),
            _address(fields, "origSrc"),
            fields.number("origPortSrc", 0, 0, 65535),
            _address(fields, "origDst"),
            fields.number("origPortDst", 0, 0, 65535),
            _address(fields, "replySrc"),
            fields.number("replyPortSrc", 0, 0, 65535),
        )

    @property
    def family(self) -> Family:
        """The family of its addresses."""
        return family_of(self.destination)

    def as_dict(self) -> dict[str, object]:
        """The entry as JSON takes it."""
        return {
            "protocol": self.protocol,
            "origSrc": self.source,
            "origPortSrc": self.source_port,
            "origDst": self.destination,
            "origPortDst": self.destination_port,
            "replySrc": self.reply_source,
            "replyPortSrc": self.reply_port,
        }

    def __str__(self) -> str:
        ends = f"{self.source}:{self.source_port} -> {self.destination}:{self.destination_port}"
        return f"{self.protocol.lower()} {ends}, answered by {self.reply_source}:{self.reply_port}"


def _address(fields: Fields, name: str) -> str:
    text = fields.required(name)
    address = canonical(text)
    if not address:
        raise fields.refuse(name, f"`{text}' is no address", "Write one such as 10.244.1.5.")
    return address


Answers = Collection[tuple[str, int]]


@dataclass(frozen=True)
class UdpService:
    """Who may answer packets that were sent to a UDP service port, or to its node port."""

    addresses: tuple[tuple[str, int], ...]
    node_port: int
    endpoints: Answers


def stale(connections: Iterable[Connection], services: Iterable[UdpService]) -> list[Connection]:
    """The entries whose service port has serving endpoints, but not the one that answers.

    That includes entries from before the Service had endpoints, which nobody translated.
    """
    known = list(services)
    by_address = {one: service.endpoints for service in known for one in service.addresses}
    by_node_port = {service.node_port: service.endpoints for service in known if service.node_port}
    return list(_stale(connections, by_address, by_node_port))


def _stale(
    connections: Iterable[Connection],
    by_address: Mapping[tuple[str, int], Answers],
    by_node_port: Mapping[int, Answers],
) -> Iterator[Connection]:
    for one in connections:
        if one.protocol != "UDP":
            continue
        answer = (one.reply_source, one.reply_port)
        there = by_address.get((one.destination, one.destination_port), (answer,))
        node_port = by_node_port.get(one.destination_port, (answer,))
        if answer not in there or answer not in node_port:
            yield one
