"""``-m multiport``: several ports in one rule."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.matches.ports import port_name
from iptlab.names import protocol_names
from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.ports import PortList, check_services
from iptlab.netfilter.values import Given
from iptlab.packet import Protocol

_WITH_PORTS = {number.value: protocol_names()[number] for number in Protocol if number.has_ports}


@register_match("multiport")
@dataclass(frozen=True)
class Multiport(Match):
    """``-p tcp -m multiport [!] --dports PORT,PORT,LOW:HIGH`` (or --sports, --ports).

    Kernel: net/netfilter/xt_multiport.c
    """

    sports: Given[PortList] | None = option(
        "--sports",
        PortList,
        negatable=True,
        formal="--source-ports",
        also=("--source-ports",),
        reads=read.SPORT,
    )
    dports: Given[PortList] | None = option(
        "--dports",
        PortList,
        negatable=True,
        formal="--destination-ports",
        also=("--destination-ports",),
        reads=read.DPORT,
    )
    ports: Given[PortList] | None = option(
        "--ports", PortList, negatable=True, reads=read.EITHER_PORT
    )

    def __post_init__(self) -> None:
        """Refuse none of the three options, or several."""
        self.exclude("--sports", "--dports", "--ports")
        if not any(self.given()):
            raise BadValueError(
                "multiport expection an option",
                "Write --dports, --sports or --ports and the ports.",
            )

    @classmethod
    def check_word(cls, text: str, protocol: int, *, negated: bool) -> None:
        if not negated and protocol in _WITH_PORTS:
            check_services(text, _WITH_PORTS[protocol])
            return
        cause = "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'"
        if protocol:
            cause = "multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP"
        raise BadValueError(cause, "Write -p tcp or -p udp before -m multiport.")

    def listed(self, *, numeric: bool) -> str:
        return self.listed_beside(0, numeric=numeric)

    def listed_beside(self, protocol: int, *, numeric: bool) -> str:
        ((declared, given),) = self.given()
        assert isinstance(given.value, PortList)
        ports = ",".join(
            ":".join(
                port_name(port, protocol, numeric=numeric) for port in sorted({part.low, part.high})
            )
            for part in given.value.ranges
        )
        return f"multiport {declared.name[2:]} {' !' * given.negated}{ports}"
