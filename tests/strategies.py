"""Hypothesis strategies: packets, rules and rule sets as people might write them."""

from __future__ import annotations

from hypothesis import strategies as st

from iptlab.packet import IcmpType, Packet, TcpFlags
from iptlab.ruleset import Ruleset

ADDRESSES = ["10.0.0.1", "10.0.0.9", "10.1.2.3", "192.168.1.1", "0.0.0.0", "255.255.255.255"]
V6 = ["fd00::1", "::1", "2001:db8::9"]
PORTS = st.sampled_from([0, 22, 53, 80, 443, 1023, 1024, 65535]) | st.integers(0, 65535)


@st.composite
def packets(draw: st.DrawFn, *, family: int = 4) -> Packet:
    """Any packet that has a text form."""
    from ipaddress import ip_address

    src, dst = (
        ip_address(draw(st.sampled_from(ADDRESSES if family == 4 else V6))) for _ in range(2)
    )
    protocol = draw(st.sampled_from([6, 17, 1 if family == 4 else 58, 47, 132]))
    ports = {"sport": draw(PORTS), "dport": draw(PORTS)} if protocol in (6, 17, 132) else {}
    extras: dict[str, object] = {}
    if protocol == 6:
        extras["flags"] = TcpFlags(draw(st.integers(0, 63)))
    if protocol in (1, 58):
        extras["icmp"] = IcmpType(draw(st.integers(0, 254)), draw(st.integers(0, 255)))
    mark = draw(st.sampled_from([0, 1, 0x4000, 0xFFFFFFFF]))
    ttl = draw(st.integers(0, 255))
    return Packet(src, dst, protocol, mark=mark, ttl=ttl, **ports, **extras)  # type: ignore[arg-type]


_NOT = st.sampled_from(["", "! "])
_NETWORKS = st.sampled_from(["10.0.0.0/8", "10.0.0.9/32", "192.168.0.0/255.255.0.0", "10.1/16"])
_TESTS = st.one_of(
    st.tuples(_NOT, st.just("-i "), st.sampled_from(["eth0", "lo", "eth+"])),
    st.tuples(_NOT, st.just("-m conntrack --ctstate "), st.sampled_from(["NEW", "ESTABLISHED"])),
    st.tuples(_NOT, st.just("-m mark --mark "), st.sampled_from(["1", "0x4000/0x4000"])),
    st.tuples(st.just(""), st.just("-m comment --comment "), st.sampled_from(["web", '"a b"'])),
).map(lambda words: _placed(*words))
_PORT_WORDS = st.sampled_from(["22", "80:443", "1024:", ":1023", "ssh"])
_TARGETS = st.sampled_from(
    ["-j ACCEPT", "-j DROP", "-j RETURN", "-j LOG", "-j REJECT", "-j MARK --set-mark 1", ""]
)


def _option(test: str) -> str:
    """Which option a test uses; a rule has room for each only once."""
    words = test.replace("! ", "").split()
    return words[1] if words[0] == "-m" else words[0]


