"""Lesson 05, Traversal: which way a packet takes through a machine, and who is asked there."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from iptlab.course.files import data
from iptlab.course.mistakes import is_no, jumbled, left_to_policy, misses, reads
from iptlab.errors import PacketError
from iptlab.grading import (
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
    lists,
    read_rules,
    treats,
)
from iptlab.netfilter.actions import Verdict
from iptlab.packet import Packet, Protocol
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine

ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
LAPTOP = Host.server("192.168.1.20/24", gateway="192.168.1.1")

TO_ME = ["PREROUTING", "INPUT"]
THROUGH_ME = ["PREROUTING", "FORWARD", "POSTROUTING"]
FROM_ME = ["OUTPUT", "POSTROUTING"]
TO_MYSELF = [*FROM_ME, *TO_ME]


def _journey(packet: str, rules: str = "", host: Host = ROUTER) -> Journey:
    """One packet's way through a machine that has done nothing before."""
    return Machine(host.with_rules(read_rules(rules))).journey(packet)


def _hooks(journey: Journey) -> list[str]:
    return [str(one.hook) for one in journey.path]


NO_HOOK = Misconception(
    "no-hook",
    "Hooks and nothing else, please: a routing decision and a process are stations on the way, "
    "but no rule is asked there. In brackets stands the interface; leave that out too.",
    lambda answer: bool(re.search(r"(?i)\b(routing|process|lo|(in|out) eth\d)\b", str(answer))),
)


# --- three ways ---

OTHER = partial(_journey, "in eth1 tcp 192.168.1.11:40000 -> 203.0.113.2:22 SYN")

other = Predict(
    id="05-other",
    truth=lambda: _hooks(OTHER()),
    shows=OTHER,
    hints=(
        "Start on the left of the picture: the packet comes in from a cable.",
        "The routing decision asks one question: is the destination an address of mine?",
        "203.0.113.2 is an address of the router. On which interface it is written is not asked.",
    ),
    misconceptions=(
        NO_HOOK,
        Misconception(
            "address-of-an-interface",
            "203.0.113.2 is written on eth0, but it belongs to the whole machine. Nothing has to "
            "be carried over to eth0: the packet has arrived.",
            answered(THROUGH_ME, ["PREROUTING", "FORWARD"], ["FORWARD"]),
        ),
        Misconception(
            "forward-then-input",
            "FORWARD and INPUT are two branches. No packet from outside takes both.",
            answered(
                ["PREROUTING", "FORWARD", "INPUT"],
                ["PREROUTING", "INPUT", "FORWARD"],
                ["FORWARD", "INPUT"],
            ),
        ),
        Misconception(
            "input-is-the-door",
            "Before INPUT there is a hook for all that comes in, whoever it is for.",
            answered(["INPUT"], ["INPUT", "PREROUTING"]),
        ),
        Misconception(
            "out-again",
            "INPUT is the last hook for what is to this machine. OUTPUT and POSTROUTING are for "
            "packets that leave, and this one has arrived.",
            lists("output", "postrouting"),
        ),
    ),
    done="Every address of a machine counts as the machine itself, whichever cable the packet came "
    "by. A rule in INPUT that should hold for one side only needs -i.",
)

PHONE_WEB = "in eth1 tcp 192.168.1.11:40000 -> 203.0.113.1:80"
PHONE_PAGE = "in eth1 tcp 192.168.1.11:40000 -> 192.168.1.1:80"

