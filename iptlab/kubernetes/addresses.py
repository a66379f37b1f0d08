"""Addresses as Kubernetes reads them: leniently in, canonically out.

They stay text, because kube-proxy sorts, compares and hashes the text of an address.

Source: k8s.io/utils/net (ParseIPSloppy, ParseCIDRSloppy), Go's net.IP.String
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from iptlab.packet import Family

Network = IPv4Network | IPv6Network

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_PLAIN = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}", re.ASCII).fullmatch
_NUMBERS = re.compile(r"(?<![0-9A-Fa-f:])0+(?=\d)|(?<=:)0+(?=\d+\.)", re.ASCII)
_LENGTH = re.compile(r"0*(\d{1,3})", re.ASCII).fullmatch


def canonical(text: str) -> str:
    """The address as Go prints it; empty if it is none.

    Leading zeros mean decimal, and an IPv4 address inside IPv6 is an IPv4 address.

    >>> canonical("10.096.000.010"), canonical("FD00:0:0::000A"), canonical("::ffff:10.0.0.1")
    ('10.96.0.10', 'fd00::a', '10.0.0.1')
    """
    if _PLAIN(text):
        return text
    if "%" in text or not text.isascii():
        return ""
    try:
        address = ip_address(_NUMBERS.sub("", text) if "." in text else text)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def family_of(address: str) -> Family:
    """The family of a canonical address, or of a network's text."""
    return Family.IPV6 if ":" in address else Family.IPV4


def network(text: str) -> Network | None:
    """The network that a CIDR names, host bits cleared; None if it names none.

    >>> network("203.000.113.7/024")
    IPv4Network('203.0.113.0/24')
    """
    address, _, length = text.partition("/")
    base, bits = canonical(address), _LENGTH(length)
    if not base or not bits:
        return None
    try:
        return ip_network(f"{base}/{bits[1]}", strict=False)
    except ValueError:
        return None
