"""Lesson 06, Connection tracking: how the kernel knows that a packet is an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from iptlab.course.mistakes import left_to_policy, misses, reads
from iptlab.grading import (
    Arrange,
    Exercise,
    Goal,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    WriteRules,
    answered,
    treats,
)
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import Hook
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey, Kind
from iptlab.simulate.machine import Machine

STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
ADA = "in eth0 tcp 192.168.1.20:40000 -> 192.168.1.10:22"
BACK = "tcp 192.168.1.10:22 -> 192.168.1.20:40000"
SERVER = Host.server("192.168.1.10/24")
LAPTOP = Host.server("192.168.1.20/24")


def _met(host: Host, *packets: str, pause: float = 0) -> list[Journey]:
    """The packets one after another on a machine; before the last one time may pass."""
    machine = Machine(host)
    first = [machine.journey(packet) for packet in packets[:-1]]
    machine.wait(pause)
    return [*first, machine.journey(packets[-1])]


def _state(journey: Journey) -> str:
    """What connection tracking said of a packet."""
    return next(str(one.ctstate) for one in journey.stations if one.kind is Kind.CONNTRACK)


def _loaded(host: Host, *lines: str) -> Host:
    """The host with lines of the table filter loaded."""
    return host.with_rules("\n".join(("*filter", *lines, "COMMIT\n")))


def _sends(*words: str) -> Callable[[object], bool]:
    """The mistake of a packet with one of these in its text."""
    return lambda answer: any(word in f"{answer} " for word in words)


def _nth(place: int, *words: str) -> Callable[[object], bool]:
    """The mistake of an answer whose word at this place, from 0, is one of these."""

    def said(answer: object) -> bool:
        given = re.findall(r"[a-z]+", str(answer).lower())
        return len(given) == 4 and given[place] in words

    return said


LOOPBACK = Misconception(
    "loopback",
    "Both let in what comes through lo: the machine sends it to itself. Take eth0.",
    lambda it: str(it).split()[:2] == ["in", "lo"],
)


def _sent_by(machine: str) -> Misconception:
    """The mistake of a packet that does not come in at all."""
    return Misconception(
        "not-coming-in",
        f"A packet that comes in begins with `in eth0'. Without it, the {machine} itself sends.",
        lambda it: not str(it).strip().startswith("in "),
    )


def _not_for(address: str) -> Misconception:
    """The mistake of a packet that is for another machine."""
    return Misconception(
        "for-another-machine",
        f"Behind the arrow stands where the packet goes to. This machine is {address}.",
        lambda it: f"-> {address}:" not in str(it),
    )


# --- who may say that it is an answer ---

CLOSED = (":INPUT DROP [0:0]", "-A INPUT -i lo -j ACCEPT")
PORTS = _loaded(LAPTOP, *CLOSED, "-A INPUT -p tcp --sport 80 -j ACCEPT")
MEMORY = _loaded(LAPTOP, *CLOSED, "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT")

sport = SupplyPacket(
    id="06-sport",
    rules=(("the port rules", lambda: PORTS), ("the memory rules", lambda: MEMORY)),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    hints=(
        "Who chooses the source port of a packet? Its sender.",
        "Nobody asked this stranger anything. What must stand behind his address, so that the "
        "rule takes his packet for an answer of a web server?",
        "in eth0 tcp 203.0.113.9:SOURCE -> 192.168.1.20:22 SYN",
    ),
    misconceptions=(
        _sent_by("laptop"),
        Misconception(
            "port-of-the-wrong-end",
            "--sport is the port in front of the arrow, the sender's. Yours is behind it.",
            lambda it: ":80 " in f"{it} ".partition("->")[2],
        ),
        LOOPBACK,
        Misconception("not-tcp", "The rule is for tcp alone.", _sends("udp ", "icmp ")),
        _not_for("192.168.1.20"),
        Misconception(
            "ordinary-port",
            "That source port is not 80, so both drop it. The stranger may choose a better one.",
            lambda it: ":80 ->" not in str(it),
        ),
    ),
    done="Whoever sends from port 80 reaches every port of the laptop, ssh too. Port scanners can "
    "set the source port (nmap --source-port). What the kernel remembers, nobody can claim.",
)

# --- the states of a handshake ---


def _handshake() -> list[Journey]:
    return _met(SERVER, f"{ADA} SYN", f"{ADA} SYN", f"{BACK} SYN,ACK", f"{ADA} ACK")


states = Predict(
    id="06-states",
    truth=lambda: [_state(one) for one in _handshake()],
    shows=lambda: _handshake()[2],
    hints=(
        "NEW: so far nobody has answered. Which packet is the first answer?",
        "What counts is not how many packets there were, but in which directions they went.",
        "The server's SYN,ACK is the first packet that goes back. Its state counts it already.",
    ),
    misconceptions=(
        Misconception(
            "states-of-tcp",
            "Those are words of TCP, for its flags and its own states. Rules know five others: "
            "NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED.",
            lambda answer: "syn" in str(answer).lower(),
        ),
        Misconception(
            "second-is-established",
            "The second SYN goes the same way as the first. As long as nothing came back, it is "
            "NEW once more.",
            _nth(1, "established", "invalid", "related", "untracked"),
        ),
        Misconception(
            "after-the-handshake",
            "TCP calls a connection established after the handshake. Connection tracking asks for "
            "less: packets in both directions. The SYN,ACK is the first one that goes back.",
            _nth(2, "new"),
        ),
        Misconception(
            "answers-are-related",
            "RELATED is a packet about *another* connection. The SYN,ACK belongs to this one.",
            _nth(2, "related"),
        ),
        Misconception(
            "back-to-new",
            "Once packets have gone both ways, every further one is ESTABLISHED.",
            _nth(3, "new", "related", "invalid", "untracked"),
        ),
    ),
    done="One packet each way, and from then on everything is ESTABLISHED, the answer included. "
    "So one rule lets all answers in, and on the server one rule lets them out.",
)

# --- related ---

SSH = "192.168.1.7:40000 -> 192.168.1.10:22"
TFTP = "in eth0 udp 192.168.1.7:4000 -> 192.168.1.10:69"
ERROR = "in eth0 ctstate RELATED icmp 192.168.1.1 -> 192.168.1.10 {}"
INPUT_ONLY = Scope(hooks=(Hook.INPUT,))

server = WriteRules(
    id="06-server",
    reference="""
        -P INPUT DROP
        -A INPUT -i lo -j ACCEPT
        -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A INPUT -s 192.168.1.0/24 -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
    """,
    says="Answers and errors come in, and neighbours may begin ssh connections. Nothing else.",
    scope=INPUT_ONLY,
    goals=(
        Goal(f"in eth0 tcp {SSH} SYN", Verdict.ACCEPT, "A neighbour may begin with ssh."),
        Goal(
            f"in eth0 ctstate ESTABLISHED tcp {SSH} ACK", Verdict.ACCEPT, "... and go on with it."
        ),
        Goal(ERROR.format("3/4"), Verdict.ACCEPT, "Errors about the server's own flows come in."),
        Goal(TFTP, Verdict.DROP, "Nothing else is open."),
    ),
    hints=(
        "The first TODO is about packets of connections that exist already, and about errors.",
        "The second TODO is about the packet that begins a connection.",
        "Several states are parted by a comma, without a blank: RELATED,ESTABLISHED.",
    ),
    misconceptions=(
        Misconception(
            "policy-lost",
            "No rule decides about that packet, and the policy lets it in: the line -P INPUT DROP "
            "is gone.",
            left_to_policy(TFTP, Verdict.ACCEPT),
        ),
        Misconception(
            "new-for-everybody",
            "With NEW in it, the first rule opens every port: whatever is not known is NEW.",
            lambda rules: (
                treats(TFTP, Verdict.ACCEPT)(rules)
                and reads(r"-A INPUT (?!.*--dport).*--ctstate \S*NEW")(rules)
            ),
        ),
        Misconception(
            "too-wide",
            "A rule of yours accepts that packet: which condition does it lack?",
            treats(TFTP, Verdict.ACCEPT),
        ),
        Misconception(
            "nobody-can-begin",
            "ESTABLISHED needs a first packet that was let in, and nothing here lets in this one. "
            "Compare it with your rule for ssh: its state, its sender, its protocol and port.",
            treats(f"in eth0 tcp {SSH} SYN", Verdict.DROP),
        ),
        Misconception(
            "nobody-can-go-on",
            "Packets of connections that exist already are dropped. Which state have they?",
            treats(f"in eth0 ctstate ESTABLISHED tcp {SSH} ACK", Verdict.DROP),
        ),
        Misconception(
            "errors-left-out",
            "An ICMP error about a connection is no packet of the connection. Its state is "
            "RELATED, and none of your rules asks for that.",
            treats(ERROR.format("3/4"), Verdict.DROP),
        ),
        Misconception(
            "only-syn",
            "That is stricter than the task: a packet that is no SYN may be NEW too. What --syn is "
            "good for, and what it costs, the next two sections show.",
            treats(f"in eth0 tcp {SSH} ACK", Verdict.DROP),
        ),
        Misconception(
            "takes-anything",
            "INVALID and UNTRACKED packets are neither answers nor errors about a connection. No "
            "rule should let them in.",
            lambda rules: any(
                treats(TFTP.replace("udp", f"ctstate {state} udp"), Verdict.ACCEPT)(rules)
                for state in ("INVALID", "UNTRACKED")
            ),
        ),
        Misconception(
            "strange-ssh",
            "Your second rule lets more than beginnings through to port 22: say --ctstate NEW.",
            treats(f"in eth0 ctstate INVALID tcp {SSH} RST", Verdict.ACCEPT),
        ),
    ),
    done="Two rules, one for what goes on and one for what begins: nearly every firewall of this "
    "course is built like that.",
)

NO_ICMP = """
        -P INPUT DROP
        -A INPUT -i lo -j ACCEPT
        {}
        -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
    """
ABOUT_BOB = ERROR.replace("192.168.1.10", "192.168.1.7")
PING = "in eth0 icmp 203.0.113.9 -> 192.168.1.7 echo-request"
PONG = "in eth0 ctstate ESTABLISHED icmp 203.0.113.9 -> 192.168.1.7 echo-reply"
FORGED = "in eth0 ctstate INVALID icmp 203.0.113.9 -> 192.168.1.7 3/4"

icmp = WriteRules(
    id="06-icmp",
    reference=NO_ICMP.format(""),
    says="ICMP that the kernel knows about comes in; of the rest none does.",
    scope=INPUT_ONLY,
    goals=(
        Goal(ABOUT_BOB.format("3/4"), Verdict.ACCEPT, "Errors about Bob's own flows come in."),
        Goal(ABOUT_BOB.format("11/0"), Verdict.ACCEPT, "Errors about Bob's own flows come in."),
        Goal(PONG, Verdict.ACCEPT, "Answers to Bob's own pings come in."),
        Goal(PING, Verdict.DROP, "Pings of others get no answer."),
        Goal(FORGED, Verdict.DROP, "Errors about nothing that is known stay out."),
    ),
    hints=(
        "The rule for icmp stands above the one that knows which icmp was to be expected.",
        "What would happen to a stranger's ping if the rule for icmp were not there at all?",
    ),
    misconceptions=(
        Misconception(
            "open-to-pings",
            "Now everybody's pings are answered. ACCEPT only what the kernel expects.",
            treats(PING, Verdict.ACCEPT),
        ),
        Misconception(
            "pings-only",
            "The error that a packet was too big is icmp as well (echo replies are not all), and "
            "without it large packets vanish. Does a rule drop it before its state is asked for?",
            misses(ABOUT_BOB.format("3/4"), Verdict.ACCEPT),
        ),
        Misconception(
            "one-error-only",
            "That is one kind of error. Others tell of dead ends and of loops: RELATED has all.",
            treats(ABOUT_BOB.format("11/0"), Verdict.DROP),
        ),
        Misconception(
            "errors-only",
            "The answer to a ping is no error: it belongs to the flow that Bob's ping began. Which "
            "state has it?",
            treats(PONG, Verdict.DROP),
        ),
        Misconception(
            "believes-any-error",
            "An error about nothing that is known is INVALID: it may be forged. A rule for a "
            "type of icmp does not ask for that; RELATED does.",
            treats(FORGED, Verdict.ACCEPT),
        ),
        Misconception(
            "by-type",
            "An echo-request may belong to a known flow. You need no rule for a type of icmp: what "
            "nobody expects finds no rule, and the policy drops it.",
            treats(PING.replace("icmp", "ctstate ESTABLISHED icmp"), Verdict.DROP),
        ),
    ),
    done="Moved down or taken out is the same here. Blocking icmp where it arrives breaks path MTU "
    "discovery (RFC 2923 calls the result a black hole); the states make that needless.",
)

# --- what begins in the middle ---

SEGMENTS = ("SYN,ACK", "ACK", "RST", "SYN,FIN")
STRANGER = "in eth0 tcp 203.0.113.9:51000 -> 192.168.1.10:22"


def _scanned() -> list[Journey]:
    return [_met(SERVER, f"{STRANGER} {flags}")[0] for flags in SEGMENTS]


scan = Predict(
    id="06-scan",
    truth=lambda: [_state(one) for one in _scanned()],
    shows=lambda: _scanned()[1],
    hints=(
        "One of the four could come from a connection that is older than the table.",
        "A SYN,ACK and an RST are answers. To what? And no TCP sends SYN together with FIN.",
        "Three are INVALID, one is NEW.",
    ),
    misconceptions=(
        Misconception(
            "flags-make-the-state",
            "Flags alone make nothing ESTABLISHED: it takes an entry, and packets both ways.",
            lambda answer: "established" in str(answer).lower(),
        ),
        Misconception(
            "nothing-to-be-about",
            "RELATED needs a known flow, and there is none. UNTRACKED needs a rule in table raw.",
            lambda answer: re.search("related|untracked", str(answer).lower()) is not None,
        ),
        Misconception(
            "no-entry-is-invalid",
            "One of them could be from the middle of a connection whose beginning the kernel has "
            "missed, and the kernel takes such a one up: nf_conntrack_tcp_loose is 1.",
            _nth(1, "invalid"),
        ),
        Misconception(
            "unknown-is-new",
            "NEW is for packets that can begin something, or go on with what was forgotten. Which "
            "packet does a server send, and only as an answer?",
            _nth(0, "new"),
        ),
        Misconception(
            "reset-is-new",
            "An RST refuses or ends something. Here is nothing to end, so it fits nowhere.",
            _nth(2, "new"),
        ),
        Misconception(
            "syn-in-it",
            "There is a SYN in the last one, but with FIN beside it no TCP has sent it.",
            _nth(3, "new"),
        ),
    ),
    done="So `--ctstate NEW' does not mean SYN. If it should, write --syn beside it.",
)

SSH_RULES = (
    *CLOSED,
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -p tcp --dport 22 {}-m conntrack --ctstate NEW -j ACCEPT",
)


def _ssh(extra: str) -> Host:
    return _loaded(SERVER, *(line.format(extra) for line in SSH_RULES))


middle = SupplyPacket(
    id="06-middle",
    rules=(
        ("the rules without --syn", partial(_ssh, "")),
        ("the rules with --syn", partial(_ssh, "--syn ")),
    ),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    hints=(
        "The rules differ in one condition. Both machines have an empty table of connections.",
        "The packet must be NEW, and yet it must not be a SYN.",
        "in eth0 tcp 192.168.1.20:40000 -> 192.168.1.10:22 FLAG",
    ),
    misconceptions=(
        _sent_by("server"),
        LOOPBACK,
        Misconception("not-tcp", "Ssh is tcp, and so are both rules.", _sends("udp ", "icmp ")),
        _not_for("192.168.1.10"),
        Misconception(
            "another-port",
            "Only port 22 of the server is open at all: it stands behind the arrow.",
            lambda it: ":22 " not in f"{it} ".partition("->")[2],
        ),
        Misconception(
            "a-proper-beginning",
            "A SYN begins a connection on both machines (no flags written means SYN). What comes "
            "in the middle of one?",
            lambda it: re.search(r":22( SYN(,(PSH|URG|ECE|CWR))*)?$", str(it).strip()) is not None,
        ),
        Misconception(
            "ends-and-answers",
            "Without an entry that is INVALID: no connection begins so, and none goes on so.",
            _sends("tcp "),
        ),
    ),
    done="An ACK, most often with PSH, is what the next key in an open ssh session looks like. "
    "Remember it: you will meet it in the next section.",
)

# --- untracked ---

DNS = "in eth0 udp 192.168.1.7:40000 -> 192.168.1.10:53"
DNS_ABOVE = """-t raw -A PREROUTING -p udp --dport 53 -j NOTRACK
-P INPUT DROP
-A INPUT -i lo -j ACCEPT
"""
DNS_LINES = (
    "-A INPUT -m conntrack --ctstate INVALID,UNTRACKED -j DROP",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -m conntrack --ctstate NEW -j ACCEPT",
    "-A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT",
    "-A INPUT -p udp --dport 53 -m conntrack --ctstate ___ -j ACCEPT",
)

dns = Arrange(
    id="06-dns",
    above=DNS_ABOVE,
    lines=DNS_LINES,
    reference=f"""{DNS_ABOVE}{DNS_LINES[1]}
{DNS_LINES[3]}
-A INPUT -p udp --dport 53 -j ACCEPT
""",
    says="The server answers questions, lets ssh begin, and hears answers. Nothing else.",
    scope=Scope(host=SERVER),
    goals=(
        Goal(DNS, Verdict.ACCEPT, "Questions to port 53 of udp reach the server."),
        Goal(f"{ADA} SYN", Verdict.ACCEPT, "Ssh may begin."),
        Goal(
            "in eth0 tcp 192.168.1.7:40000 -> 192.168.1.10:80 SYN",
            Verdict.DROP,
            "Nothing else is open.",
        ),
    ),
    hints=(
        "Table raw comes before connection tracking. Which state do questions have after it?",
        "The line that drops UNTRACKED packets must not stand above the one that wants them.",
        "One line opens more than it should: leave it out.",
    ),
    misconceptions=(
        Misconception(
            "everything-new",
            "Line c lets every beginning in, on any port. Leave it out.",
            treats(
                "in eth0 tcp 192.168.1.7:40000 -> 192.168.1.10:80 SYN", Verdict.ACCEPT, host=SERVER
            ),
        ),
        Misconception(
            "dropped-too-early",
            "Line a drops what is UNTRACKED before line e is asked.",
            lambda rules: (
                "--ctstate UNTRACKED" in str(rules)
                and treats(DNS, Verdict.DROP, host=SERVER)(rules)
            ),
        ),
        Misconception(
            "untracked-is-not-new",
            "The questions have not been tracked, so they are neither NEW nor ESTABLISHED.",
            treats(DNS, Verdict.DROP, host=SERVER),
        ),
        Misconception(
            "ssh-forgotten",
            "Nobody can log in any more.",
            treats(f"{ADA} SYN", Verdict.DROP, host=SERVER),
        ),
        Misconception(
            "only-beginnings",
            "Ssh may begin, but not go on: its second packet is ESTABLISHED. One line lets it in.",
            lambda rules: "ESTABLISHED" not in str(rules),
        ),
    ),
    done="Whoever takes packets out of tracking must let them in by hand: no rule with NEW or "
    "ESTABLISHED knows them.",
)

# --- questions that later lessons ask again ---

NOT_TRACKED = """*raw
-A PREROUTING -p udp --dport 53 -j NOTRACK
COMMIT
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
COMMIT
"""
KNOCK = "in eth0 tcp 203.0.113.9:51000 -> 192.168.1.10:23 SYN"
DEAF = _loaded(SERVER, *CLOSED)
_WHICH = f"The answer is one of {', '.join(STATES)}, in quotes."


def _answer() -> Journey:
    return _met(SERVER, f"{ADA} SYN", f"{BACK} SYN,ACK")[-1]


def _forgotten() -> Journey:
    return _met(SERVER, f"{ADA} ACK")[0]


def _too_big() -> Journey:
    quoted = "tcp 192.168.1.20:40000 -> 198.51.100.7:443"
    error = f"in eth0 icmp 192.168.1.1 -> 192.168.1.20 3/4 quotes {quoted} ACK"
    return _met(LAPTOP, f"{quoted} SYN", error)[-1]


def _exempt() -> Journey:
    return _met(SERVER.with_rules(NOT_TRACKED), DNS)[0]


def _late() -> Journey:
    asks = "udp 192.168.1.20:40000 -> 192.168.1.10:53"
    return _met(MEMORY, asks, "in eth0 udp 192.168.1.10:53 -> 192.168.1.20:40000", pause=40)[-1]


def _knocked() -> int:
    machine = Machine(DEAF)
    for _ in range(3):
        machine.journey(KNOCK)
    return len(machine.connections())


recall_answer = Predict(
    id="06-recall-answer",
    task="A SYN comes in to a server, and it answers with SYN,ACK.\n\nWhich state does that second "
    f"packet have in the server's chain OUTPUT? {_WHICH}",
    truth=lambda: _state(_answer()),
    choices=STATES,
    shows=_answer,
    hints=(
        "In how many directions have packets gone, this one included?",
        "In two. So it is not the state of a first packet.",
    ),
    misconceptions=(
        Misconception(
            "after-the-handshake",
            "One packet each way is enough; the handshake need not be over.",
            answered("NEW"),
        ),
        Misconception(
            "answers-are-related",
            "RELATED is about another connection. An answer belongs to its own.",
            answered("RELATED"),
        ),
    ),
    done="The first packet that goes back makes the connection ESTABLISHED, itself included.",
)
recall_loose = Predict(
    id="06-recall-loose",
    task="Somebody empties the table of connections with `conntrack -F'. The next packet of an "
    f"open tcp connection comes in: an ACK.\n\nWhich state does it have? {_WHICH}",
    truth=lambda: _state(_forgotten()),
    choices=STATES,
    shows=_forgotten,
    hints=(
        "There is no entry. Does the kernel think that impossible, or that it came too late?",
        "net.netfilter.nf_conntrack_tcp_loose is 1.",
    ),
    misconceptions=(
        Misconception(
            "no-entry-is-invalid",
            "A bare ACK is taken up in the middle. SYN,ACK and RST would be INVALID.",
            answered("INVALID"),
        ),
        Misconception(
            "flags-make-the-state",
            "The kernel goes by its table, and there the connection is no more.",
            answered("ESTABLISHED"),
        ),
    ),
    done="NEW does not mean SYN: the kernel takes up what it supposes to have missed.",
)
recall_error = Predict(
    id="06-recall-error",
    task="A laptop has a connection to a web server. A router on the way sends it an icmp error, "
    f"fragmentation-needed, about a packet of that connection.\n\nThe error's state? {_WHICH}",
    truth=lambda: _state(_too_big()),
    choices=STATES,
    shows=_too_big,
    hints=(
        "The router is not the web server, so it is no packet of the connection itself.",
        "But it quotes a packet that the laptop has sent.",
    ),
    misconceptions=(
        Misconception(
            "part-of-it",
            "It comes from a router that the connection does not know, and only speaks about it.",
            answered("ESTABLISHED"),
        ),
        Misconception(
            "never-heard-of-you",
            "It would be, if it quoted a packet of no known connection.",
            answered("INVALID", "NEW"),
        ),
    ),
    done="An error that quotes a packet of a known connection is RELATED.",
)
recall_exempt = Predict(
    id="06-recall-exempt",
    task=f"These are a DNS server's rules:\n{NOT_TRACKED}A udp question to port 53 comes in. Its "
    'fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: "ACCEPT" if _exempt().accepted else "DROP",
    choices=("ACCEPT", "DROP", "REJECT"),
    shows=_exempt,
    hints=("What does NOTRACK do to the state?", "It is neither NEW nor ESTABLISHED."),
    misconceptions=(
        Misconception(
            "untracked-is-not-new",
            "The packet is UNTRACKED, and the rule asks for two other states.",
            answered("ACCEPT"),
        ),
        Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")),
    ),
    done="What is not tracked has the state UNTRACKED, and a rule must say so to match it.",
)
recall_late = Predict(
    id="06-recall-late",
    task="A laptop asks a name server over udp. The entry of an unanswered udp flow lasts 30 "
    f"seconds; the answer comes after 40.\n\nWhich state does it have on the laptop? {_WHICH}",
    truth=lambda: _state(_late()),
    choices=STATES,
    shows=_late,
    hints=("After 40 seconds the entry is gone.", "What is a udp packet that nobody knows?"),
    misconceptions=(
        Misconception(
            "memory-without-end",
            "It would be, within 30 seconds. Then the entry was gone, and the question forgotten.",
            answered("ESTABLISHED"),
        ),
        Misconception(
            "late-is-invalid",
            "Udp has no flags that could be wrong. A packet that nobody knows begins something.",
            answered("INVALID"),
        ),
    ),
    done="NEW: so a laptop that lets only answers in drops it, and asks again.",
)
recall_dropped = Predict(
    id="06-recall-dropped",
    task="A firewall's table of connections is empty. A stranger sends the same SYN three times; "
    "a rule in INPUT drops it each time.\n\nHow many entries are in the table then?",
    truth=_knocked,
    shows=lambda: _met(DEAF, KNOCK)[0],
    hints=(
        "An entry is made ready in PREROUTING, and put into the table at the end of the way.",
        "None of the three came to the end.",
    ),
    misconceptions=(
        Misconception(
            "entry-for-every-packet",
            "The three packets are of one flow: that would be one entry at most.",
            answered(3),
        ),
        Misconception(
            "entry-before-the-verdict",
            "The entry is kept only if the packet passes: a dropped first packet leaves nothing.",
            answered(1),
        ),
    ),
    done="Otherwise strangers could fill the table with packets that nobody lets in.",
)

REVIEW = (
    *(recall_answer, recall_loose, recall_error),
    *(recall_exempt, recall_late, recall_dropped),
)
EXERCISES: tuple[Exercise, ...] = (sport, states, icmp, server, scan, middle, dns)
