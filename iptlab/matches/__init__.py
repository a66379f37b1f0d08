"""The matches: one file each; this list is the table of contents."""

from iptlab.netfilter.extension import MATCHES

_FILES = """
    addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark
    conntrack cpu dccp devgroup dscp dst ecn esp eui64 frag hashlimit hbh helper hl icmp
    icmp6 ipcomp iprange ipv6header ipvs length limit mac mark mh multiport nfacct osf owner
    physdev pkttype policy quota rateest realm recent rpfilter rt sctp set socket srh state
    statistic string tcp tcpmss time tos ttl u32 udp
"""
_OTHER_NAMES = {"icmpv6": "icmp6", "ipv6-icmp": "icmp6"}

MATCHES.announce(__name__, {name: name for name in _FILES.split()} | _OTHER_NAMES)
