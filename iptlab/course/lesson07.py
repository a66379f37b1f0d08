"""Lesson 07, NAT: one address for a whole house, and how answers find their way back."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from iptlab.course.mistakes import ADDRESS, ENDS, left_to_policy, reads
from iptlab.grading import (
    Arrange,
    Exercise,
    Goal,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    Variants,
    WriteRules,
    answered,
    ends,
    treats,
)
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import Hook
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.routing import Route

ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
MASQUERADE = "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"


def _journeys(rules: str, *packets: str) -> list[Journey]:
    """What becomes of packets on the home router, one after the other."""
    machine = Machine(ROUTER.with_rules(rules))
    return [machine.journey(packet) for packet in packets]


def _last(rules: str, *packets: str) -> Journey:
    return _journeys(rules, *packets)[-1]


def _exit(journey: Journey) -> Packet:
    """The packet as it left."""
    assert journey.exit is not None
    return journey.exit


def _left(answer: object, host: Host, *packets: str) -> Packet | None:
    """The last packet as it leaves the host under an answer's rules; None if it does not."""
    if not isinstance(answer, Ruleset):
        return None
    machine = Machine(host.with_rules(answer))
    return [machine.journey(packet).exit for packet in packets][-1]


def _becomes(packet: str, *wanted: str, host: Host = ROUTER) -> Callable[[object], bool]:
    """The mistake of rules that make one of these of it: ``SRC:PORT -> DST:PORT``."""

    def shows(answer: object) -> bool:
        left = _left(answer, host, packet)
        return left is not None and ends(left) in wanted

    return shows


def _changes(packet: str, host: Host) -> Callable[[object], bool]:
    """The mistake of rules that translate a packet that is to stay as it is."""

    def shows(answer: object) -> bool:
        left = _left(answer, host, packet)
        return left is not None and ends(left) != packet.split(maxsplit=3)[-1]

    return shows


def _port(seed: int) -> int:
    """A client's port of the learner's own."""
    return 50_000 + 111 * (seed % 7)


# --- a worked example, faded ---

GUESTS = Host(
    (
        Interface.of("eth0", "203.0.113.2/24", "203.0.113.3/24"),
        Interface.of("eth1", "192.168.1.1/24"),
        Interface.of("eth2", "192.168.2.1/24"),
    ),
    (Route.parse("default via 203.0.113.1 dev eth0"),),
    sysctls={"ipv4/ip_forward": 1},
)
GUEST = "in eth2 tcp 192.168.2.50:50000 -> 198.51.100.7:80"
TO_ADA = "in eth2 tcp 192.168.2.50:50000 -> 192.168.1.20:22"
_UNCHANGED = "192.168.2.50:50000 -> 198.51.100.7:80"

fixed = WriteRules(
    id="07-fixed",
    reference="""
        -t nat -A POSTROUTING -s 192.168.1.0/24 -o eth0 -j MASQUERADE
        -t nat -A POSTROUTING -s 192.168.2.0/24 -o eth0 -j SNAT --to-source 203.0.113.3
    """,
    says="Guests leave as 203.0.113.3, neighbours as 203.0.113.2, and nothing else is changed.",
    scope=Scope(host=GUESTS),
    hints=(
        "The line above it does nearly the same: from whom, through which interface, which target.",
        "-o is the interface by which the packet leaves the router. All that goes to the internet "
        "leaves by eth0, whoever sent it.",
        "The target with an address of your choice is SNAT.",
    ),
    misconceptions=(
        Misconception(
            "other-address",
            "The guests leave with the address of the house. MASQUERADE takes the first address "
            "of the interface; the second one must be named.",
            _becomes(GUEST, "203.0.113.2:50000 -> 198.51.100.7:80", host=GUESTS),
        ),
        Misconception(
            "the-way-in",
            "In POSTROUTING -o is where the packet leaves. Guests come in by eth2, but to the "
            "internet they leave by eth0.",
            lambda rules: (
                _becomes(GUEST, _UNCHANGED, host=GUESTS)(rules)
                and reads("-A POSTROUTING", "-o eth[12] ")(rules)
            ),
        ),
        Misconception(
            "not-translated",
            "What guests send to the internet keeps its source. Compare such a packet with your "
            "line: whose packets it takes, by which interface they leave, and its target.",
            _becomes(GUEST, _UNCHANGED, host=GUESTS),
        ),
        Misconception(
            "inside-too",
            "That translates what guests send to the house as well. Ada should see who it is.",
            _changes(TO_ADA, GUESTS),
        ),
    ),
    done="SNAT writes the address that you name. MASQUERADE looks up the one that the outgoing "
    "interface has at that moment: it is for addresses that come and go.",
)

