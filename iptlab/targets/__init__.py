"""The targets: one file each; this list is the table of contents."""

from iptlab.netfilter.extension import TARGETS

_FILES = """
    accept audit checksum classify clusterip connmark connsecmark ct dnat dnpt drop dscp
    ecn hl hmark idletimer led log mark masquerade netmap nflog nfqueue notrack queue
    rateest redirect reject return_ secmark set snat snpt synproxy tcpmss tcpoptstrip tee
    tos tproxy trace ttl ulog
"""

TARGETS.announce(__name__, {file.rstrip("_").upper(): file for file in _FILES.split()})