repair = WriteRules(
    id="05-repair",
    reference="-A FORWARD -s 192.168.1.11 -p tcp --dport 80 -j DROP",
    says="The phone's web traffic through the router is dropped, and nothing else changes.",
    # neighbours reach each other without the router; no web server is reached by broadcast
    scope=Scope(
        host=ROUTER, assume="-i eth1 ! -d 192.168.1.0/24 -m addrtype ! --dst-type BROADCAST"
    ),
    goals=(
        Goal(PHONE_WEB, Verdict.DROP, "The phone must not reach web servers out there."),
        Goal(PHONE_PAGE, Verdict.ACCEPT, "The router's own page stays open to the phone."),
        Goal(
            "in eth1 tcp 192.168.1.20:40000 -> 203.0.113.1:80",
            Verdict.ACCEPT,
            "The laptop may go on reading.",
        ),
    ),
    hints=(
        "Conditions and target are right. Only one word of the rule has to change.",
        "For whom is the packet: for the router, or for somebody behind it?",
        "A packet that goes through passes the chain FORWARD of table filter.",
    ),
    misconceptions=(
        Misconception(
            "input-for-forward",
            "Still in INPUT: that chain is for packets to the router itself, and the phone's "
            "packets go through it.",
            lambda rules: (
                treats(PHONE_WEB, Verdict.ACCEPT, host=ROUTER)(rules)
                and treats(PHONE_PAGE, Verdict.DROP, host=ROUTER)(rules)
            ),
        ),
        Misconception(
            "output-for-forward",
            "OUTPUT is for packets that the router itself sends. The phone's are not its own, "
            "although they leave by eth0.",
            lambda rules: "-A OUTPUT -s 192.168.1.11" in str(rules),
        ),
        Misconception(
            "before-routing",
            "PREROUTING is asked before anybody knows who the packet is for: it catches what goes "
            "to the router as well.",
            lambda rules: "-A PREROUTING" in str(rules),
        ),
        Misconception(
            "wrong-end",
            "--sport asks for the port that a packet comes from. What the phone sends goes to "
            "port 80.",
            lambda rules: "--sport 80" in str(rules),
        ),
        Misconception(
            "both-chains",
            "Now the phone cannot open the router's own page either: a copy of the rule is still "
            "in INPUT.",
            treats(PHONE_PAGE, Verdict.DROP, host=ROUTER),
        ),
        Misconception(
            "not-the-packet",
            "No rule drops that packet. Compare yours with it, word by word: where it comes in and "
            "goes out, who sends it, its protocol, its port; and the target.",
            misses(PHONE_WEB, Verdict.DROP, host=ROUTER),
        ),
    ),
    done="INPUT instead of FORWARD is the commonest mistake on a router. The counter shows it: a "
    "rule that stays at 0 is a rule that nobody asks.",
)

ALICE = ROUTER.with_rules(read_rules("-P FORWARD DROP"))
ADA = ROUTER.with_rules(read_rules("-P INPUT DROP"))


def _goes(is_so: Callable[[Journey], bool]) -> Callable[[object], bool]:
    """The mistake of a packet about whose way through Alice's router that is so."""

    def shows(answer: object) -> bool:
        try:
            return isinstance(answer, str) and is_so(Machine(ALICE).journey(answer))
        except PacketError:
            return False

    return shows


closed = SupplyPacket(
    id="05-closed",
    rules=(("Alice's router", lambda: ALICE), ("Ada's router", lambda: ADA)),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    hints=(
        "Which packets does Alice's router never take to the chain FORWARD?",
        "Those that are for the router itself. Which addresses does it have?",
        "in eth0 tcp 203.0.113.9:40000 -> ADDRESS OF THE ROUTER:22",
    ),
    misconceptions=(
        Misconception(
            "through",
            "That packet goes through the router: FORWARD is asked, and Alice's policy drops it. "
            "Look for one that does not come to FORWARD.",
            _goes(lambda it: "FORWARD" in _hooks(it)),
        ),
        Misconception(
            "from-the-router",
            "That packet is the router's own and leaves: neither FORWARD nor INPUT is asked, and "
            "both let it go.",
            _goes(lambda it: _hooks(it) == FROM_ME),
        ),
        Misconception(
            "no-such-way",
            "The kernel itself drops that packet, on both routers, before a filter is asked.",
            _goes(lambda it: not it.accepted and it.by is None),
        ),
    ),
    done="A policy in FORWARD protects what is behind the router, never the router. Its ssh, its "
    "web page, its name server are guarded by INPUT.",
)

