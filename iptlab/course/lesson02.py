"""Lesson 02, Matches and targets: what a rule can ask and do, and what the other side sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from iptlab.course.files import data
from iptlab.course.mistakes import is_no, left_to_policy, reads, too_late
from iptlab.grading import (
    FATES,
    Exercise,
    FindLine,
    Goal,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    Variants,
    WriteRules,
    answered,
    blames,
    decider,
    lists,
    read_rules,
    sends,
    treats,
)
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.packet import Protocol, TcpFlags
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.situation import Situation, trace
from iptlab.simulate.trace import HookVisit

FIRST_PACKETS = Scope(hooks=(Hook.INPUT,), assume="-m conntrack --ctstate NEW")

LAPTOP = "in eth1 tcp 192.168.1.20:40000 -> 192.168.1.1:{}"
PHONE = "in eth1 tcp 192.168.1.11:40000 -> 192.168.1.1:{}"
GUEST = "in eth1 tcp 192.168.1.12:40000 -> 192.168.1.1:{}"
STRANGER = "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:{}"


def _visit(rules: str, packet: str) -> HookVisit:
    return trace(read_rules(rules), packet)


# --- one condition, and not the rule ---

NOT_SSH = """
-P INPUT ACCEPT
-A INPUT -p tcp ! --dport 22 -j DROP
"""
KNOCKS = (
    "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:22",
    "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:443",
    "in eth0 udp 203.0.113.9:40000 -> 203.0.113.2:53",
    "in eth0 icmp 203.0.113.9 -> 203.0.113.2 echo-request",
    "in eth1 tcp 192.168.1.20:40000 -> 192.168.1.1:8080",
)


def _dropped() -> set[int]:
    fates = [_visit(NOT_SSH, knock).verdict for knock in KNOCKS]
    return {n for n, fate in enumerate(fates, start=1) if fate == Verdict.DROP}


shut = Predict(
    id="02-shut",
    truth=_dropped,
    shows=partial(_visit, NOT_SSH, KNOCKS[2]),
    hints=(
        "Read the rule as a sentence: the packet is tcp, and its port is not 22.",
        "The ! stands before --dport and turns that round. It leaves -p tcp alone.",
        "Packets 3 and 4 are not tcp.",
    ),
    misconceptions=(
        Misconception(
            "not-is-missed",
            "Packet 1 goes to port 22, and the rule is for tcp to any other port.",
            lists("1"),
        ),
        Misconception(
            "not-the-whole-rule",
            "You read the rule as: everything but ssh. But -p tcp has no ! before it, so what is "
            "not tcp does not match, and the policy lets it in.",
            lists("4"),
        ),
        Misconception(
            "udp-has-ports-too",
            "Udp has ports too, and 53 is not 22. But the rule asks for tcp first.",
            lists("3"),
        ),
        Misconception(
            "no-interface",
            "Two of the five are tcp, and not to port 22. The rule has no -i and no -s, so it does "
            "not ask where they come from.",
            answered([2], [5], []),
        ),
    ),
    done="The rule is silent about udp and icmp. A firewall that says what is allowed, and drops "
    "the rest, cannot forget a protocol.",
)


def _shut_out(rules: object) -> int:
    """How many of the two that may use ssh cannot."""
    return sum(treats(one.format(22), Verdict.DROP)(rules) for one in (LAPTOP, PHONE))


only = WriteRules(
    id="02-only",
    reference="""
        -A INPUT -s 192.168.1.20,192.168.1.11 -p tcp --dport 22 -j ACCEPT
        -A INPUT -p tcp --dport 22 -j DROP
    """,
    says="Ssh is for the laptop and the phone alone; everything else stays as it was.",
    scope=FIRST_PACKETS,
    goals=(
        Goal(LAPTOP.format(22), Verdict.ACCEPT, "The laptop may use ssh."),
        Goal(PHONE.format(22), Verdict.ACCEPT, "The phone may use ssh."),
        Goal(GUEST.format(22), Verdict.DROP, "Nobody else may use ssh."),
        Goal(STRANGER.format(22), Verdict.DROP, "Nobody else may use ssh."),
        Goal(GUEST.format(53), Verdict.ACCEPT, "Everything else stays open."),
    ),
    hints=(
        "Take the laptop's packet through both rules. Rule 1 says no. And rule 2?",
        "Whoever is not the laptop OR not the phone is everybody. You want: neither of them.",
        "Accept the two first, then drop ssh for whoever is left. One line takes both: "
        "-s 192.168.1.20,192.168.1.11",
    ),
    misconceptions=(
        Misconception(
            "two-nots-are-everybody",
            "Each of the two is dropped by the rule that spares the other. Nobody is two "
            "addresses at once.",
            lambda rules: _shut_out(rules) == 2 and "! -s" in str(rules),
        ),
        Misconception(
            "exception-too-late",
            "The first match decides: below the DROP an ACCEPT for the two comes too late.",
            lambda rules: _shut_out(rules) == 2 and too_late(LAPTOP.format(22))(rules),
        ),
        Misconception(
            "no-exception",
            "No rule of yours accepts ssh from the two. Compare yours with the packet: the chain, "
            "who sends it, its protocol and its port.",
            lambda rules: _shut_out(rules) == 2,
        ),
        Misconception(
            "one-was-forgotten",
            "One of the two is still dropped. Which rule does it?",
            lambda rules: _shut_out(rules) == 1,
        ),
        Misconception(
            "open-to-all",
            "The others still get in, by a rule for more than two addresses (/24 are 256), or by "
            "the policy: somebody has to drop them.",
            lambda rules: any(
                treats(one.format(22), Verdict.ACCEPT)(rules) for one in (GUEST, STRANGER)
            ),
        ),
        Misconception(
            "answered-not-dropped",
            "The others do not get in, true. But ssh from them is to be dropped, and REJECT "
            "answers.",
            treats(GUEST.format(22), Verdict.REJECT),
        ),
        Misconception(
            "more-than-ssh",
            "That shuts more than ssh: a rule without --dport is for every port, and a policy is "
            "for every packet.",
            treats(GUEST.format(53), Verdict.DROP),
        ),
        Misconception(
            "asks-where-it-came-in",
            "A rule of yours asks for an interface, and the laptop and the phone may come in "
            "through any. (On a real router -i eth1 is wise: an address can be forged.)",
            treats("in eth0 tcp 192.168.1.20:40000 -> 203.0.113.2:22", Verdict.DROP),
        ),
    ),
    done="Two rules with ! shut the door to everybody. An exception needs a rule of its own, "
    "above the rule that it is an exception from.",
)

# --- interfaces ---

INSIDE = """
-P INPUT DROP
-A INPUT -p icmp --icmp-type echo-request -j ACCEPT
-A INPUT ! -i eth0 -p udp --dport 53 -j ACCEPT
-A INPUT -i eth+ -p tcp --dport 22 -j ACCEPT
-A INPUT -i eth1 -p tcp --dport 53 -j ACCEPT
"""


def _not_through(interface: str) -> Callable[[object], bool]:
    """The mistake of a proof that comes in through any other interface."""
    return lambda answer: (
        isinstance(answer, tuple)
        and isinstance(answer[1], Situation)
        and answer[1].context.in_interface != interface
    )


plus = FindLine(
    id="02-plus",
    rules=INSIDE,
    # any card but eth0 is inside; one that eth+ does not name is not what the question is about
    reference=f"-N inside\n{INSIDE}-A inside ! -i eth0 -j ACCEPT".replace(
        "-i eth+ -p tcp --dport 22 -j ACCEPT", "-i eth+ -p tcp --dport 22 -j inside"
    ),
    hints=(
        "For each rule ask: may a packet come in through eth0 and match it? And was that wanted?",
        "The name eth+ stands for every interface whose name begins with eth.",
        '(LINE, "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:PORT")',
    ),
    misconceptions=(
        Misconception(
            "not-is-outside",
            "! -i eth0 says: through any interface but eth0. That is the inside.",
            blames("INPUT 2"),
        ),
        Misconception(
            "ping-is-for-all",
            "A ping is welcome from anywhere, so that rule does what was wanted.",
            blames("INPUT 1"),
        ),
        Misconception(
            "from-inside",
            "What comes in from inside is treated as wanted. The hole is on the other side: let "
            "your packet come in through eth0.",
            _not_through("eth0"),
        ),
        Misconception(
            "only-from-inside",
            "That rule asks for -i eth1, and eth0 is not eth1.",
            blames("INPUT 4"),
        ),
    ),
    done="eth+ was meant for eth1, and for cards that may come later. It is true of eth0 as well, "
    "and eth0 is the internet. Every stranger could try passwords at the router.",
)

# --- flags ---

SYN = "-P INPUT ACCEPT\n-A INPUT -p tcp --syn -j DROP"
FLAGS = "-P INPUT ACCEPT\n-A INPUT -p tcp --tcp-flags SYN SYN -j DROP"
MASK = TcpFlags.FIN | TcpFlags.SYN | TcpFlags.RST | TcpFlags.ACK

flags = SupplyPacket(
    id="02-flags",
    rules=(("Ada", partial(read_rules, SYN)), ("Bob", partial(read_rules, FLAGS))),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    hints=(
        "Bob looks at SYN alone. Ada looks at FIN, SYN, RST and ACK, and wants SYN only.",
        "Which packet of a connection has SYN, and another of these four as well?",
        "It is the answer to a SYN: in eth0 tcp ... -> ... SYN,... (flags are joined by commas).",
    ),
    misconceptions=(
        Misconception(
            "not-coming-in",
            "Both rules are in INPUT, and that packet passes through or goes out: leave out the "
            "word `out' and its interface.",
            sends(lambda it: it.context.hook != Hook.INPUT),
        ),
        Misconception(
            "not-tcp",
            "Both rules are for tcp, and both policies accept the rest.",
            sends(lambda it: it.packet.protocol != Protocol.TCP),
        ),
        Misconception(
            "first-packet",
            "A packet whose one flag in MASK is SYN is dropped by both. (Without any flags a tcp "
            "packet has SYN; flags that stand in no MASK do not count.)",
            sends(lambda it: bool(it.packet.flags) and it.packet.flags & MASK == TcpFlags.SYN),
        ),
        Misconception(
            "no-syn",
            "Without SYN no rule here matches, and both accept. (Several flags are joined by "
            "commas, without blanks.)",
            sends(lambda it: TcpFlags.SYN not in it.packet.flags),
        ),
    ),
    done="SYN,ACK is how a server answers. Ada stops connections that others open; Bob stops his "
    "own as well, for no answer to them ever comes in.",
)

# --- what the other side sees ---

ADMIN = "icmp-admin-prohibited"
OUTSIDE = "in eth0 {} 203.0.113.9:40000 -> 203.0.113.2:{}"
FROM_443 = OUTSIDE.replace(":40000", ":443").format("tcp", 22)

outside = WriteRules(
    id="02-outside",
    reference="""
        -A INPUT -i eth1 -p tcp -m multiport ! --dports 22,53 -j REJECT --reject-with tcp-reset
        -A INPUT -i eth0 -p tcp -m multiport ! --dports 80,443,8000:8010 -j REJECT \
