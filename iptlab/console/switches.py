"""The kernel's switches of a virtual machine, as the files below ``/proc/sys/net``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from iptlab.console.command import Session
from iptlab.simulate.host import SYSCTLS, Host

ROOT = "/proc/sys/net/"
# What can be read and not changed here, as the simulator goes by it.
# kernel: Documentation/networking/nf_conntrack-sysctl.rst, ip-sysctl.rst
_FIXED = {
    "ipv4/tcp_syn_linear_timeouts": 4,
    "ipv4/tcp_syn_retries": 6,
    "netfilter/nf_conntrack_acct": 0,
    "netfilter/nf_conntrack_buckets": 262144,
    "netfilter/nf_conntrack_generic_timeout": 600,
    "netfilter/nf_conntrack_gre_timeout": 30,
    "netfilter/nf_conntrack_gre_timeout_stream": 180,
    "netfilter/nf_conntrack_icmp_timeout": 30,
    "netfilter/nf_conntrack_icmpv6_timeout": 30,
    "netfilter/nf_conntrack_max": 262144,
    "netfilter/nf_conntrack_tcp_timeout_close": 10,
    "netfilter/nf_conntrack_tcp_timeout_close_wait": 60,
    "netfilter/nf_conntrack_tcp_timeout_established": 432000,
    "netfilter/nf_conntrack_tcp_timeout_fin_wait": 120,
    "netfilter/nf_conntrack_tcp_timeout_last_ack": 30,
    "netfilter/nf_conntrack_tcp_timeout_syn_recv": 60,
    "netfilter/nf_conntrack_tcp_timeout_syn_sent": 120,
    "netfilter/nf_conntrack_tcp_timeout_time_wait": 120,
    "netfilter/nf_conntrack_tcp_timeout_unacknowledged": 300,
    "netfilter/nf_conntrack_udp_timeout": 30,
    "netfilter/nf_conntrack_udp_timeout_stream": 120,
}
_COUNT = "netfilter/nf_conntrack_count"
# what a switch may be, where not every number will do; kernel: net/ipv4/sysctl_net_ipv4.c
_RANGES = {
    "ipv4/ip_default_ttl": (1, 255),
    "ipv4/icmp_echo_ignore_all": (0, 1),
    "netfilter/nf_conntrack_tcp_loose": (0, 1),
    "netfilter/nf_conntrack_tcp_be_liberal": (0, 1),
    "netfilter/nf_conntrack_checksum": (0, 1),
}
_MOST = 2**31

NO_FILE = "No such file or directory"
_INVALID = "Invalid argument"
_FIXED_HERE = "another value is not modelled here"


def read_proc(session: Session, path: str) -> str | None:
    """What ``cat`` prints of a file below ``/proc/sys/net``; None if there is no such file."""
    value = switches(session).get(path.removeprefix(ROOT)) if path.startswith(ROOT) else None
    return None if value is None else f"{value}\n"


def write_proc(session: Session, path: str, text: str) -> str:
    """Write to a file below ``/proc/sys/net``, as ``echo 1 >`` does; empty if that went well.

    Else it says why not, as the kernel does: ``Invalid argument``, ``No such file or directory``.
    """
    name = path.removeprefix(ROOT)
    if not path.startswith(ROOT) or name not in switches(session):
        return NO_FILE
    number = _number(name, text)
    if number is None or name == _COUNT:
        return _INVALID
    if name in _FIXED:
        return _FIXED_HERE
    host = session.machine.host
    session.machine.configure(replace(host, sysctls={**host.sysctls, name: number}))
    return ""


def switches(session: Session) -> Mapping[str, int]:
    """Every switch of the machine by its path below ``/proc/sys/net``, in the order of names."""
    host = session.machine.host
    values = {path: host.sysctls.get(path, usual) for path, usual in _usual(host)}
    values |= _FIXED | {_COUNT: len(session.machine.connections())}
    return dict(sorted(values.items()))


def _usual(host: Host) -> Iterator[tuple[str, int]]:
    for path, usual in SYSCTLS.items():
        names = ("all", "default", *host.by_name) if "{}" in path else ("",)
        yield from ((path.format(name), usual) for name in names)


def _number(name: str, text: str) -> int | None:
    """The number that the kernel reads; None if it takes the text for none or refuses it."""
    found = re.match(r"\s*(-?(?:0[xX][0-9a-fA-F]+|\d+))(?=\s|\Z)", text)
    if found is None:
        return None
    number = int(found[1], 16 if "x" in found[1].lower() else 10)
    least, most = _RANGES.get(name, (-_MOST, _MOST - 1))
    return number if least <= number <= most else None
