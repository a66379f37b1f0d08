"""Which kernel modules there are for netfilter, how large they are, and what they need.

Source: the package linux-image-6.1.0-56-amd64 of Debian 12. What a module needs is what its
.modinfo section says; sizes are those that ``lsmod`` shows, for some taken from the sections'
sizes and so perhaps a page off.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

RELEASE = "6.1.0-56-amd64"

# name=size[:needs]
_MODULES = """
    br_netfilter=36864:bridge bridge=311296:llc,stp ip6_tables=40960:x_tables
    ip6t_NPT=16384:x_tables ip6t_REJECT=16384:x_tables,nf_reject_ipv6
    ip6t_SYNPROXY=16384:x_tables,nf_synproxy_core,nf_conntrack ip6t_ah=20480:x_tables
    ip6t_eui64=16384:x_tables ip6t_frag=20480:x_tables ip6t_hbh=20480:x_tables
    ip6t_ipv6header=16384:x_tables ip6t_mh=20480:x_tables ip6t_rpfilter=16384:x_tables
    ip6t_rt=20480:x_tables ip6t_srh=16384:x_tables ip6table_filter=16384:ip6_tables,x_tables
    ip6table_mangle=16384:ip6_tables,x_tables ip6table_nat=16384:x_tables,ip6_tables,nf_nat
    ip6table_raw=16384:ip6_tables,x_tables ip6table_security=16384:ip6_tables,x_tables
    ip_set=61440:nfnetlink ip_set_bitmap_ip=24576:ip_set ip_set_bitmap_ipmac=20480:ip_set
    ip_set_bitmap_port=16384:ip_set ip_set_hash_ip=49152:ip_set ip_set_hash_ipmac=49152:ip_set
    ip_set_hash_ipmark=49152:ip_set ip_set_hash_ipport=49152:ip_set
    ip_set_hash_ipportip=49152:ip_set ip_set_hash_ipportnet=53248:ip_set
    ip_set_hash_mac=32768:ip_set ip_set_hash_net=53248:ip_set ip_set_hash_netiface=53248:ip_set
    ip_set_hash_netnet=53248:ip_set ip_set_hash_netport=53248:ip_set
    ip_set_hash_netportnet=57344:ip_set ip_set_list_set=20480:ip_set ip_tables=36864:x_tables
    ip_vs=192512:nf_conntrack,libcrc32c,nf_defrag_ipv6 ip_vs_lc=16384:ip_vs ip_vs_rr=16384:ip_vs
    ip_vs_sh=16384:ip_vs ip_vs_wrr=16384:ip_vs ipt_CLUSTERIP=24576:x_tables,nf_conntrack
    ipt_ECN=16384:x_tables ipt_REJECT=16384:x_tables,nf_reject_ipv4
    ipt_SYNPROXY=16384:x_tables,nf_synproxy_core,nf_conntrack ipt_ah=20480:x_tables
    ipt_rpfilter=16384:x_tables iptable_filter=16384:ip_tables,x_tables
    iptable_mangle=16384:ip_tables,x_tables iptable_nat=16384:x_tables,ip_tables,nf_nat
    iptable_raw=16384:ip_tables,x_tables iptable_security=16384:ip_tables,x_tables libcrc32c=16384
    llc=16384 nf_conntrack=188416:nf_defrag_ipv4,nf_defrag_ipv6,libcrc32c
    nf_conntrack_ftp=24576:nf_conntrack nf_conntrack_irc=20480:nf_conntrack
    nf_conntrack_netlink=57344:nfnetlink,nf_conntrack nf_conntrack_sip=45056:nf_conntrack
    nf_conntrack_tftp=24576:nf_conntrack nf_defrag_ipv4=16384 nf_defrag_ipv6=24576
    nf_dup_ipv4=16384 nf_dup_ipv6=16384 nf_log_syslog=28672 nf_nat=57344:nf_conntrack,libcrc32c
    nf_nat_ftp=20480:nf_conntrack_ftp,nf_conntrack,nf_nat
    nf_nat_irc=20480:nf_conntrack_irc,nf_conntrack,nf_nat
    nf_nat_sip=20480:nf_conntrack_sip,nf_conntrack,nf_nat
    nf_nat_tftp=16384:nf_conntrack_tftp,nf_conntrack,nf_nat nf_reject_ipv4=16384
    nf_reject_ipv6=20480 nf_socket_ipv4=16384 nf_socket_ipv6=20480
    nf_synproxy_core=28672:nf_conntrack nf_tables=303104:nfnetlink,libcrc32c nf_tproxy_ipv4=20480
    nf_tproxy_ipv6=20480 nfnetlink=20480 nfnetlink_log=24576:nfnetlink
    nfnetlink_queue=32768:nfnetlink nft_chain_nat=16384:nf_tables,nf_nat
    nft_compat=20480:nf_tables,nfnetlink,x_tables overlay=163840 stp=16384:llc x_tables=61440
    xt_AUDIT=16384:x_tables xt_CHECKSUM=16384:x_tables xt_CLASSIFY=16384:x_tables
    xt_CONNSECMARK=16384:x_tables,nf_conntrack xt_CT=16384:x_tables,nf_conntrack
    xt_DSCP=16384:x_tables xt_HL=16384:x_tables xt_HMARK=16384:x_tables
    xt_IDLETIMER=24576:x_tables xt_LED=16384:x_tables xt_LOG=20480:x_tables
    xt_MASQUERADE=20480:x_tables,nf_nat,nf_conntrack xt_NETMAP=20480:x_tables,nf_conntrack,nf_nat
    xt_NFLOG=16384:x_tables xt_NFQUEUE=16384:x_tables xt_RATEEST=20480:x_tables
    xt_REDIRECT=20480:x_tables,nf_conntrack,nf_nat xt_SECMARK=16384:x_tables
    xt_TCPMSS=16384:x_tables xt_TCPOPTSTRIP=16384:x_tables
    xt_TEE=16384:x_tables,nf_dup_ipv6,nf_dup_ipv4
    xt_TPROXY=16384:x_tables,nf_defrag_ipv6,nf_defrag_ipv4,nf_tproxy_ipv6,nf_tproxy_ipv4
    xt_TRACE=16384:x_tables xt_addrtype=16384:x_tables xt_bpf=20480:x_tables
    xt_cgroup=16384:x_tables xt_cluster=16384:x_tables,nf_conntrack xt_comment=16384:x_tables
    xt_connbytes=16384:x_tables,nf_conntrack xt_connlabel=16384:x_tables,nf_conntrack
    xt_connlimit=16384:x_tables,nf_conncount xt_connmark=16384:x_tables,nf_conntrack
    xt_conntrack=16384:x_tables,nf_conntrack xt_cpu=16384:x_tables xt_dccp=16384:x_tables
    xt_devgroup=16384:x_tables xt_dscp=16384:x_tables xt_ecn=16384:x_tables xt_esp=20480:x_tables
    xt_hashlimit=24576:x_tables xt_helper=16384:x_tables,nf_conntrack xt_hl=16384:x_tables
    xt_ipcomp=20480:x_tables xt_iprange=20480:x_tables xt_ipvs=20480:x_tables,ip_vs
    xt_l2tp=16384:x_tables xt_length=16384:x_tables xt_limit=16384:x_tables xt_mac=16384:x_tables
    xt_mark=16384:x_tables xt_multiport=20480:x_tables xt_nat=16384:x_tables,nf_nat,nf_conntrack
    xt_nfacct=16384:x_tables,nfnetlink_acct xt_osf=16384:x_tables,nfnetlink_osf
    xt_owner=16384:x_tables xt_physdev=16384:x_tables xt_pkttype=16384:x_tables
    xt_policy=16384:x_tables xt_quota=16384:x_tables xt_rateest=16384:x_tables,xt_RATEEST
    xt_realm=16384:x_tables xt_recent=28672:x_tables xt_sctp=20480:x_tables
    xt_set=20480:x_tables,ip_set
    xt_socket=16384:x_tables,nf_socket_ipv6,nf_defrag_ipv6,nf_defrag_ipv4,nf_socket_ipv4
    xt_state=16384:x_tables,nf_conntrack xt_statistic=16384:x_tables xt_string=16384:x_tables
    xt_tcpmss=16384:x_tables xt_tcpudp=20480:x_tables xt_time=16384:x_tables xt_u32=16384:x_tables
"""


class KernelModule(NamedTuple):
    """A module: its size in bytes, and the modules that must be loaded before it."""

    size: int
    needs: tuple[str, ...]


@cache
def modules() -> dict[str, KernelModule]:
    """The modules by name."""
    known: dict[str, KernelModule] = {}
    for entry in _MODULES.split():
        name, _, rest = entry.partition("=")
        size, _, needs = rest.partition(":")
        known[name] = KernelModule(int(size), tuple(filter(None, needs.split(","))))
    return known


def loaded_with(name: str) -> list[str]:
    """What is loaded for a module, in order: all that it needs, then itself.

    >>> loaded_with("iptable_filter")
    ['x_tables', 'ip_tables', 'iptable_filter']
    """
    order: list[str] = []
    for needed in modules()[name].needs:
        order += [one for one in loaded_with(needed) if one not in order]
    return [*order, name]
