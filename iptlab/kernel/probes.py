"""Where the box is watched: a table of nft beside the rules that are asked about.

Each hook has a probe before every rule that may run there; the last two hooks also have
one behind them all. Probes report the packet to NFLOG and change nothing, except that the
one behind INPUT takes the packet: no process of the box wants it. The rule that names
``ct`` starts connection tracking, after the probes, so that they stand behind it too.

Kernel: include/uapi/linux/netfilter_ipv4.h (enum nf_ip_hook_priorities); the priority
2147483647 is NF_IP_PRI_LAST, at which connections are confirmed.
"""

from __future__ import annotations

PROBE_TABLE, PROBE_GROUP = "probes", 4711
# kernel: net/netfilter/nf_log.c, nf_log_trace() reports to group 0
TRACE_GROUP = 0

_FIRST, _LAST = -399, 2147483647  # behind defragmentation, behind everything
_ENTER = f'log prefix "enter" group {PROBE_GROUP}'
_LEAVE = f'log prefix "leave" group {PROBE_GROUP}'

PROBES = f"""
table inet {PROBE_TABLE} {{
    chain left-input {{
        type filter hook input priority {_LAST}; {_LEAVE}; drop;
    }}
    chain left-postrouting {{
        type filter hook postrouting priority {_LAST}; {_LEAVE};
    }}
    chain tracking {{
        ct state new;
    }}
    chain prerouting {{
        type filter hook prerouting priority {_FIRST}; meta nftrace set 1; {_ENTER};
    }}
    chain input {{
        type filter hook input priority {_FIRST}; meta nftrace set 1; {_ENTER};
    }}
    chain forward {{
        type filter hook forward priority {_FIRST}; meta nftrace set 1; {_ENTER};
    }}
    chain quiet {{
        meta skuid 0-4294967294 return;
        drop;
    }}
    chain output {{
        type filter hook output priority {_FIRST}; icmpv6 type 143 jump quiet;
        meta nftrace set 1; {_ENTER};
    }}
    chain postrouting {{
        type filter hook postrouting priority {_FIRST}; meta nftrace set 1; {_ENTER};
    }}
}}
"""