# --- the way back ---

BACK = partial(
    _last,
    MASQUERADE + "*filter\n-A FORWARD -j ACCEPT\nCOMMIT\n",
    "in eth1 tcp 192.168.1.20:50000 -> 203.0.113.9:80 SYN",
    "in eth0 tcp 203.0.113.9:80 -> 203.0.113.2:50000 SYN,ACK",
)


def _at_forward(journey: Journey) -> Packet:
    """The packet as table filter sees it in chain FORWARD."""
    return next(visit.packet for visit in journey.visits() if visit.chain == Hook.FORWARD)


back = Predict(
    id="07-back",
    truth=lambda: ends(_at_forward(BACK())),
    shows=BACK,
    hints=(
        "The second half of an entry in conntrack -L is how an answer looks when it comes in.",
        "The answer is changed so that it fits the first half, turned round.",
        "When? The router must know for whom it is before it decides by which interface it goes "
        "on: so before FORWARD.",
    ),
    misconceptions=(
        ENDS,
        Misconception(
            "changed-on-the-way-out",
            "If the answer still were for 203.0.113.2 after PREROUTING, the router would take it "
            "for its own and send it to INPUT, never to FORWARD.",
            answered("203.0.113.9:80 -> 203.0.113.2:50000"),
        ),
        Misconception(
            "the-question-again",
            "That is the question. An answer goes the other way: from port 80 to Ada.",
            answered("192.168.1.20:50000 -> 203.0.113.9:80", "203.0.113.2:50000 -> 203.0.113.9:80"),
        ),
        Misconception(
            "source-too",
            "Only the address that was changed on the way out is changed back. The stranger's own "
            "address stays.",
            answered(
                "203.0.113.2:80 -> 192.168.1.20:50000", "192.168.1.1:80 -> 192.168.1.20:50000"
            ),
        ),
    ),
    done="A new source is put in at the very end, in POSTROUTING, and so taken out at the very "
    "beginning. Rules in FORWARD see Ada's own address both ways.",
)

# --- a door to the inside ---

PAGE = (
    "in eth1 tcp 192.168.1.20:50000 -> 203.0.113.9:80 SYN",
    "in eth0 tcp 203.0.113.9:80 -> 203.0.113.2:50000 SYN,ACK",
    "in eth1 tcp 192.168.1.20:50000 -> 203.0.113.9:80 ACK",
)
VISIT = "in eth0 tcp 203.0.113.9:41000 -> 203.0.113.2:8080"
# whom strangers address by his private address is another story than whom NAT leads to him
NOT_BOB = Scope(host=ROUTER, assume="! -d 192.168.1.10")
ADA_SSH = "in eth0 tcp 203.0.113.9:41000 -> 192.168.1.20:22"
ADA_WEB = "in eth0 tcp 203.0.113.9:41000 -> 192.168.1.20:80"
BOB_PRINTER = "in eth0 tcp 203.0.113.9:41000 -> 192.168.1.10:631"


def _lets_strangers_in(answer: object) -> bool:
    return any(
        treats(packet, Verdict.ACCEPT, host=ROUTER)(answer)
        for packet in (ADA_SSH, ADA_WEB, BOB_PRINTER)
    )


