"""The line that LOG writes into the kernel log.

Kernel: net/netfilter/nf_log_syslog.c

Simplified: the gateway of an ICMP redirect and the pointer of a parameter problem are logged as 0.
"""

from __future__ import annotations

from iptlab.netfilter.context import Context
from iptlab.packet import Family, IcmpType, Packet, Protocol, TcpFlags
from iptlab.targets.log import Log

_NAMES = {
    Protocol.TCP: "TCP",
    Protocol.UDP: "UDP",
    Protocol.UDPLITE: "UDPLITE",
    Protocol.ICMP: "ICMP",
    Protocol.ICMPV6: "ICMPv6",
    Protocol.ESP: "ESP",
    Protocol.AH: "AH",
}
# in the order in which the kernel looks at them
_FLAGS = ("CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN")
_ETHERTYPE = {Family.IPV4: "08:00", Family.IPV6: "86:dd"}


def log_line(target: Log, packet: Packet, context: Context, destination_mac: str) -> str:
    """What LOG writes about a packet; ``destination_mac`` is that of the interface it came by."""
    prefix = target.prefix.text if target.prefix else ""
    words = [f"{prefix}IN={context.in_interface}", f"OUT={context.out_interface}"]
    if context.in_interface:
        words += _frame(packet, target, context, destination_mac)
    words += _packet(packet, target, packet.length)
    if packet.family is Family.IPV6 and packet.protocol == Protocol.ESP:
        return " ".join(words)
    if target.uid and context.owner and context.owner.uid is not None:
        words += [f"UID={context.owner.uid}", f"GID={context.owner.gid}"]
    words += [f"MARK={packet.mark:#x}"] if packet.mark else []
    return " ".join([*words, ""])


def _frame(packet: Packet, target: Log, context: Context, destination: str) -> list[str]:
    """Who sent the frame and to whom; only Ethernet's is told field by field."""
    source, kind = context.mac or "00:00:00:00:00:00", _ETHERTYPE[packet.family]
    if target.macdecode and context.in_interface != "lo":
        return [f"MACSRC={source}", f"MACDST={destination}", f"MACPROTO={kind.replace(':', '')}"]
    return [f"MAC={destination}:{source}:{kind}"]


def frame_to(own: str, link: str, packet: Packet) -> str:
    """The hardware address that a frame was sent to: an interface's own, or a group's.

    Source: RFC 1112, section 6.4; RFC 2464, section 7
    """
    if link == "broadcast":
        return "ff:ff:ff:ff:ff:ff"
    if link != "multicast":
        return own
    if packet.family is Family.IPV4:
        return (0x01005E000000 | int(packet.dst) & 0x7FFFFF).to_bytes(6).hex(":")
    return (0x333300000000 | int(packet.dst) & 0xFFFFFFFF).to_bytes(6).hex(":")


def _packet(packet: Packet, target: Log, here: int) -> list[str]:
    """The headers; ``here`` is how many bytes of the packet there are."""
    if packet.family is Family.IPV4:
        words = [
            f"SRC={packet.src}",
            f"DST={packet.dst}",
            f"LEN={packet.length}",
            f"TOS=0x{packet.tos & 0x1E:02X}",
            f"PREC=0x{packet.tos & 0xE0:02X}",
            f"TTL={packet.ttl}",
            f"ID={packet.id}",
        ]
        words += ["DF"] * packet.df
    else:
        words = [
            f"SRC={packet.src.exploded}",
            f"DST={packet.dst.exploded}",
            f"LEN={packet.length}",
            f"TC={packet.tos}",
            f"HOPLIMIT={packet.ttl}",
            f"FLOWLBL={packet.flow_label}",
        ]
    return words + _transport(packet, target, here - (20 if packet.family is Family.IPV4 else 40))


def _transport(packet: Packet, target: Log, here: int) -> list[str]:
    known = _NAMES.get(Protocol(packet.protocol)) if packet.protocol in set(Protocol) else None
    if known is None:
        return [f"PROTO={packet.protocol}"]
    if packet.family is Family.IPV6 and packet.protocol == Protocol.ESP:
        return [f"OPT ( ESP SPI={packet.spi or 0:#x} )"] if target.ip_options else []
    words = [f"PROTO={known}"]
    if packet.fragment:
        return words
    need = _NEEDS.get(Protocol(packet.protocol), 8)
    if here < need:
        return [*words, f"INCOMPLETE [{here} bytes]"]
    match packet.protocol:
        case Protocol.TCP:
            return words + _tcp(packet, target)
        case Protocol.UDP | Protocol.UDPLITE:
            size = packet.length - (20 if packet.family is Family.IPV4 else 40)
            return [*words, f"SPT={packet.sport}", f"DPT={packet.dport}", f"LEN={size}"]
        case Protocol.ICMP | Protocol.ICMPV6:
            return words + _icmp(packet, target, here)
        case _:
            return [*words, f"SPI={packet.spi or 0:#x}"]


# how many bytes of the header must be there
_NEEDS = {Protocol.TCP: 20, Protocol.UDP: 8, Protocol.ESP: 8, Protocol.AH: 12}


def _tcp(packet: Packet, target: Log) -> list[str]:
    words = [f"SPT={packet.sport}", f"DPT={packet.dport}"]
    if target.tcp_sequence:
        words += [f"SEQ={packet.seq}", f"ACK={packet.ack}"]
    words += [f"WINDOW={packet.window}", "RES=0x00"]
    words += [name for name in _FLAGS if packet.flags & TcpFlags[name]]
    words.append("URGP=0")
    if target.tcp_options and packet.mss is not None:
        words.append(f"OPT (0204{packet.mss:04X})")
    return words


def _icmp(packet: Packet, target: Log, here: int) -> list[str]:
    kind = packet.icmp or IcmpType(0)
    words = [f"TYPE={kind.type}", f"CODE={kind.code}"]
    if packet.family is Family.IPV4 and here < _ICMP_NEEDS.get(kind.type, 0):
        return [*words, f"INCOMPLETE [{here} bytes]"]
    if kind.type in (extra := _EXTRAS[packet.family]):
        words.append(extra[kind.type])
    if packet.quoted is not None and (packet.family, kind.type) != _UNQUOTED:
        quoted = _packet(packet.quoted, target, here - 8)
        words.append(f"[{' '.join(quoted)} ]")
        if packet.mtu:
            words.append(f"MTU={packet.mtu}")
    elif kind.type in _ECHOES[packet.family]:
        words += [f"ID={packet.echo_id}", f"SEQ={packet.echo_seq}"]
    return words


# how long a message must be; of errors, the quoted IP header too
_ICMP_NEEDS = {13: 20, 14: 20, 17: 12, 18: 12} | dict.fromkeys((3, 4, 5, 11, 12), 28)
# what is told of some errors before the packet that they quote; of one that is all
_EXTRAS = {
    Family.IPV4: {5: "GATEWAY=0.0.0.0", 12: "PARAMETER=0"},
    Family.IPV6: {4: "POINTER=00000000"},
}
_UNQUOTED = (Family.IPV4, 12)
_ECHOES = {Family.IPV4: (0, 8), Family.IPV6: (128, 129)}