--reject-with icmp-admin-prohibited
        -A INPUT -i eth0 -p udp -j DROP
    """,
    says="From outside: tcp to 80, 443 and 8000 to 8010 is open, other tcp is prohibited, udp "
    "gets no answer; the inside stays as it is.",
    scope=FIRST_PACKETS,
    goals=(
        Goal(OUTSIDE.format("tcp", 443), Verdict.ACCEPT, "Port 443 is open to the outside."),
        Goal(OUTSIDE.format("tcp", 8005), Verdict.ACCEPT, "Ports 8000 to 8010 are open."),
        Goal(
            OUTSIDE.format("tcp", 22),
            Verdict.REJECT,
            "Other tcp from outside is told that it is prohibited.",
            ADMIN,
        ),
        Goal(OUTSIDE.format("udp", 53), Verdict.DROP, "Udp from outside gets no answer."),
        Goal(LAPTOP.format(22), Verdict.ACCEPT, "From inside port 22 is open."),
        Goal(
            LAPTOP.format(443),
            Verdict.REJECT,
            "From inside other tcp ports look closed.",
            "tcp-reset",
        ),
    ),
    hints=(
        "The first rule is the pattern: interface, protocol, ports that stay open, answer.",
        "A range in a list of ports is written FIRST:LAST. It counts as two of the 15 entries.",
        "The type of REJECT that ping shows as `Packet filtered' is icmp-admin-prohibited.",
    ),
    misconceptions=(
        Misconception(
            "policy-for-all",
            "No rule decides about that packet, and now the policy drops it: it was ACCEPT.",
            left_to_policy(OUTSIDE.format("tcp", 443), Verdict.DROP),
        ),
        Misconception(
            "wrong-end",
            "--sports are the ports that packets come from. What is open are ports of the router: "
            "--dports.",
            lambda rules: (
                treats(OUTSIDE.format("tcp", 22), Verdict.REJECT)(rules)
                and treats(FROM_443, Verdict.ACCEPT)(rules)
            ),
        ),
        Misconception(
            "both-sides",
            "A rule without -i is for both sides: what comes in by eth0 meets the rule for inside.",
            lambda rules: (
                treats(OUTSIDE.format("tcp", 443), Verdict.REJECT)(rules)
                and reads("-A INPUT (?!.*-i ).*-j REJECT")(rules)
            ),
        ),
        Misconception(
            "not-is-missing",
            "You reject the ports that should be open. A ! before --dports means: all but these.",
            treats(OUTSIDE.format("tcp", 443), Verdict.REJECT),
        ),
        Misconception(
            "only-one-of-the-range",
            "That port is one of 8000 to 8010. A range is FIRST:LAST, with a colon, and both ends "
            "belong to it; 8000,8010 are two ports.",
            lambda rules: any(
                treats(OUTSIDE.format("tcp", port), Verdict.REJECT)(rules)
                for port in (8000, 8005, 8010)
            ),
        ),
        Misconception(
            "wrong-answer",
            "REJECT answers, but with another type. Name the right one with --reject-with.",
            lambda rules: (
                treats(OUTSIDE.format("tcp", 22), Verdict.REJECT)(rules)
                and not treats(OUTSIDE.format("tcp", 22), Verdict.REJECT, ADMIN)(rules)
            ),
        ),
        Misconception(
            "silence-is-an-answer",
            "DROP says nothing, and the wish was an answer: REJECT.",
            treats(OUTSIDE.format("tcp", 22), Verdict.DROP),
        ),
        Misconception(
            "nobody-says-no",
            "No rule rejects it, so the policy accepts it: is there one for what comes in by eth0? "
            "(A rule that accepts some ports shuts no other.)",
            treats(OUTSIDE.format("tcp", 22), Verdict.ACCEPT),
        ),
        Misconception(
            "inside-too",
            "Udp from inside goes unanswered too. Only what comes in by eth0 should, and a rule "
            "without -i is for both sides.",
            treats("in eth1 udp 192.168.1.20:40000 -> 192.168.1.1:53", Verdict.DROP),
        ),
        Misconception(
            "an-answer-is-no-silence",
            "REJECT is an answer. Who wants silence writes DROP.",
            treats(OUTSIDE.format("udp", 53), Verdict.REJECT),
        ),
        Misconception(
            "more-than-udp",
            "That DROP is for more than udp: pings from outside, and tcp to the open ports, should "
            "stay accepted.",
            treats("in eth0 icmp 203.0.113.9 -> 203.0.113.2 echo-request", Verdict.DROP),
        ),
        Misconception(
            "udp-is-answered",
            "No rule of INPUT drops udp that comes in by eth0, so the router takes it. It is to "
            "meet DROP, whatever its port.",
            lambda rules: any(
                treats(OUTSIDE.format("udp", port), Verdict.ACCEPT)(rules) for port in (53, 5000)
            ),
        ),
    ),
    done="The client sees `No route to host'. ping and a packet capture tell more: somebody has "
    "forbidden it.",
)

# --- who says so ---

_PHONE = Host.server("192.168.1.11/24", gateway="192.168.1.1")
_ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
_ASKED = "icmp 192.168.1.11 -> 203.0.113.1 echo-request"


def _at_home() -> Journey:
    rules = "*filter\n-A OUTPUT -d 203.0.113.1 -j REJECT\nCOMMIT\n"
    return Machine(_PHONE.with_rules(rules)).journey(_ASKED)


def _at_router() -> Journey:
    rules = "*filter\n-A FORWARD -p icmp -j REJECT\nCOMMIT\n"
    return Machine(_ROUTER.with_rules(rules)).journey(f"in eth1 {_ASKED}")


def _author(journey: Journey) -> str:
    """Whose address the answer of a REJECT bears."""
    (answer,) = journey.generated
    assert answer.exit
    return str(answer.exit.src)


NEVER_THERE = Misconception(
    "the-server-says-it",
    "The packet has never come as far as the server, so the server cannot have answered.",
    answered("203.0.113.1"),
)

own = Predict(
    id="02-own",
    truth=lambda: _author(_at_home()),
    choices=("192.168.1.1", "192.168.1.11", "203.0.113.1"),
    shows=_at_home,
    hints=(
        "OUTPUT is the chain for packets that the phone itself sends. How far does this one come?",
        "It never leaves the phone. Who is there to answer?",
    ),
    misconceptions=(
        Misconception(
            "the-router-says-it",
            "The router would say it if the rule were there. This packet never leaves the phone.",
            answered("192.168.1.1"),
        ),
        NEVER_THERE,
    ),
    done="The phone forbids it to itself, and tells itself: From names its own address.",
)

# --- the line in the log ---

DOORS = """*filter
-A INPUT -p tcp --dport 22 -j LOG --log-prefix "door: "
-A FORWARD -p tcp --dport 22 -j LOG --log-prefix "door: "
-A OUTPUT -p tcp --dport 22 -j LOG --log-prefix "door: "
COMMIT
"""
LOGINS = (
    "in eth0 tcp 203.0.113.9:51000 -> 203.0.113.2:22 SYN",
    "in eth0 tcp 203.0.113.9:51000 -> 192.168.1.20:22 SYN",
    "tcp 203.0.113.2:51000 -> 203.0.113.9:22 SYN",
)
READINGS = {
    "INPUT": Misconception(
        "into-the-router",
        "What is for the router itself goes out nowhere: OUT= would be empty.",
        answered("INPUT"),
    ),
    "FORWARD": Misconception(
        "every-packet-is-forwarded",
        "What a router passes on has come in through one interface and goes out through another: "
        "IN= and OUT= would both have a name.",
        answered("FORWARD"),
    ),
    "OUTPUT": Misconception(
        "from-the-router",
        "What the router sends itself has come in nowhere: IN= would be empty.",
        answered("OUTPUT"),
    ),
}


def _log(seed: int) -> Predict:
    router = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24", rules=DOORS)
    journey = Machine(router).journey(LOGINS[seed % len(LOGINS)])
    chain = str(next(place.chain for place in journey.hits() if place.number))
    return Predict(
        id="02-log",
        task=f"{journey.log[0].strip()}\nIn which chain stands the rule that wrote this line?",
        truth=lambda: chain,
        choices=tuple(READINGS),
        shows=lambda: journey,
        hints=(
            "Compare it with the line above, which has a name behind IN= and behind OUT=.",
            "Did this packet come in through an interface? Will it go out through one?",
        ),
        misconceptions=tuple(one for name, one in READINGS.items() if name != chain),
        done="IN= alone is INPUT, OUT= alone is OUTPUT, both together are FORWARD.",
    )


log = Variants("02-log", _log)

# --- Bob's four messages ---

flat = partial(data, "flat.rules")
BOB = "in eth1 out eth0 {} 192.168.1.11{} -> 203.0.113.1{}"
TRIES = (
    BOB.format("tcp", ":40000", ":22"),
    BOB.format("tcp", ":40001", ":80"),
    BOB.format("tcp", ":40002", ":443"),
    BOB.format("icmp", "", " echo-request"),
)

down = Predict(
    id="02-down",
    truth=lambda: [decider(trace(flat(), one)) for one in TRIES],
    shows=lambda: trace(flat(), TRIES[2]),
    hints=(
        "Begin with the messages. Silence is DROP, `refused' is a reset or port-unreachable, "
        "`No route to host' is another ICMP error.",
        "Then look at the conditions: Bob's phone is 192.168.1.11, and it sends from eth1 to eth0.",
        "Rule 1 is for what comes in from outside, rule 3 for the laptop. Neither is Bob.",
    ),
    misconceptions=(
        Misconception(
            "form",
            "Write the numbers of four rules, and nothing else: [1, 1, 1, 1].",
            is_no(r"\d+"),
        ),
        Misconception(
            "not-the-laptop-is-the-phone",
            "! -s 192.168.1.20 is true of everybody but the laptop, and so of Bob's phone: ssh "
            "ends in silence at rule 2.",
            lambda answer: isinstance(answer, tuple) and len(answer) == 4 and answer[0] != 2,
        ),
        Misconception(
            "first-match",
            "Ports 80 and 443 are within 1:1023, but rule 4, for port 80, stands above rule 5. And "
            "its reset is not what `No route to host' comes from.",
            lambda answer: isinstance(answer, tuple) and len(answer) == 4 and answer[1:3] != (4, 5),
        ),
        Misconception(
            "rules-for-tcp",
            "Ping is icmp, and only the last rule is for it.",
            lambda answer: isinstance(answer, tuple) and len(answer) == 4 and answer[3] != 6,
        ),
    ),
    done="The server was never down. Four messages, four rules, all on Ada's router.",
)

# --- questions that later lessons ask again ---

NETWORK = """-P INPUT DROP
-A INPUT -s 192.168.1.99/24 -j ACCEPT
"""
PORTS = """-P INPUT ACCEPT
-A INPUT -p udp ! --dport 53 -j DROP
"""
CARDS = """-P INPUT DROP
-A INPUT -i eth1 -j ACCEPT
-A INPUT -i eth+ -j DROP
"""
SEVERAL = "-A INPUT -s 192.168.1.20,192.168.1.11 -d 192.168.1.1,203.0.113.2 -p udp -j ACCEPT"
_added = partial(read_rules, SEVERAL)
IN_NETWORK = partial(_visit, NETWORK, "in eth1 udp 192.168.1.7:4000 -> 192.168.1.1:53")
OF_TCP = partial(_visit, PORTS, "in eth1 tcp 192.168.1.7:4000 -> 192.168.1.1:443")
BY_CARD = partial(_visit, CARDS, "in eth12 tcp 192.168.1.7:4000 -> 192.168.1.1:443")

NO_REJECT = Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT"))

network = Predict(
    id="02-recall-network",
    task=f"These are the rules of a machine:\n{NETWORK}Somebody at 192.168.1.7 sends a packet. "
    'Its fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: IN_NETWORK().verdict,
    choices=FATES,
    shows=IN_NETWORK,
    hints=(
        "How many bits of the address does /24 compare?",
        "The first three numbers count, the last does not.",
    ),
    misconceptions=(
        Misconception(
            "one-machine",
            "With /24 only the first 24 bits are compared; .99 is forgotten.",
            answered("DROP"),
        ),
        NO_REJECT,
    ),
    done="The kernel keeps 192.168.1.0/24: what is behind the prefix is cut off.",
)
missing = Predict(
    id="02-recall-missing",
    task=f"These are the rules of a machine:\n{PORTS}A tcp packet to port 443 comes in. Its fate: "
    '"ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: OF_TCP().verdict,
    choices=FATES,
    shows=OF_TCP,
    hints=("443 is not 53. What else must be so?", "Is the packet udp?"),
    misconceptions=(
        Misconception(
            "not-the-whole-rule",
            "The port is not 53, but the packet is not udp either: the ! leaves -p udp alone.",
            answered("DROP"),
        ),
        NO_REJECT,
    ),
    done="The rule is for udp. Of tcp it says nothing, and so the policy decides.",
)
card = Predict(
    id="02-recall-card",
    task=f"These are the rules of a machine:\n{CARDS}A packet comes in through eth12. Who decides: "
    '1, 2 or "policy"?',
    truth=lambda: decider(BY_CARD()),
    choices=(1, 2, "policy"),
    shows=BY_CARD,
    hints=("Is eth12 the same name as eth1?", "Only a + at the end makes a name a beginning."),
    misconceptions=(
        Misconception(
            "name-is-a-prefix",
            "Without + a name is compared as a whole, and eth12 is not eth1.",
            answered(1),
        ),
        Misconception("policy-first", "eth12 begins with eth: rule 2.", answered("policy")),
    ),
    done="eth1 is one interface; eth+ are all whose names begin with eth.",
)
several = Predict(
    id="02-recall-list",
    task=f"Somebody types:\niptables {SEVERAL}\nHow many rules does this one line add?",
    truth=lambda: len(_added().tables[TableName.FILTER].chains["INPUT"].rules),
    shows=lambda: trace(_added(), "in eth1 udp 192.168.1.11:40000 -> 203.0.113.2:22"),
    hints=(
        "A rule in the kernel has room for one source and one destination.",
        "192.168.1.20 may go to 192.168.1.1. Which other pairs does the line allow?",
    ),
    misconceptions=(
        Misconception(
            "one-line-one-rule",
            "A list is only a service of the command: the kernel's rule has room for one source "
            "and one destination (kernel: struct ipt_ip).",
            answered(1),
        ),
        Misconception(
            "first-with-first",
            "The lists are not walked side by side: each source goes with each destination.",
            answered(2),
        ),
    ),
    done="Two sources times two destinations make four rules.",
)
author = Predict(
    id="02-recall-author",
    task="A router (192.168.1.1 inside, 203.0.113.2 outside) has the rule\n"
    "-A FORWARD -p icmp -j REJECT\nA phone, 192.168.1.11, pings a server, 203.0.113.1. From which "
    "address does the phone hear that it cannot be?",
    truth=lambda: _author(_at_router()),
    choices=("192.168.1.1", "192.168.1.11", "203.0.113.1", "203.0.113.2"),
    shows=_at_router,
    hints=("Who rejects it?", "Of the router's two addresses, which one looks to the phone?"),
    misconceptions=(
        NEVER_THERE,
        Misconception(
            "other-side",
            "The router speaks with the address of the interface towards the phone.",
            answered("203.0.113.2"),
        ),
        Misconception(
            "oneself",
            "The phone would answer itself if its own chain OUTPUT had rejected it.",
            answered("192.168.1.11"),
        ),
    ),
    done="The ICMP error of a router bears the router's address: it tells you who refuses.",
)

REVIEW = (network, missing, card, several, author)
EXERCISES: tuple[Exercise | Variants, ...] = (flags, shut, only, plus, outside, own, down, log)
