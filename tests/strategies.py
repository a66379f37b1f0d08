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
