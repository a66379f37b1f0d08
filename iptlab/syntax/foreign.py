"""Modules that are in no kernel of today: who has them, and their options by name.

Old kernels, patches and the firmware of routers have matches and targets of their own. What
these do to a packet is outside the model; their words are known, so that a rule that has them
is read to its end.

Source: the manual pages of xtables-addons, ipt_account, l7-filter, ipp2p, nDPI and xt_tls, the
iptables of patch-o-matic, DD-WRT, Tomato, Gargoyle, OpenWrt and Android
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from iptlab.netfilter.extension import MATCHES, TARGETS, Match, Target
from iptlab.syntax.grammar import JUMPS, LOAD_MATCH
from iptlab.syntax.tokens import Token


class Module(NamedTuple):
    """A match or target: its name, who has it, and for each option whether a value follows."""

    name: str
    origin: str
    options: Mapping[str, bool]


def module_of(words: Sequence[Token]) -> tuple[Module, int] | None:
    """The module that ``-m NAME`` or ``-j NAME`` loads, and how many of the words are its.

    Of an extension that today's kernel has too, it is the old or foreign one only if the words
    have an option that today's does not know.
    """
    if len(words) < 2 or words[0].text not in _KINDS:
        return None
    modules, registry = _KINDS[words[0].text]
    module = modules.get(words[1].text)
    if module is None:
        return None
    count, used = _count(words, module)
    if today := registry.get(module.name):
        known = {name for _, declared in today.options() for name in declared.names}
        if used <= known:
            return None
    return module, count


def _count(words: Sequence[Token], module: Module) -> tuple[int, set[str]]:
    """How many words belong to the module, and which of its options they use."""
    at, used = 2, set[str]()
    while at < len(words):
        ahead = at + (words[at].text == "!")
        name, sign, _ = words[ahead].text.partition("=") if ahead < len(words) else ("", "", "")
        if name[:2] != "--" or not (name in module.options or "--*" in module.options):
            break
        used.add(name)
        at = ahead + 1
        if module.options.get(name) and not sign:
            at += at < len(words) and words[at].text == "!"
            at += at < len(words) and words[at].text[:2] != "--"
    return at, used


def _modules(origin: str, **options: str) -> dict[str, Module]:
    """The modules of one origin; ``=`` behind an option says that a value follows."""
    return {
        name: Module(name, origin, {each.rstrip("="): each[-1] == "=" for each in known.split()})
        for name, known in options.items()
    }


_MATCHES = {
    **_modules(
        "xtables-addons",
        asn="--src-asn= --dst-asn=",
        condition="--condition=",
        dhcpmac="--mac=",
        fuzzy="--lower-limit= --upper-limit=",
        geoip="--src-cc= --source-country= --dst-cc= --destination-country=",
        gradm="--enabled --disabled",
        iface="--iface= --dev-in --dev-out --up --down --broadcast --loopback --pointtopoint"
        " --pointopoint --running --noarp --arp --promiscuous --multicast --dynamic --lower-up"
        " --dormant",
        ipp2p="--edk --dc --kazaa --gnu --bit --apple --winmx --soul --ares --mute --waste --xdcc"
        " --ipp2p --debug --ipp2p-data --edk-data --dc-data --kazaa-data --gnu-data",
        ipv4options="--flags= --any --ssrr --lsrr --no-srr --rr --ts --ra --any-opt",
        length2="--length= --layer3 --layer4 --layer5 --layer7",
        lscan="--stealth --synscan --cnscan --grscan --mirai",
        pknock="--knockports= --time= --autoclose= --name= --opensecret= --closesecret= --strict"
        " --checkip --chkip --setip --secure=",
        portscan="--stealth --synscan --cnscan --grscan",
        psd="--psd-weight-threshold= --psd-delay-threshold= --psd-lo-ports-weight="
        " --psd-hi-ports-weight=",
        quota2="--quota= --name= --grow --no-change --packets",
    ),
    **_modules("ipt_account", account="--aaddr= --aname= --ashort"),
    **_modules("l7-filter", layer7="--l7proto= --l7dir= --l7pkt"),
    **_modules("nDPI", ndpi="--proto= --protos= --host= --*", opendpi="--*"),
    **_modules("xt_tls", tls="--tls-host= --tls-hostset= --tls-suffix"),
    **_modules(
        "patch-o-matic",
        childlevel="--childlevel=",
        pool="--srcpool= --dstpool=",
        record_rpf="",
        rpc="--rpcs= --strict",
    ),
    **_modules("Linux 2.4", unclean=""),
    **_modules(
        "Linux before 2.6.14",
        owner="--uid-owner= --gid-owner= --pid-owner= --sid-owner= --cmd-owner=",
    ),
    **_modules(
        "routers such as DD-WRT and Tomato",
        bcount="--range=",
        web="--http --host= --req= --path= --query= --hore=",
        webstr="--host= --url= --content= --all=",
    ),
    **_modules(
        "Gargoyle",
        bandwidth="--id= --type= --subnet= --greater_than= --less_than= --current_bandwidth="
        " --reset_interval= --reset_time= --intervals_to_save= --last_backup_time= --bcheck"
        " --bcheck_with_src_dst_swap",
        timerange="--hours= --weekdays= --weekly_ranges=",
        webmon="--exclude_ips= --include_ips= --max_domains= --max_searches= --clear_domain"
        " --clear_search --domain_load_file= --search_load_file=",
        weburl="--domain_only --path_only --contains= --contains_regex= --matches_exactly=",
    ),
}

_TARGETS = {
    **_modules(
        "xtables-addons",
        ACCOUNT="--addr= --tname=",
        CHAOS="--delude --tarpit",
        DELUDE="",
        DHCPMAC="--set-mac=",
        DNETMAP="--prefix= --reuse --ttl= --static --persistent",
        ECHO="",
        IPMARK="--addr= --and-mask= --or-mask= --shift=",
        IPV4OPTSSTRIP="",
        LOGMARK="--log-level= --log-prefix=",
        PROTO="--proto-set= --stop-at-frag --stop-at-auth",
        RAWDNAT="--to-destination=",
        RAWSNAT="--to-source=",
        STEAL="",
        SYSRQ="",
        TARPIT="--tarpit --honeypot --reset",
    ),
    **_modules(
        "patch-o-matic",
        BALANCE="--to-destination=",
        FTOS="--set-ftos=",
        IMQ="--todev=",
        NETLINK="--nldrop --nlmark= --nlsize=",
        ROUTE="--oif= --iif= --gw= --continue --tee",
        XOR="--key= --keys= --block-size=",
    ),
    **_modules("Linux 2.4", MIRROR=""),
    **_modules("Linux before 2.6.25", SAME="--to= --nodst --random"),
    **_modules("nDPI", NDPI="--*"),
    **_modules("OpenWrt", FLOWOFFLOAD="--hw", FULLCONENAT="--to-ports= --random --random-fully"),
    **_modules("Android", IDLETIMER="--timeout= --label= --alarm --send_nl_msg="),
    **_modules(
        "routers such as DD-WRT and Tomato",
        AUTOFW="--related-proto= --related-dport= --related-to=",
        BCOUNT="",
        CONNMARK="--set-return= --set-mark-return= --mask=",
        MARK="--set-return= --set-mark-return= --mask=",
        MASQUERADE="--mode= --to-ports= --random",
        SKIPLOG="",
        TRIGGER="--trigger-type= --trigger-proto= --trigger-match= --trigger-relate=",
    ),
}


_KINDS: dict[str, tuple[Mapping[str, Module], Mapping[str, type[Match] | type[Target]]]] = {
    **dict.fromkeys(("-m", *LOAD_MATCH["-m"]), (_MATCHES, MATCHES)),
    **dict.fromkeys(("-j", *JUMPS["-j"]), (_TARGETS, TARGETS)),
}