def _placed(negation: str, option: str, word: str) -> str:
    """``! `` goes before the option itself, behind its -m."""
    module, dashes, name = option.rpartition("--")
    return f"{module}{negation}{dashes}{name}{word}"


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """The words of one rule, without its chain."""
    words = []
    for option in ("-s", "-d"):
        if draw(st.booleans()):
            words.append(f"{draw(_NOT)}{option} {draw(_NETWORKS)}")
    if draw(st.booleans()):
        protocol = draw(st.sampled_from(["tcp", "udp"]))
        words.append(f"-p {protocol}")
        if draw(st.booleans()):
            words.append(f"{draw(_NOT)}--dport {draw(_PORT_WORDS)}")
    words += draw(st.lists(_TESTS, max_size=2, unique_by=_option))
    return " ".join([*words, draw(_TARGETS)]).strip()


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Tables filter and mangle with two user chains; later chains are called by earlier ones."""
    lines = []
    for table, targets in (("filter", _TARGETS), ("mangle", st.just("-j MARK --set-mark 2"))):
        policy = draw(st.sampled_from(["ACCEPT", "DROP"]))
        lines += [f"*{table}", f":INPUT {policy} [0:0]", ":one - [0:0]", ":two - [0:0]"]
        for chain in ("INPUT", "one", "two"):
            callees = {"INPUT": ["-j one", "-g two", "-j two"], "one": ["-j two", "-g two"]}
            for text in draw(st.lists(rule_texts(), max_size=4)):
                jump = draw(st.sampled_from([*callees.get(chain, []), ""]))
                head, _, target = text.rpartition("-j ")
                plain = text if not target or table == "filter" else f"{head}{draw(targets)}"
                lines.append(f"-A {chain} {head + jump if jump and head else plain}".strip())
        lines.append("COMMIT")
    return Ruleset.parse("\n".join(lines) + "\n")


# --- a router with eth0 203.0.113.2/24 outside and eth1 192.168.1.1/24 inside ---

_NAT_RULES = {
    "PREROUTING": (
        "-j DNAT --to-destination 192.168.1.10",
        "-j DNAT --to-destination 192.168.1.10-192.168.1.20",
        "-d 203.0.113.2 -p tcp -j DNAT --to-destination 192.168.1.10:8080",
        "-d 203.0.113.2 -p udp -j DNAT --to-destination 192.168.1.10:9000-9003",
        "-p tcp --dport 80 -j REDIRECT --to-ports 3128",
        "-i eth1 -d 198.51.100.0/24 -j NETMAP --to 198.51.101.0/24",
        "-j RETURN",
    ),
    "POSTROUTING": (
        "-o eth0 -j MASQUERADE",
        "-o eth0 -p udp -j MASQUERADE --random",
        "-o eth0 -j SNAT --to-source 203.0.113.2-203.0.113.9",
        "-o eth1 -p tcp -j SNAT --to-source 192.168.1.1:5000-5999",
        "-s 192.168.1.0/24 -o eth0 -j NETMAP --to 203.0.113.0/24",
        "-s 192.168.1.0/24 -d 192.168.1.0/24 -j MASQUERADE",
    ),
    "OUTPUT": (
        "-d 198.51.100.7 -p tcp -j DNAT --to-destination 192.168.1.10:8080",
        "-p udp --dport 53 -j REDIRECT --to-ports 5353",
    ),
    "INPUT": ("-p udp -j SNAT --to-source 198.51.100.99", "-p tcp -j ACCEPT"),
}


@st.composite
def nat_rules(draw: st.DrawFn) -> str:
    """A table nat as a router may have it."""
    lines = [
        f"-A {chain} {rule}"
        for chain, known in _NAT_RULES.items()
        for rule in draw(st.lists(st.sampled_from(known), max_size=2))
    ]
    return "\n".join(["*nat", *lines, "COMMIT", ""])


_NEAR = {
    "in eth0": ("198.51.100.7", "198.51.100.8"),
    "in eth1": ("192.168.1.9", "192.168.1.10"),
    "": ("203.0.113.2", "192.168.1.1"),
}
_FAR = ("203.0.113.2", "192.168.1.10", "198.51.100.7", "198.51.100.8")
_TALK = ("tcp {}:{} -> {}:{} SYN", "udp {}:{} -> {}:{}")


@st.composite
def router_packets(draw: st.DrawFn) -> str:
    """A packet at that router: from outside, from inside, or its own."""
    place = draw(st.sampled_from(list(_NEAR)))
    src = draw(st.sampled_from(_NEAR[place]))
    dst = draw(st.sampled_from([one for one in _FAR if one != src]))
    sport, dport = draw(st.sampled_from([400, 4000, 4001])), draw(st.sampled_from([53, 80]))
    packet = draw(st.sampled_from(_TALK)).format(src, sport, dst, dport)
    return f"{place} {packet}".strip()


_OTHER_RULES = {
    "*raw": (
        "PREROUTING -p udp --dport 53 -j NOTRACK",
        "PREROUTING -i eth1 -j CT --zone-orig 1",
        "PREROUTING -j TRACE",
    ),
    "*mangle": (
        "PREROUTING -m statistic --mode random --probability 0.5 -j MARK --set-mark 1",
        "OUTPUT -j TOS --set-tos 0x10",
        "FORWARD -j TTL --ttl-set 1",
        "POSTROUTING -j CONNMARK --save-mark",
    ),
    "*filter": (
        "INPUT -m conntrack --ctstate NEW -j ACCEPT",
        "INPUT -p tcp -j REJECT --reject-with tcp-reset",
        "FORWARD -m mark --mark 1 -j DROP",
        "FORWARD -m statistic --mode random --probability 0.25 -j REJECT",
        "FORWARD -m statistic --mode nth --every 2 --packet 0 -j DROP",
        "FORWARD -m limit --limit 1/sec --limit-burst 2 -j LOG",
        "OUTPUT -p icmp -j DROP",
        "OUTPUT -m owner --uid-owner 0 -j LOG",
    ),
}


@st.composite
def router_rules(draw: st.DrawFn) -> str:
    """Rules in all tables of that router, some of which throw dice or remember."""
    text = draw(nat_rules())
    for table, known in _OTHER_RULES.items():
        lines = draw(st.lists(st.sampled_from(known), max_size=3))
        text += "\n".join([table, *(f"-A {line}" for line in lines), "COMMIT", ""])
    return text