# --- tables along the way ---

LOGS = """*raw
-A PREROUTING -p icmp -j LOG --log-prefix "{} "
COMMIT
*mangle
-A FORWARD -p icmp -j LOG --log-prefix "{} "
-A INPUT -p icmp -j LOG --log-prefix "{} "
COMMIT
*nat
-A POSTROUTING -p icmp -j LOG --log-prefix "{} "
-A PREROUTING -p icmp -j LOG --log-prefix "{} "
COMMIT
*filter
-A FORWARD -p icmp -j LOG --log-prefix "{} "
-A OUTPUT -p icmp -j LOG --log-prefix "{} "
COMMIT
"""
# which letters the seven rules write, from the top; each is for other learners
LETTERS = ("DGBFACE", "FBGECDA", "BEDAGFC", "GCFDEAB", "EAGCBDF")


def _order_mistakes(letters: str) -> tuple[Misconception, ...]:
    """What is known to be answered, in the letters of one learner."""
    raw, mangle, mangle_in, nat_out, nat, filter_, own = tuple(letters)
    return (
        Misconception(
            "table-by-table",
            "A packet does not go through one table from end to end. It goes from hook to "
            "hook, and each hook asks its tables.",
            answered(
                [raw, mangle, nat_out, nat, filter_],
                [raw, mangle, nat, nat_out, filter_],
                [raw, nat, nat_out, mangle, filter_],
                [raw, mangle, nat, filter_, nat_out],
            ),
        ),
        Misconception(
            "every-hook",
            "This packet is not for the router and not from it: it passes neither INPUT "
            f"({mangle_in}) nor OUTPUT ({own}).",
            lists(mangle_in.lower(), own.lower()),
        ),
        Misconception(
            "no-blanks",
            "Put a blank between the letters: each is an answer of its own.",
            lambda answer: isinstance(answer, tuple) and [len(str(one)) for one in answer] == [5],
        ),
        Misconception(
            "nat-first",
            "raw has the lowest priority number of all: at PREROUTING it is asked before nat.",
            answered([nat, raw, mangle, filter_, nat_out], [nat, raw, filter_, mangle, nat_out]),
        ),
        Misconception(
            "filter-first",
            "At FORWARD mangle has the lower priority number, so it is asked before filter.",
            answered([raw, nat, filter_, mangle, nat_out]),
        ),
    )


def _order(seed: int) -> Predict:
    letters = LETTERS[seed % len(LETTERS)]
    rules = LOGS.format(*letters)
    ping = partial(_journey, "in eth1 icmp 192.168.1.11 -> 203.0.113.1 echo-request", rules)
    return Predict(
        id="05-order",
        task=f"{rules}The phone pings the server through the router. Which letters does the log "
        "get, in order?",
        truth=lambda: [line[0] for line in ping().log],
        shows=ping,
        hints=(
            "First the hooks: which of them does a packet visit that goes through?",
            "At one hook the tables are asked in the order printed above: raw, mangle, nat ... .",
            "Two letters of PREROUTING, then the two of FORWARD, and one of POSTROUTING.",
        ),
        misconceptions=_order_mistakes(letters),
        done="Hook by hook, and at each hook table by table. The rules in INPUT and OUTPUT stay "
        "silent: the ping is neither to the router nor from it.",
    )


order = Variants("05-order", _order)

# --- the first routing decision ---

CAMERA = "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:8080"
SNEAKY = "in eth0 tcp 203.0.113.9:40000 -> 192.168.1.11:22"
TO_LAPTOP = "in eth0 tcp 203.0.113.9:40000 -> 192.168.1.20:80"
SHUT = "-P FORWARD DROP\n"
CAMERA_IN = """\
-t nat -A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination 192.168.1.11:80
"""

