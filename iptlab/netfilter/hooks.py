"""The five hooks, the five tables, and the priorities that order them.

::

        from the network                                   to the network
               |                                                 ^
          PREROUTING -> (routing) ------> FORWARD -------> POSTROUTING
                            |                                    ^
                            v                                    |
                          INPUT -> a local process -> (routing) OUTPUT
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Self


class _Named(StrEnum):
    @classmethod
    def named(cls, name: str) -> Self | None:
        """The member of that name, or None."""
        return cls._value2member_map_.get(name)  # type: ignore[return-value]


class Hook(_Named):
    """A place in the kernel's packet path where netfilter asks the tables.

    A table's built-in chain has the name of the hook it serves.

    Kernel: include/uapi/linux/netfilter.h (enum nf_inet_hooks)
    """

    PREROUTING = "PREROUTING"
    INPUT = "INPUT"
    FORWARD = "FORWARD"
    OUTPUT = "OUTPUT"
    POSTROUTING = "POSTROUTING"

    @property
    def has_in_interface(self) -> bool:
        """Whether a packet here has come in through an interface."""
        return self in (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD)

    @property
    def has_out_interface(self) -> bool:
        """Whether routing has already chosen the interface the packet leaves by."""
        return self in (Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)


class TableName(_Named):
    """The five tables, in the order a packet meets them in PREROUTING and OUTPUT."""

    RAW = "raw"
    MANGLE = "mangle"
    NAT = "nat"
    FILTER = "filter"
    SECURITY = "security"


class Backend(_Named):
    """What iptables loads its rules into; ``iptables -V`` names it in brackets."""

    LEGACY = "legacy"
    NFT = "nft"


# At which priority a table's chain runs at a hook; a lower number runs earlier.
# kernel: include/uapi/linux/netfilter_ipv4.h (enum nf_ip_hook_priorities), and each table's
# own file, net/ipv4/netfilter/iptable_*.c. Connection tracking sits at -200.
_RAW, CONNTRACK, _MANGLE, _NAT_DST, _FILTER, _SECURITY, _NAT_SRC = (
    -300,
    -200,
    -150,
    -100,
    0,
    50,
    100,
)
# source: iptables 1.8.9, iptables/nft.c (xtables_ipv4), which has one priority of its own
_NFT_SECURITY = 150
PRIORITY: dict[TableName, dict[Hook, int]] = {
    TableName.RAW: {Hook.PREROUTING: _RAW, Hook.OUTPUT: _RAW},
    TableName.MANGLE: dict.fromkeys(Hook, _MANGLE),
    TableName.NAT: {
        Hook.PREROUTING: _NAT_DST,
        Hook.INPUT: _NAT_SRC,
        Hook.OUTPUT: _NAT_DST,
        Hook.POSTROUTING: _NAT_SRC,
    },
    TableName.FILTER: dict.fromkeys((Hook.INPUT, Hook.FORWARD, Hook.OUTPUT), _FILTER),
    TableName.SECURITY: dict.fromkeys((Hook.INPUT, Hook.FORWARD, Hook.OUTPUT), _SECURITY),
}

# Since which kernel a table serves a hook, where older books have fewer squares.
# source: iptables(8) for mangle, iptables-extensions(8), SNAT, for nat;
# kernel: commit 560ee653b670 for security
SINCE: dict[TableName, dict[Hook, str]] = {
    TableName.MANGLE: dict.fromkeys((Hook.INPUT, Hook.FORWARD, Hook.POSTROUTING), "2.4.18"),
    TableName.NAT: {Hook.INPUT: "2.6.36"},
    TableName.SECURITY: dict.fromkeys(PRIORITY[TableName.SECURITY], "2.6.27"),
}


def priority(table: TableName, hook: Hook, backend: Backend = Backend.LEGACY) -> int:
    """The priority of a table's chain at a hook that it serves."""
    if table is TableName.SECURITY and backend is Backend.NFT:
        return _NFT_SECURITY
    return PRIORITY[table][hook]


@cache
def tables_at(hook: Hook, backend: Backend = Backend.LEGACY) -> tuple[TableName, ...]:
    """The tables a packet visits at ``hook``, in the kernel's order.

    The order is nothing to memorise: each table registers with a priority, and lower
    numbers run first. (The nf_tables back end registers security at 150 instead of 50,
    so there ``INPUT`` asks nat before security.)

    Kernel: include/uapi/linux/netfilter_ipv4.h (enum nf_ip_hook_priorities)

    >>> [str(table) for table in tables_at(Hook.INPUT)]
    ['mangle', 'filter', 'security', 'nat']
    >>> [str(table) for table in tables_at(Hook.INPUT, Backend.NFT)]
    ['mangle', 'filter', 'nat', 'security']
    """
    here = [table for table in TableName if hook in PRIORITY[table]]
    return tuple(sorted(here, key=lambda table: priority(table, hook, backend)))


@cache
def hooks_of(table: TableName) -> tuple[Hook, ...]:
    """The hooks a table serves: its built-in chains, in the order iptables prints them.

    >>> [str(hook) for hook in hooks_of(TableName.RAW)]
    ['PREROUTING', 'OUTPUT']
    """
    return tuple(hook for hook in Hook if hook in PRIORITY[table])
