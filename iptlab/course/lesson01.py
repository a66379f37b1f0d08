"""Lesson 01, A rule: conditions, a target, and the order that decides."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from ipaddress import ip_network

from iptlab.course.files import data
from iptlab.course.mistakes import left_to_policy, misses, too_late
from iptlab.grading import (
    FATES,
    Aspect,
    Exercise,
    Goal,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    WriteRules,
    answered,
    decider,
    read_rules,
    sends,
    treats,
)
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import Hook
from iptlab.simulate.situation import trace
from iptlab.simulate.trace import HookVisit

HOME = ip_network("192.168.1.0/24")


# --- conditions: a packet that tells two rule sets apart ---

ADAS = """
-P INPUT ACCEPT
-A INPUT ! -s 192.168.1.0/24 -p tcp --dport 22 -j DROP
"""
BOBS = """
-P INPUT DROP
-A INPUT -s 192.168.1.0/24 -p tcp --dport 22 -j ACCEPT
"""

gap = SupplyPacket(
    id="01-gap",
    rules=(("Ada", partial(read_rules, ADAS)), ("Bob", partial(read_rules, BOBS))),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    hints=(
        "They agree about ssh. What happens to a packet that is not about ssh at all?",
        "Then neither rule matches, and the two policies decide.",
        "Any udp packet does it: udp ADDRESS:PORT -> 192.168.1.20:PORT",
    ),
    misconceptions=(
        Misconception(
            "not-to-the-laptop",
            "That packet is not on its way into the laptop, so chain INPUT is not asked.",
            sends(lambda it: it.context.hook != "INPUT"),
        ),
        Misconception(
            "agree-on-strangers",
            "A stranger's ssh is dropped by both: by Ada's rule, and by Bob's policy.",
            sends(lambda it: it.packet.dport == 22 and it.packet.src not in HOME),
        ),
        Misconception(
            "agree-on-neighbours",
            "A neighbour's ssh is accepted by both: by Ada's policy, and by Bob's rule.",
            sends(lambda it: it.packet.dport == 22 and it.packet.src in HOME),
        ),
    ),
    done="Ada lists what is forbidden, Bob what is allowed. What nobody thought of passes "
    "Ada and stops at Bob: that is why firewalls are written as Bob's.",
)

# --- the first match wins ---

ORDER = """
-P INPUT DROP
-A INPUT -s 192.168.1.0/24 -p tcp -j DROP
-A INPUT -s 192.168.1.7 -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 22 -j REJECT
"""
BOB = "in wlan0 tcp 192.168.1.7:40000 -> 192.168.1.20:{}"
NEIGHBOUR = "in wlan0 tcp 192.168.1.8:40000 -> 192.168.1.20:{}"
STRANGER = "in wlan0 tcp 203.0.113.9:40000 -> 192.168.1.20:{}"


def _ordered() -> HookVisit:
    return trace(read_rules(ORDER), BOB.format(22))


order = Predict(
    id="01-order",
    truth=lambda: decider(_ordered()),
    choices=(1, 2, 3, "policy"),
    shows=_ordered,
    hints=(
        "Ask the rules one after another, from the top, and stop at the first yes.",
        "192.168.1.7 is in 192.168.1.0/24. So what does rule 1 say?",
    ),
    misconceptions=(
        Misconception(
            "most-specific-wins",
            "Rule 2 fits better, and a routing table would choose by that. A chain does not "
            "compare its rules: it asks them in order.",
            answered(2),
        ),
        Misconception(
            "last-wins",
            "The last match wins in some other firewalls (pf, for example). Here the first does.",
            answered(3),
        ),
        Misconception(
            "policy-first",
            "The policy is asked only when every rule has said no.",
            answered("policy"),
        ),
    ),
    done="Rules 2 and 3 would match as well, but nobody asked them. Rule 2 is dead: whatever it "
    "would accept, rule 1 has dropped before.",
)

# the lesson's wishes are about first packets; it has not come to states yet
FIRST_PACKETS = Scope(hooks=(Hook.INPUT,), assume="-m conntrack --ctstate NEW")

repair = WriteRules(
    id="01-repair",
    reference="""
        -P INPUT DROP
        -A INPUT -s 192.168.1.7 -p tcp --dport 22 -j ACCEPT
        -A INPUT -s 192.168.1.0/24 -p tcp -j DROP
        -A INPUT -p tcp --dport 22 -j REJECT
    """,
    says="Bob may use ssh; his neighbours' tcp is dropped, strangers' ssh rejected, the rest "
    "dropped.",
    # whichever way a REJECT says no
    scope=replace(FIRST_PACKETS, aspects=frozenset(Aspect) - {Aspect.REJECTION}),
    goals=(
        Goal(BOB.format(22), Verdict.ACCEPT, "Bob at 192.168.1.7 may use ssh."),
        Goal(NEIGHBOUR.format(22), Verdict.DROP, "Tcp of the other neighbours is dropped."),
        Goal(BOB.format(80), Verdict.DROP, "Bob may use ssh and nothing else."),
        Goal(STRANGER.format(22), Verdict.REJECT, "A stranger's ssh is rejected."),
        # the comparison takes a REJECT for a DROP, so that its type does not count
        Goal(
            "in wlan0 tcp 10.1.2.3:40000 -> 192.168.1.20:22",
            Verdict.REJECT,
            "Ssh from anywhere else is rejected.",
        ),
        Goal(STRANGER.format(80), Verdict.DROP, "Whatever else strangers want is dropped."),
        Goal(
            "in wlan0 udp 192.168.1.7:40000 -> 192.168.1.20:22",
            Verdict.DROP,
            "Udp is nobody's business here.",
        ),
        Goal("in wlan0 icmp 203.0.113.9 -> 192.168.1.20", Verdict.DROP, "The rest is dropped."),
    ),
    hints=(
        "Nothing needs to be written anew. Which rule must be asked before which?",
        "The exception goes above the rule it is an exception from.",
        "Put Bob's rule first and leave the others as they are.",
    ),
    misconceptions=(
        Misconception(
            "exception-below-the-rule",
            "A rule of yours would accept Bob's packet, but another one, above it, has had the "
            "last word by then. Move his rule up.",
            too_late(BOB.format(22)),
        ),
        Misconception(
            "no-exception",
            "None of your rules accepts Bob's packet. Compare it with his rule word by word: the "
            "chain, who sends it, its protocol, its port, and what becomes of it.",
            misses(BOB.format(22), Verdict.ACCEPT),
        ),
        Misconception(
            "policy-lost",
            "No rule decides about that packet, and the policy accepts it. What did the line -P "
            "say?",
            left_to_policy(STRANGER.format(80), Verdict.ACCEPT),
        ),
        Misconception(
            "reject-too-early",
            "The neighbours' ssh meets a REJECT: one for everybody that stands above their rule or "
            "has lost it, or their own. What the first match says is final.",
            treats(NEIGHBOUR.format(22), Verdict.REJECT),
        ),
        Misconception(
            "too-wide",
            "Your ACCEPT is wider than Bob's ssh. A rule needs every condition that you mean.",
            lambda rules: any(
                treats(packet, Verdict.ACCEPT)(rules)
                for packet in (NEIGHBOUR.format(22), BOB.format(80), STRANGER.format(22))
            ),
        ),
        Misconception(
            "silent-to-strangers",
            "The rule that rejects ssh from strangers is gone, or asked too late.",
            treats(STRANGER.format(22), Verdict.DROP),
        ),
        Misconception(
            "reject-too-wide",
            "That REJECT is for more than ssh. What nobody wishes to answer is left to the policy.",
            treats(STRANGER.format(80), Verdict.REJECT),
        ),
    ),
    done="The narrow rule goes above the wide one. On a live machine, -A would have put Bob's rule "
    "at the end once more; -I puts it first.",
)

# --- counters ---

COUNT = """
-P INPUT DROP
-A INPUT -p tcp
-A INPUT -p tcp --dport 22 -j LOG --log-prefix "ssh: "
-A INPUT -s 192.168.1.0/24 -j ACCEPT
-A INPUT -p tcp --dport 22 -j DROP
"""


def _counted() -> HookVisit:
    return trace(read_rules(COUNT), BOB.format(22))


count = Predict(
    id="01-count",
    truth=lambda: {number for _, number in _counted().deciding.hits()},
    shows=_counted,
    hints=(
        "A rule counts a packet when all of its conditions hold, whatever its target is.",
        "A rule without a target, and one with LOG, let the packet go on to the next rule.",
        "The walk ends at the first ACCEPT, DROP or REJECT. What comes after is not asked.",
    ),
    misconceptions=(
        Misconception(
            "only-the-decider-counts",
            "Rule 3 decides. But the rules before it that matched have counted the packet too.",
            answered([3], 3),
        ),
        Misconception(
            "no-target-no-rule",
            "Rule 1 has no target, rule 2 only writes to the log, and yet they are rules: each "
            "matches, counts, and lets the packet go on.",
            answered([2, 3], [2], [1, 3]),
        ),
        Misconception(
            "any-match-ends",
            "Not every match ends the walk: without a target, and after LOG, the next rule is "
            "asked.",
            answered([1], [1, 2], 1),
        ),
        Misconception(
            "counted-after-the-end",
            "Rule 4 would match, but the ACCEPT before it has ended the walk through this chain.",
            answered([1, 2, 3, 4], [1, 2, 4], [2, 3, 4], [3, 4], [4]),
        ),
    ),
    done="Rule 1 counts and does nothing else: that is the cheapest way to ask whether some packet "
    "comes at all. The policy did not count, because the packet never reached the end.",
)

# --- drop or reject ---

IDENT = "in eth0 tcp 203.0.113.9:40000 -> 192.168.1.20:113"
PROBE = "in eth0 udp 203.0.113.9:40000 -> 192.168.1.20:{}"

polite = WriteRules(
    id="01-polite",
    reference="""
        -P INPUT DROP
        -A INPUT -p tcp --dport 25 -j ACCEPT
        -A INPUT -p tcp --dport 113 -j REJECT --reject-with tcp-reset
        -A INPUT -p udp --dport 33434:33523 -j REJECT
    """,
    says="Mail is open, port 113 and traceroute's ports look closed, all else gets no answer.",
    scope=FIRST_PACKETS,
    goals=(
        Goal(
            "in eth0 tcp 203.0.113.9:40000 -> 192.168.1.20:25",
            Verdict.ACCEPT,
            "Mail is open to everybody.",
        ),
        Goal(IDENT, Verdict.REJECT, "Port 113 looks like a closed tcp port.", "tcp-reset"),
        Goal(
            PROBE.format(33434),
            Verdict.REJECT,
            "Traceroute's udp ports 33434 to 33523 look closed.",
            "icmp-port-unreachable",
        ),
        Goal(
            PROBE.format(33523),
            Verdict.REJECT,
            "Traceroute's udp ports 33434 to 33523 look closed.",
            "icmp-port-unreachable",
        ),
        Goal(PROBE.format(33524), Verdict.DROP, "All other udp gets no answer."),
        Goal(
            "in eth0 tcp 203.0.113.9:40000 -> 192.168.1.20:8080",
            Verdict.DROP,
            "All other tcp gets no answer.",
        ),
    ),
    hints=(
        "The target is REJECT both times; what differs is the answer it sends.",
        "-j REJECT --reject-with TYPE. Without --reject-with the type is icmp-port-unreachable.",
        "A closed tcp port answers with a reset (tcp-reset), a closed udp port with "
        "icmp-port-unreachable. A range of ports is written FIRST:LAST.",
    ),
    misconceptions=(
        Misconception(
            "drop-is-not-closed",
            "DROP says nothing, whether a rule says it or the policy, and a closed port does not "
            "say nothing: it refuses, at once.",
            lambda rules: (
                treats(IDENT, Verdict.DROP)(rules)
                or all(
                    treats(PROBE.format(port), Verdict.DROP)(rules)
                    for port in (33434, 33500, 33523)
                )
            ),
        ),
        Misconception(
            "open-is-not-closed",
            "ACCEPT lets the packet in, whether somebody listens there or not. A port that looks "
            "closed refuses.",
            lambda rules: any(
                treats(packet, Verdict.ACCEPT)(rules)
                and not left_to_policy(packet, Verdict.ACCEPT)(rules)
                for packet in (IDENT, PROBE.format(33434))
            ),
        ),
        Misconception(
            "policy-lost",
            "No rule decides about that packet, and the policy accepts it: the line -P INPUT DROP "
            "is gone.",
            left_to_policy(PROBE.format(33524), Verdict.ACCEPT),
        ),
        Misconception(
            "icmp-for-tcp",
            "That REJECT sends an ICMP error. A closed tcp port answers with a TCP reset: "
            "--reject-with tcp-reset.",
            misses(IDENT, Verdict.REJECT, "tcp-reset"),
        ),
        Misconception(
            "half-a-range",
            "Traceroute counts its port up with every probe, from the first to the last of them. "
            "One rule takes a whole range, FIRST:LAST.",
            lambda rules: (
                any(treats(PROBE.format(n), Verdict.REJECT)(rules) for n in (33434, 33523))
                and any(treats(PROBE.format(n), Verdict.DROP)(rules) for n in (33500, 33523))
            ),
        ),
        Misconception(
            "reject-everything",
            "That REJECT is too wide: what nobody asked for should get no answer.",
            lambda rules: any(
                treats(packet, Verdict.REJECT)(rules)
                for packet in (PROBE.format(33524), IDENT.replace(":113", ":8080"))
            ),
        ),
        Misconception(
            "another-answer",
            "REJECT has many answers. What does a closed udp port say?",
            lambda rules: (
                treats(PROBE.format(33434), Verdict.REJECT)(rules)
                and not treats(PROBE.format(33434), Verdict.REJECT, "icmp-port-unreachable")(rules)
            ),
        ),
    ),
    done="From outside these ports look like closed ones. The others keep silent, and that shows: "
    "port scanners call such a port filtered.",
)

# --- one table is not all ---

TABLES = """
*mangle
-A INPUT -s 192.168.1.0/24 -j ACCEPT
COMMIT
*filter
-A INPUT -p tcp --dport 22 -j DROP
COMMIT
"""


def _two_tables() -> HookVisit:
    return trace(read_rules(TABLES), BOB.format(22))


tables = Predict(
    id="01-tables",
    truth=lambda: _two_tables().verdict,
    choices=FATES,
    shows=_two_tables,
    hints=(
        "Two tables have a chain called INPUT here. The packet visits mangle first.",
        "ACCEPT ends the walk through one table's chain. Is that the end of the journey?",
    ),
    misconceptions=(
        Misconception(
            "accept-is-final",
            "ACCEPT ends the walk through table mangle only. Table filter still has its say, "
            "and its rule says DROP.",
            answered("ACCEPT"),
        ),
        Misconception(
            "reject-needs-a-rule",
            "No rule here says REJECT.",
            answered("REJECT"),
        ),
    ),
    done="ACCEPT means: this table has no objection. DROP is different: it ends the packet, and no "
    "later table is asked.",
)

# --- from life ---

router = partial(data, "router.rules")


def _lookup() -> HookVisit:
    return trace(router(), "in br0 tcp 192.168.1.7:40000 -> 192.168.1.1:53")


dns = Predict(
    id="01-dns",
    truth=lambda: decider(_lookup()),
    shows=_lookup,
    hints=(
        "Strike out the rules for other interfaces first: the packet comes in through br0.",
        "Port 53 stands in rule 9. What else does rule 9 say?",
        "Rule 9 is for udp. Which rule is left that asks for nothing but -i br0?",
    ),
    misconceptions=(
        Misconception(
            "port-without-protocol",
            "Rule 9 opens port 53 of udp. Port 53 of tcp is another door with the same number.",
            answered(9),
        ),
        Misconception(
            "any-of-the-ports",
            "Rule 8 is for tcp, but its ports are 22 and 443. Rule 10 is for icmp.",
            answered(8, 10),
        ),
        Misconception(
            "other-interface",
            "That rule is for lo or ppp0, or for packets of another state than this first one.",
            answered(1, 2, 3, 4, 5, 6, 7),
        ),
        Misconception(
            "policy-first",
            "The last rule takes everything from br0 that is left, so the policy is not reached.",
            answered("policy", "end", 0),
        ),
    ),
    done="An answer that is too long for udp is asked for again over tcp (RFC 7766), and then this "
    "router refuses. Its owner meant well and forgot half of a protocol.",
)

# --- questions that later lessons ask again ---

TURNED = """-P INPUT ACCEPT
-A INPUT ! -s 10.0.0.0/8 -p tcp -j DROP
"""
COUNTED = """-P INPUT DROP
-A INPUT -p udp
-A INPUT -p udp --dport 53 -j LOG
-A INPUT -p udp -j ACCEPT
-A INPUT -j DROP
"""
RECALLED = "udp 192.0.2.9:4000 -> 10.0.0.1:53"


def _turned() -> HookVisit:
    return trace(read_rules(TURNED), RECALLED)


def _recalled() -> HookVisit:
    return trace(read_rules(COUNTED), RECALLED)


negation = Predict(
    id="01-recall-negation",
    task=f"These are the rules of a machine:\n{TURNED}Somebody at 192.0.2.9 sends a udp packet. "
    'Its fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: _turned().verdict,
    choices=FATES,
    shows=_turned,
    hints=("What does the ! turn round?", "Only -s 10.0.0.0/8. What else must hold?"),
    misconceptions=(
        Misconception(
            "not-for-all",
            "The ! turns round the one condition behind it. The packet must still be tcp.",
            answered("DROP"),
        ),
        Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")),
    ),
    done="It does not come from 10.0.0.0/8, but it is not tcp either: the rule says no.",
)
counting = Predict(
    id="01-recall-counting",
    task=f"These are the rules of a machine:\n{COUNTED}A udp packet to port 53 comes in. Which "
    "rules count it? Answer with a list, such as [2, 4].",
    truth=lambda: {number for _, number in _recalled().deciding.hits()},
    shows=_recalled,
    hints=(
        "A rule counts a packet when its conditions hold, whatever its target is.",
        "Not every rule that matches ends the walk; one here does.",
    ),
    misconceptions=(
        Misconception(
            "only-the-decider-counts",
            "Rule 3 decides, but the ones before it have matched too.",
            answered([3], 3),
        ),
        Misconception(
            "counted-after-the-end",
            "Rule 3 ends the walk, so rule 4 is not asked.",
            answered([1, 2, 3, 4]),
        ),
    ),
    done="Without a target, and after LOG, the packet goes on; ACCEPT ends the walk.",
)

WIDE_FIRST = """-P INPUT ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -j DROP
-A INPUT -s 10.0.0.9 -p tcp --dport 22 -j ACCEPT
"""


def _empty() -> HookVisit:
    return trace(read_rules(""), "tcp 192.0.2.9:4000 -> 10.0.0.1:22")


def _wide_first() -> HookVisit:
    return trace(read_rules(WIDE_FIRST), "tcp 10.0.0.9:4000 -> 10.0.0.1:22")


empty = Predict(
    id="01-recall-empty",
    task="A machine is new: nobody has given it a rule or a policy yet.\nA stranger sends a tcp "
    'packet to its port 22. Its fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: _empty().verdict,
    choices=FATES,
    shows=_empty,
    hints=(
        "There is no rule, so the policy speaks.",
        "What did `iptables -L` print for the policy of the empty router?",
    ),
    misconceptions=(
        Misconception(
            "closed-by-default",
            "A firewall without rules forbids nothing: the policy is ACCEPT until you change it.",
            answered("DROP"),
        ),
        Misconception(
            "reject-needs-a-rule", "There is no rule, so none rejects.", answered("REJECT")
        ),
    ),
    done="An empty firewall lets everything through.",
)
wide = Predict(
    id="01-recall-wide",
    task=f"These are the rules of a machine:\n{WIDE_FIRST}10.0.0.9 wants to log in by ssh, tcp "
    'port 22. Its fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: _wide_first().verdict,
    choices=FATES,
    shows=_wide_first,
    hints=("Ask the rules from the top.", "Does rule 1 fit this packet too?"),
    misconceptions=(
        Misconception(
            "best-match",
            "Rule 2 fits better, but the first match decides, and rule 1 comes first.",
            answered("ACCEPT"),
        ),
        Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")),
    ),
    done="The first rule that matches decides, however exactly a later one fits.",
)

REVIEW = (negation, counting, empty, wide)
EXERCISES: tuple[Exercise, ...] = (gap, order, repair, count, polite, tables, dns)