camera = WriteRules(
    id="05-camera",
    reference=SHUT + CAMERA_IN + "-A FORWARD -i eth0 -d 192.168.1.11 -p tcp --dport 80 -j ACCEPT\n",
    says="Port 8080 outside leads to the camera on port 80, and nothing else comes through.",
    # who addresses the camera by its inner address is not led there by DNAT
    scope=Scope(host=ROUTER, assume="! -d 192.168.1.11 -m conntrack --ctstate NEW"),
    goals=(
        Goal(CAMERA, Verdict.ACCEPT, "A stranger sees the camera on port 8080 of the router."),
        Goal(SNEAKY, Verdict.DROP, "No other port of the phone is opened."),
        Goal(TO_LAPTOP, Verdict.DROP, "No other machine is opened."),
    ),
    hints=(
        "PREROUTING comes before FORWARD. What does the packet look like when FORWARD sees it?",
        "DNAT has put a new destination into it: address and port.",
        "In the worked example DNAT says 192.168.1.20:22, and FORWARD asks for those two.",
    ),
    misconceptions=(
        Misconception(
            "policy-lost",
            "No rule decides about that packet, and the policy of FORWARD lets it pass: it was "
            "DROP.",
            left_to_policy(TO_LAPTOP, Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "copied",
            "192.168.1.20 is the laptop of the worked example. Where does this DNAT lead?",
            lambda rules: (
                treats(CAMERA, Verdict.DROP, host=ROUTER)(rules)
                and reads("-A FORWARD", "-d 192.168.1.20/32")(rules)
            ),
        ),
        Misconception(
            "destination-before-dnat",
            "FORWARD sees the packet as PREROUTING has rewritten it: neither 203.0.113.2 nor port "
            "8080 is on it any more.",
            lambda rules: (
                treats(CAMERA, Verdict.DROP, host=ROUTER)(rules)
                and reads("-A FORWARD", r"-d 203\.0\.113\.2/|--dport 8080 ")(rules)
            ),
        ),
        Misconception(
            "not-the-packet",
            "No rule of FORWARD accepts that packet. Compare yours with what DNAT has made of it: "
            "where it comes in, its protocol, where it goes; and it is the first of its "
            "connection.",
            treats(CAMERA, Verdict.DROP, host=ROUTER),
        ),
        Misconception(
            "any-port",
            "Too wide: say the address and the port that the packet has after DNAT, both.",
            treats(SNEAKY, Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "any-machine",
            "Too wide: say to which machine, with -d.",
            treats(TO_LAPTOP, Verdict.ACCEPT, host=ROUTER),
        ),
    ),
    done="DNAT puts the packet on another way, before the routing decision: without it the "
    "packet would have gone to INPUT. From there on all rules see the new destination. Lesson 07 "
    "has the rest of NAT, the way back above all.",
)

# --- the machine's own packets ---

MOVED = """\
-t nat -A OUTPUT -d 203.0.113.1 -p tcp --dport 80 -j DNAT --to-destination 192.168.1.20:8080
-t nat -A POSTROUTING -o eth0 -j MASQUERADE
"""


def _left(journey: Journey) -> Packet:
    assert journey.exit
    return journey.exit


LEAVES = partial(_journey, "tcp 203.0.113.2:40000 -> 203.0.113.1:80 SYN", MOVED)


leaves = Predict(
    id="05-leaves",
    truth=lambda: [str(_left(LEAVES()).src), LEAVES().interface],
    shows=LEAVES,
    hints=(
        "DNAT has changed the destination, so the kernel routes once more. By which interface is "
        "192.168.1.20 reached?",
        "A second decision gives a new interface. The source address was chosen by the first.",
        "MASQUERADE would write a new source, but it asks for -o eth0.",
    ),
    misconceptions=(
        Misconception(
            "with-port",
            "An address without its port, please.",
            lambda answer: ":" in str(answer),
        ),
        Misconception(
            "source-follows",
            "The second routing decision chooses a new interface, not a new source: the packet "
            "leaves by eth1 with the outside address on it.",
            answered(["192.168.1.1", "eth1"]),
        ),
        Misconception(
            "routed-once",
            "With that interface it would never come to 192.168.1.20. The kernel routes a second "
            "time, because DNAT has changed the destination.",
            answered(["203.0.113.2", "eth0"], ["192.168.1.1", "eth0"]),
        ),
        Misconception(
            "ends-mixed-up",
            "DNAT changes the destination. The source is who sends it: the router.",
            lists("192.168.1.20", "203.0.113.1"),
        ),
    ),
    done="New destination, new interface, old source. The laptop answers to 203.0.113.2, which is "
    "its router, so here all is well; elsewhere such a packet needs SNAT too.",
)

# an empty table mangle, so that the walk shown afterwards names all four hooks
EMPTY = "*mangle\nCOMMIT\n"
SELF = partial(_journey, "tcp 192.168.1.20:40000 -> 192.168.1.20:22 SYN", EMPTY, LAPTOP)

loop = Predict(
    id="05-loop",
    truth=lambda: _hooks(SELF()),
    shows=SELF,
    hints=(
        "A process sends it: which hook is first on the way from me?",
        "Then it leaves, by the interface lo. What leaves by lo comes in by lo.",
        "So it is a packet from me, and then a packet to me: four hooks.",
    ),
    misconceptions=(
        NO_HOOK,
        Misconception(
            "no-netfilter-inside",
            "It never leaves the machine, but it does leave by an interface: lo. The hooks are "
            "asked for lo as for any other.",
            answered([], ["none"], ["nothing"], ["INPUT"], ["OUTPUT"]),
        ),
        Misconception(
            "short-cut",
            "There is no short way from OUTPUT to INPUT. lo is a cable whose two ends are in the "
            "same machine.",
            answered(
                ["OUTPUT", "INPUT"],
                ["OUTPUT", "POSTROUTING", "INPUT"],
                ["OUTPUT", "PREROUTING", "INPUT"],
                ["INPUT", "OUTPUT"],
            ),
        ),
        Misconception(
            "forward-to-myself",
            "FORWARD is for packets that came from outside and are for somebody else.",
            lambda answer: isinstance(answer, tuple) and "forward" in answer,
        ),
        Misconception(
            "half-the-way",
            "That is one half. It leaves by lo, and what leaves by lo comes in by lo.",
            answered(FROM_ME, TO_ME),
        ),
        Misconception(
            "halves-swapped",
            "All four, but in another order: a process sends it and it leaves; then it comes in.",
            jumbled(*TO_MYSELF),
        ),
    ),
    done="Twice through the hooks, with lo as interface, for every address of its own and not only "
    "for 127.0.0.1. That is why firewalls begin with -A INPUT -i lo -j ACCEPT.",
)

# --- answers ---

POLITE = """-A INPUT -p tcp --dport 23 -j REJECT
-P OUTPUT DROP
"""
TELNET = partial(_journey, "in eth1 tcp 192.168.1.11:40000 -> 192.168.1.1:23 SYN", POLITE)


def _heard(journey: Journey) -> str:
    """What came back because of a packet, as its sender sees it."""
    sent = [one.exit for one in journey.generated if one.accepted and one.exit]
    if not sent:
        return "nothing"
    return "an ICMP error" if sent[0].protocol == Protocol.ICMP else "a reset"


silence = Predict(
    id="05-silence",
    truth=lambda: _heard(TELNET()),
    choices=("an ICMP error", "a reset", "nothing"),
    shows=TELNET,
    hints=(
        "REJECT drops the packet and makes a new one. Who sends that one?",
        "The router does. Which hooks does a packet of its own pass?",
        "OUTPUT and POSTROUTING. What does the policy of OUTPUT say?",
    ),
    misconceptions=(
        Misconception(
            "answers-are-free",
            "REJECT did its work, but the error it made is a packet like any other: it has not "
            "left the router.",
            answered("an ICMP error"),
        ),
        Misconception(
            "reset-by-default",
            "Without --reject-with tcp-reset REJECT makes an ICMP error, for tcp too. And that is "
            "only what it makes: does it get out?",
            answered("a reset"),
        ),
    ),
    done="Whoever rejects must also let the answer out: the sender sees only what comes back. "
    "-A OUTPUT -m conntrack --ctstate RELATED -j ACCEPT would do it (lesson 06).",
)

# --- a riddle ---

PUBLISHED = data("published.rules").save()


def _blames_but(*guilty: str) -> Callable[[object], bool]:
    """The mistake of blaming a line of a chain in nat that is not one of these."""
    return lambda answer: (
        isinstance(answer, tuple)
        and str(answer[0]).startswith("nat ")
        and str(answer[0]) not in guilty
    )


blame = FindLine(
    id="05-blame",
    rules=PUBLISHED,
    reference=PUBLISHED.replace("PREROUTING -p tcp", "PREROUTING -i eth0 -p tcp"),
    host=ROUTER,
    hints=(
        "Nobody in the house can open a page. So send what the phone sends: in eth1 tcp "
        "192.168.1.11:40000 -> 203.0.113.1:80",
        "It is accepted, and yet it does not arrive where it should. Where does it go, and which "
        "station sends it there?",
        "PREROUTING is asked before the routing decision: for packets to me and through me, and "
        "from every interface that a rule does not rule out.",
    ),
    misconceptions=(
        Misconception(
            "own-packet",
            'Without "in eth1" at its front it is a packet that the router itself sends.',
            lambda answer: isinstance(answer, tuple) and not str(answer[1]).startswith("in "),
        ),
        Misconception(
            "accepting-is-not-steering",
            "That line only lets packets pass, or not. Ask who has changed where the packet goes.",
            blames("FORWARD 1", "FORWARD 2", "FORWARD 3", "FORWARD policy"),
        ),
        Misconception(
            "input-for-forward",
            "The phone's packet is not for the router: INPUT is not asked.",
            blames("INPUT 1", "INPUT 2", "INPUT 3", "INPUT policy"),
        ),
        Misconception(
            "port-of-another",
            "That line asks for another port, or another interface: it does not match here.",
            blames("nat PREROUTING 1"),
        ),
        Misconception(
            "source-only",
            "MASQUERADE changes whom a packet seems to come from, not where it goes.",
            blames("nat POSTROUTING 1"),
        ),
        Misconception(
            "changes-nothing",
            "A policy of table nat changes nothing. Ask which rule gives the packet another "
            "destination.",
            _blames_but("nat PREROUTING 2"),
        ),
        Misconception(
            "from-outside-it-works",
            "The right line, but that packet fares as Ada wished. Which packet should the line "
            "have left alone?",
            blames("PREROUTING 2"),
        ),
    ),
    done="A rule in PREROUTING sees what comes in from all sides. What the house asks web servers "
    "goes to port 80 too, so it was sent to the laptop. -i eth0 (or -d 203.0.113.2) is missing.",
)

# --- questions that later lessons ask again ---

SURF = partial(_journey, "in eth1 tcp 192.168.1.20:40000 -> 203.0.113.1:80 SYN")
OWN = partial(_journey, "tcp 127.0.0.1:40000 -> 127.0.0.1:631 SYN", EMPTY)
MOVED_IN = partial(_journey, "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:8080 SYN", CAMERA_IN)
SHUT_IN = "-A INPUT -j REJECT"
REFUSED = partial(_journey, "in eth0 udp 203.0.113.9:40000 -> 203.0.113.2:53", SHUT_IN)

through = Predict(
    id="05-recall-through",
    task="A laptop behind a router opens a web page. On the router this packet comes in:\n"
    "in eth1 tcp 192.168.1.20:40000 -> 203.0.113.1:80\n"
    'Which chain of its table filter is asked: "INPUT", "FORWARD" or "OUTPUT"?',
    truth=lambda: next(one for one in _hooks(SURF()) if one in ("INPUT", "FORWARD", "OUTPUT")),
    choices=("INPUT", "FORWARD", "OUTPUT"),
    shows=SURF,
    hints=("Who is the packet for?", "For somebody behind the router, so it goes through."),
    misconceptions=(
        Misconception(
            "input-for-forward",
            "INPUT is for packets to the router itself.",
            answered("INPUT"),
        ),
        Misconception(
            "output-for-forward",
            "OUTPUT is for packets that the router itself sends.",
            answered("OUTPUT"),
        ),
    ),
    done="To me INPUT, through me FORWARD, from me OUTPUT.",
)
myself = Predict(
    id="05-recall-myself",
    task="A process connects to its own machine, and sends this packet:\n"
    "tcp 127.0.0.1:40000 -> 127.0.0.1:631\n"
    'Which hooks does it visit, in order? Answer with a list, such as ["PREROUTING", "INPUT"].',
    truth=lambda: _hooks(OWN()),
    shows=OWN,
    hints=("It leaves by lo, and it comes in by lo.", "From me, and then to me: four hooks."),
    misconceptions=(
        Misconception(
            "short-cut",
            "There is no short way from OUTPUT to INPUT.",
            answered(["OUTPUT", "INPUT"]),
        ),
        Misconception(
            "half-the-way",
            "That is half of the way: lo has two ends, both in this machine.",
            answered(FROM_ME, TO_ME),
        ),
    ),
    done="Twice through the hooks, as if lo were a cable.",
)
rewritten = Predict(
    id="05-recall-rewritten",
    task="A router (203.0.113.2 outside) has the rule\n"
    f"{CAMERA_IN}"
    "A stranger connects to 203.0.113.2:8080. Which destination do rules in FORWARD see? Answer "
    'with address and port, such as "203.0.113.2:8080".',
    truth=lambda: "{0.dst}:{0.dport}".format(_left(MOVED_IN())),
    shows=MOVED_IN,
    hints=("Which comes first, PREROUTING or FORWARD?", "DNAT has rewritten address and port."),
    misconceptions=(
        Misconception(
            "form",
            "Write the address, a colon and the port, and nothing else.",
            is_no(r"\d+(\.\d+){3}(:\d+)?"),
        ),
        Misconception(
            "destination-before-dnat",
            "PREROUTING comes before FORWARD: nobody sees that destination any more.",
            answered("203.0.113.2:8080"),
        ),
        Misconception(
            "port-kept",
            "This DNAT names a port too.",
            answered("192.168.1.11:8080", "192.168.1.11"),
        ),
    ),
    done="Rewritten in PREROUTING, it is routed by the new destination, and seen with it by all "
    "that follow.",
)
answers = Predict(
    id="05-recall-answers",
    task=f"A machine has the rule\n{SHUT_IN}\nA packet comes in and is rejected. Which hook does "
    "the answer, an ICMP error, visit first?",
    truth=lambda: _hooks(REFUSED().generated[0])[0],
    choices=("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    shows=REFUSED,
    hints=("Who sends the error?", "The machine itself: it is a packet from me."),
    misconceptions=(
        Misconception(
            "back-the-same-way",
            "An answer does not walk back through the chain it came from: it is a packet of its "
            "own.",
            answered("INPUT", "PREROUTING", "FORWARD"),
        ),
        Misconception(
            "straight-out",
            "One hook comes before that: the one for packets that the machine itself makes.",
            answered("POSTROUTING"),
        ),
    ),
    done="Whatever a machine sends passes OUTPUT and POSTROUTING, its refusals too.",
)

REVIEW = (through, myself, rewritten, answers)
EXERCISES: tuple[Exercise | Variants, ...] = (
    *(other, repair, closed, order, camera),
    *(leaves, loop, silence, blame),
)