repair = WriteRules(
    id="07-repair",
    reference="""
        -t nat -A PREROUTING -i eth0 -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to 192.168.1.10:80
        -t nat -A POSTROUTING -o eth0 -j MASQUERADE
        -P FORWARD DROP
        -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A FORWARD -i eth1 -j ACCEPT
        -A FORWARD -i eth0 -d 192.168.1.10 -p tcp --dport 80 -j ACCEPT
    """,
    says="Visitors come through to Bob's page, and to nothing else.",
    scope=NOT_BOB,
    goals=(
        Goal(VISIT, Verdict.ACCEPT, "Visitors reach Bob's page."),
        Goal(BOB_PRINTER, Verdict.DROP, "Strangers reach no other port of Bob's."),
    ),
    hints=(
        "The first four lines are right. Read the last one as FORWARD does: after PREROUTING.",
        "What does a packet look like that PREROUTING has sent to Bob? See the exercise before.",
        "-A FORWARD -i eth0 -d ... -p tcp --dport ... -j ACCEPT, with Bob's own address and port.",
    ),
    misconceptions=(
        Misconception(
            "no-more-nat",
            "Nothing leads visitors of port 8080 to Bob any more: without DNAT they are at the "
            "router itself. The DNAT rule was right: put it back.",
            _becomes(VISIT, VISIT.removeprefix("in eth0 tcp ")),
        ),
        Misconception(
            "policy-lost",
            "No rule decides about that packet, and the policy of FORWARD lets it pass: "
            "it was DROP.",
            left_to_policy(BOB_PRINTER, Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "too-wide",
            "Now FORWARD lets strangers in further than to Bob's page. Name his address and port.",
            _lets_strangers_in,
        ),
        Misconception(
            "public-in-forward",
            "FORWARD asks after PREROUTING. By then neither 203.0.113.2 nor port 8080 is left in "
            "the packet.",
            lambda rules: (
                treats(VISIT, Verdict.DROP, host=ROUTER)(rules)
                and reads("-A (?:FORWARD|INPUT)", r"-d 203\.0\.113\.2/|--dport 8080 ")(rules)
            ),
        ),
        Misconception(
            "not-the-packet",
            "No rule of FORWARD accepts that packet. Compare yours with what DNAT has made of it: "
            "where it comes in, its protocol, the address and the port that it goes to.",
            treats(VISIT, Verdict.DROP, host=ROUTER),
        ),
        Misconception(
            "house-shut",
            "The house can no longer go out, or does not hear the answers. The lines for that were "
            "right: put them back.",
            lambda rules: isinstance(rules, Ruleset) and _left(rules, ROUTER, *PAGE[:2]) is None,
        ),
    ),
    done="To forget that DNAT comes first is the commonest mistake in port forwarding. "
    "The rule may also ask for the connection instead: -m conntrack --ctstate DNAT matches what "
    "a DNAT rule has let in.",
)

# --- from inside ---

INPUT_DROP = "*filter\n:INPUT DROP [0:0]\n-A INPUT -i eth1 -p udp --dport 53 -j ACCEPT\nCOMMIT\n"
BOBS = f"""*nat
-A PREROUTING -i eth0 -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to-destination 192.168.1.10:80
COMMIT
{INPUT_DROP}"""
ALICES = BOBS.replace("-i eth0 -d", "-d")

inside = SupplyPacket(
    id="07-inside",
    rules=(
        ("the router with Bob's rule", lambda: ROUTER.with_rules(BOBS)),
        ("the router with Alice's", lambda: ROUTER.with_rules(ALICES)),
    ),
    wanted=(Verdict.DROP, Verdict.ACCEPT),
    hints=(
        "Which packets match Alice's rule and not Bob's?",
        "Ada types the public address into her browser. By which interface of the router does "
        "her packet come in?",
        "in eth1 tcp 192.168.1.20:50000 -> ...",
    ),
    misconceptions=(
        Misconception(
            "from-outside",
            "For what comes in by eth0 both rules do the same.",
            lambda text: "in eth0" in str(text),
        ),
        Misconception(
            "own-packet",
            'Without "in eth1" at its front it is a packet that the router itself sends.',
            lambda text: not str(text).startswith("in "),
        ),
        Misconception(
            "bob-directly",
            "Who sends to 192.168.1.10 itself needs no DNAT, and neither rule matches.",
            lambda text: "-> 192.168.1.10" in str(text),
        ),
        Misconception(
            "inner-address",
            "192.168.1.1 is an address of the router too, but not the one that the rule names.",
            lambda text: "-> 192.168.1.1:" in str(text),
        ),
        Misconception(
            "another-door",
            "Both rules are about one door only: tcp, to 203.0.113.2, port 8080.",
            lambda text: not re.search(r"tcp .*-> 203\.0\.113\.2:8080\b", str(text)),
        ),
    ),
    done="A packet from inside to the public address comes in by eth1. With -i eth0 the router "
    "takes it for its own, and INPUT drops it.",
)

HAIRPIN = """*nat
-A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to-destination 192.168.1.10:80
-A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.10 -p tcp --dport 80 -j MASQUERADE
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
"""


def _outgoing_mistakes(port: int) -> tuple[Misconception, ...]:
    return (
        ENDS,
        Misconception(
            "always-public",
            "MASQUERADE has no favourite address: it takes that of the outgoing interface, and "
            "here that is eth1, not eth0.",
            answered(f"203.0.113.2:{port} -> 192.168.1.10:80"),
        ),
        Misconception(
            "one-change-only",
            "Both rules match: DNAT in PREROUTING does not keep POSTROUTING from being asked.",
            answered(
                f"192.168.1.20:{port} -> 192.168.1.10:80",
                f"192.168.1.1:{port} -> 203.0.113.2:8080",
                f"192.168.1.20:{port} -> 203.0.113.2:8080",
            ),
        ),
        Misconception(
            "port-stays",
            "--to-destination names a port too: Bob's page is on port 80.",
            answered(
                f"192.168.1.1:{port} -> 192.168.1.10:8080",
                f"192.168.1.20:{port} -> 192.168.1.10:8080",
            ),
        ),
        Misconception(
            "before-dnat",
            "In POSTROUTING the destination is Bob's already.",
            answered(f"203.0.113.2:{port} -> 203.0.113.2:8080"),
        ),
    )


def _outgoing(seed: int) -> Predict:
    port = _port(seed)
    packet = f"in eth1 tcp 192.168.1.20:{port} -> 203.0.113.2:8080"
    last = partial(_last, HAIRPIN, packet)
    return Predict(
        id="07-outgoing",
        task=f"{packet}\nThis is the packet that Ada sends. Which packet reaches Bob?",
        truth=lambda: ends(_exit(last())),
        shows=last,
        hints=(
            "Two changes: the destination in PREROUTING, the source in POSTROUTING.",
            "MASQUERADE takes the address of the interface by which the packet leaves.",
            "To 192.168.1.10 the packet leaves by eth1. Which address has the router there?",
        ),
        misconceptions=_outgoing_mistakes(port),
        done="Bob's answer now goes to the router, which knows the connection, translates both "
        "ends back, and Ada hears from the address that she has asked. The price: Bob does not see "
        "that it was Ada.",
    )


outgoing = Variants("07-outgoing", _outgoing)

parsons = Arrange(
    id="07-parsons",
    lines=(
        "-A FORWARD -j DROP",
        "-t nat -A POSTROUTING -o eth1 -j MASQUERADE",
        "-A FORWARD -d 192.168.1.10 -p tcp --dport ___ -j ACCEPT",
        "-t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 "
        "-j DNAT --to-destination 192.168.1.10:80",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-t nat -A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.10 -p tcp --dport 80 -j MASQUERADE",
        "-t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.168.1.10:80",
    ),
    above="-t nat -A POSTROUTING -o eth0 -j MASQUERADE\n-A FORWARD -i eth1 -j ACCEPT",
    reference="""
        -t nat -A POSTROUTING -o eth0 -j MASQUERADE
        -A FORWARD -i eth1 -j ACCEPT
        -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to 192.168.1.10:80
        -t nat -A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.10 -p tcp --dport 80 -j MASQUERADE
        -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A FORWARD -d 192.168.1.10 -p tcp --dport 80 -j ACCEPT
        -A FORWARD -j DROP
    """,
    says="Bob's page is there for everybody at 203.0.113.2:8080, Bob sees who comes from outside, "
    "and nothing else is forwarded.",
    scope=Scope(host=ROUTER),
    hints=(
        "Five lines are needed: one DNAT, one MASQUERADE, three for FORWARD.",
        "Two lines catch too much: one takes Ada's connections to other servers, one hides who "
        "visits Bob.",
        "In FORWARD the line that drops comes last, and the port is the one after DNAT.",
    ),
    misconceptions=(
        Misconception(
            "hijack",
            "Line g leads every connection to a port 8080 to Bob, also those to other servers. "
            "Take the one that names the address.",
            _becomes(
                "in eth1 tcp 192.168.1.20:50000 -> 198.51.100.7:8080",
                "192.168.1.1:50000 -> 192.168.1.10:80",
                "192.168.1.20:50000 -> 192.168.1.10:80",
            ),
        ),
        Misconception(
            "hides-visitors",
            "Line b gives everybody who comes to Bob the router's address, strangers too. Only "
            "neighbours need that.",
            _becomes(VISIT, "192.168.1.1:41000 -> 192.168.1.10:80"),
        ),
        Misconception(
            "drop-too-early",
            "Visitors do not come through. Rules are asked from the top: does anything drop them "
            "before a rule accepts them? And which port has the packet in FORWARD?",
            treats(VISIT, Verdict.DROP, host=ROUTER),
        ),
        Misconception(
            "nobody-stopped",
            "Strangers get in further than to Bob's page: the policy of FORWARD is ACCEPT, and no "
            "line drops what is left over.",
            left_to_policy(BOB_PRINTER, Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "too-many-ports",
            "Line c lets strangers to more ports of Bob's than his page has.",
            treats(BOB_PRINTER, Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "no-door",
            "Nothing leads visitors to Bob: they stay at the router itself. Which line writes "
            "a new destination?",
            _becomes(VISIT, VISIT.removeprefix("in eth0 tcp ")),
        ),
        Misconception(
            "strange-answer",
            "Ada's packet reaches Bob with her own address as its source. He answers her directly, "
            "and she gets an answer from somebody whom she has "
            "not asked.",
            _becomes(
                "in eth1 tcp 192.168.1.20:50000 -> 203.0.113.2:8080",
                "192.168.1.20:50000 -> 192.168.1.10:80",
            ),
        ),
        Misconception(
            "deaf",
            "Ada can ask the world, but FORWARD drops the answers: which line lets them in?",
            lambda answer: isinstance(answer, Ruleset) and _left(answer, ROUTER, *PAGE[:2]) is None,
        ),
    ),
    done="The order counts only within one chain. Between chains the kernel's own order holds: "
    "PREROUTING, FORWARD, POSTROUTING, wherever the lines stand.",
)

# --- for the router itself, and for nobody ---

REDIRECT = """*nat
-A PREROUTING -i eth1 -p udp --dport 53 -j REDIRECT
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
"""


def _redirect_mistakes(port: int) -> tuple[Misconception, ...]:
    return (
        ENDS,
        Misconception(
            "always-public",
            "The packet came in by eth1, so it gets the address that the router has there.",
            answered(f"192.168.1.20:{port} -> 203.0.113.2:53"),
        ),
        Misconception(
            "loopback",
            "127.0.0.1 is what REDIRECT writes for the router's own packets, in OUTPUT. This one "
            "came in by eth1.",
            answered(f"192.168.1.20:{port} -> 127.0.0.1:53"),
        ),
        Misconception(
            "masqueraded-too",
            "The packet does not leave by eth0 any more: it is for the router now, and goes to "
            "INPUT. POSTROUTING is not asked.",
            answered(
                f"203.0.113.2:{port} -> 198.51.100.7:53",
                f"203.0.113.2:{port} -> 192.168.1.1:53",
                f"203.0.113.2:{port} -> 203.0.113.2:53",
                f"192.168.1.1:{port} -> 192.168.1.1:53",
            ),
        ),
        Misconception(
            "not-for-the-router",
            "PREROUTING sees every packet that comes in, whomever it is for, and this one "
            "matches: by eth1, udp, port 53.",
            answered(f"192.168.1.20:{port} -> 198.51.100.7:53"),
        ),
    )


def _redirect(seed: int) -> Predict:
    port = _port(seed)
    packet = f"in eth1 udp 192.168.1.20:{port} -> 198.51.100.7:53"
    last = partial(_last, REDIRECT, packet)
    return Predict(
        id="07-redirect",
        task=f"{packet}\nThis is Ada's question. Which packet does a program on the router get?",
        truth=lambda: ends(_exit(last())),
        shows=last,
        hints=(
            "REDIRECT changes the destination, as DNAT does. To which machine?",
            "To the router itself: to its address on the interface by which the packet came in.",
            "Then the packet goes to INPUT. Is POSTROUTING asked on that way?",
        ),
        misconceptions=_redirect_mistakes(port),
        done="So a router can answer every question for a name in the house, whomever it was meant "
        "for. The answers go back in the name of 198.51.100.7: Ada cannot tell.",
    )


redirect = Variants("07-redirect", _redirect)


def _stray_mistakes(port: int) -> tuple[Misconception, ...]:
    return (
        Misconception(
            "nat-as-filter",
            "Table nat stops nobody, and no filter rule does. The packet leaves: how?",
            answered("none", "nothing", "no", "no packet", "nothing leaves", "drop", "dropped"),
        ),
        ENDS,
        Misconception(
            "every-packet",
            "MASQUERADE matches packets that begin a connection. An INVALID one has no entry in "
            "which the new source could be kept: table nat does not see it.",
            answered(f"203.0.113.2:{port} -> 203.0.113.9:80"),
        ),
        Misconception(
            "answer-first",
            "Nothing turns the packet round. Does anything change it at all?",
            answered(
                f"203.0.113.9:80 -> 192.168.1.20:{port}",
                f"203.0.113.9:80 -> 203.0.113.2:{port}",
            ),
        ),
    )


def _stray(seed: int) -> Predict:
    port = _port(seed)
    packet = f"in eth1 tcp 192.168.1.20:{port} -> 203.0.113.9:80 RST"
    last = partial(_last, MASQUERADE, packet)
    return Predict(
        id="07-stray",
        task=f"{packet}\nThis is the reset that Ada's machine sends. Which packet leaves by eth0?",
        truth=lambda: ends(_exit(last())),
        shows=last,
        hints=(
            "What is the state of a reset that belongs to no connection? See lesson 06.",
            "NAT is a matter of connections: the new address is kept in the entry. Which entry has "
            "this packet?",
        ),
        misconceptions=_stray_mistakes(port),
        done="It leaves with its private address, for nobody to answer. That is why routers have "
        "-A FORWARD -m conntrack --ctstate INVALID -j DROP.",
    )


stray = Variants("07-stray", _stray)

# --- questions that later lessons ask again ---

SOURCE = """*nat
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
"""
TARGET = """*nat
-A PREROUTING -i eth0 -p tcp --dport 2222 -j DNAT --to-destination 192.168.1.30:22
COMMIT
*filter
-A FORWARD -j ACCEPT
COMMIT
"""
TO_ROUTER = (
    "A router has the address 203.0.113.2 on eth0 and 192.168.1.1 on eth1, and these rules:\n"
)
KNOCKED = partial(_last, TARGET, "in eth0 tcp 198.51.100.7:4000 -> 203.0.113.2:2222")
LEFT = partial(_last, SOURCE, "in eth1 udp 192.168.1.30:4000 -> 198.51.100.7:53")
ASKED = partial(
    _last,
    SOURCE,
    "in eth1 udp 192.168.1.30:4000 -> 198.51.100.7:53",
    "in eth0 udp 198.51.100.7:53 -> 203.0.113.2:4000",
)
OWN = "*nat\n-A PREROUTING -p tcp --dport 2222 -j DNAT --to-destination 192.168.1.30:22\nCOMMIT\n"
SELF = partial(_last, OWN, "tcp 203.0.113.2:4000 -> 203.0.113.2:2222")

in_forward = Predict(
    id="07-recall-forward",
    task=f"{TO_ROUTER}{TARGET}This packet comes in: in eth0 tcp 198.51.100.7:4000 -> "
    "203.0.113.2:2222. How does chain FORWARD of table filter see it? Answer with "
    '"SRC:PORT -> DST:PORT".',
    truth=lambda: ends(_at_forward(KNOCKED())),
    shows=KNOCKED,
    hints=("PREROUTING comes before FORWARD.", "DNAT has changed address and port by then."),
    misconceptions=(
        ENDS,
        Misconception(
            "public-in-forward",
            "PREROUTING comes first, and its DNAT rule has rewritten the destination.",
            answered("198.51.100.7:4000 -> 203.0.113.2:2222"),
        ),
        Misconception(
            "source-too",
            "DNAT does not touch the source.",
            answered("203.0.113.2:4000 -> 192.168.1.30:22", "192.168.1.1:4000 -> 192.168.1.30:22"),
        ),
    ),
    done="Filter rules speak of the inner address and the inner port.",
)
back_again = Predict(
    id="07-recall-back",
    task=f"{TO_ROUTER}{SOURCE}192.168.1.30 has asked 198.51.100.7 something over udp, from port "
    "4000 to port 53. The answer comes in. How does it leave the router? Answer with "
    '"SRC:PORT -> DST:PORT".',
    truth=lambda: ends(_exit(ASKED())),
    shows=ASKED,
    hints=("No rule is needed for it.", "The entry of the connection knows who asked."),
    misconceptions=(
        ENDS,
        Misconception(
            "needs-a-rule",
            "No rule says so, true. But the connection's entry does: answers are translated back.",
            answered("198.51.100.7:53 -> 203.0.113.2:4000"),
        ),
        Misconception(
            "masqueraded-back",
            "The stranger's address was never changed, so there is nothing to change back.",
            answered("203.0.113.2:53 -> 192.168.1.30:4000", "192.168.1.1:53 -> 192.168.1.30:4000"),
        ),
    ),
    done="The way back is translated from memory: nat rules speak of first packets only.",
)
leaves_as = Predict(
    id="07-recall-source",
    task=f"{TO_ROUTER}{SOURCE}192.168.1.30 sends a udp packet from port 4000 to 198.51.100.7, "
    "port 53. It leaves by eth0. From which address does it seem to come?",
    truth=lambda: str(_exit(LEFT()).src),
    shows=LEFT,
    hints=("MASQUERADE writes a new source.", "It is an address of the outgoing interface."),
    misconceptions=(
        ADDRESS,
        Misconception(
            "inner-address",
            "192.168.1.1 belongs to eth1, and the packet leaves by eth0.",
            answered("192.168.1.1"),
        ),
        Misconception(
            "unchanged",
            "The rule matches what leaves by eth0, and gives it a new source.",
            answered("192.168.1.30"),
        ),
    ),
    done="MASQUERADE takes the address of the interface by which the packet leaves.",
)
own_packets = Predict(
    id="07-recall-own",
    task=f"{TO_ROUTER}{OWN}Somebody types on the router itself: nc 203.0.113.2 2222. Where does "
    'the packet go? Answer "192.168.1.30", or "203.0.113.2" if it stays on the router.',
    truth=lambda: str(_exit(SELF()).dst),
    choices=("192.168.1.30", "203.0.113.2"),
    shows=SELF,
    hints=(
        "Which chains do packets visit that the router itself sends?",
        "OUTPUT and POSTROUTING: when it comes in again over lo, NAT is settled.",
    ),
    misconceptions=(
        Misconception(
            "prerouting-for-all",
            "Table nat is asked once, in OUTPUT, for what the router itself sends. That chain is "
            "empty.",
            answered("192.168.1.30"),
        ),
        Misconception("no-address", "The answer is one of the two.", answered("192.168.1.1")),
    ),
    done="A DNAT rule for the router's own packets belongs into OUTPUT.",
)

REVIEW = (in_forward, back_again, leaves_as, own_packets)
EXERCISES: tuple[Exercise | Variants, ...] = (
    fixed,
    back,
    repair,
    inside,
    outgoing,
    parsons,
    redirect,
    stray,
)
