"""Lesson 08, Reading and debugging real dumps: a method, and what bears witness."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial

from iptlab.console.lab import Lab
from iptlab.course.files import data
from iptlab.course.mistakes import alone, is_no, left_to_policy, reads, spoils, twice
from iptlab.grading import (
    FATES,
    Exercise,
    FindLine,
    Goal,
    LogRules,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    WriteRules,
    answered,
    blames,
    decider,
    lists,
    omits,
    read_rules,
    treats,
    writes,
)
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.packet import Family
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.situation import trace
from iptlab.simulate.trace import HookVisit
from iptlab.targets.log import Log

KNOCK = "in eth0 tcp 198.51.100.7:40000 -> 203.0.113.10:8080"
# what Bob typed at the club's server
BOB = """iptables -P INPUT DROP
iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A INPUT -p tcp --dport 22 -j ACCEPT"""


@cache
def _club() -> Host:
    """The club's server as Bob has left it."""
    lab = Lab.docker_host()
    lab.on("docker", BOB)
    server = lab["docker"]
    return server.host.with_rules(server.rules())


def _journey(packet: str = KNOCK) -> Journey:
    return Machine(_club()).journey(packet)


def _visit(rules: str, packet: str) -> HookVisit:
    return trace(read_rules(rules), packet)


def _says(*parts: str) -> Callable[[object], bool]:
    """The mistake of a packet, as text, with one of these in it."""
    return lambda answer: isinstance(answer, str) and any(part in answer for part in parts)


# --- which chains a packet meets ---


def _chains() -> list[str]:
    places = _journey().hits()
    return list(dict.fromkeys(str(one.chain) for one in places if one.table == TableName.FILTER))


path = Predict(
    id="08-path",
    truth=_chains,
    shows=_journey,
    hints=(
        "First nat: which rule of its chain DOCKER fits? What is the packet's destination then, "
        "and does it go to this machine or through it?",
        "It goes through, so filter begins with FORWARD. Take its jumps in order, and ask of "
        "each: does the packet fit, and does it come back?",
        "The jump to DOCKER-ISOLATION-STAGE-2 asks for -i docker0, and this packet came in "
        "through eth0.",
    ),
    misconceptions=(
        Misconception(
            "input-for-a-published-port",
            "In PREROUTING nat has given the packet a new destination, 172.17.0.2. That is not "
            "this machine, so the packet goes through it, and INPUT is not asked.",
            lists("input"),
        ),
        Misconception(
            "every-jump-fits",
            "Only packets that came in through docker0 jump to DOCKER-ISOLATION-STAGE-2. This "
            "one came in through eth0.",
            lists("docker-isolation-stage-2"),
        ),
        Misconception(
            "return-ends-all",
            "RETURN in DOCKER-USER ends that chain, not the walk: it goes on in FORWARD with the "
            "rule after the jump.",
            answered(["FORWARD", "DOCKER-USER"], ["DOCKER-USER"]),
        ),
        Misconception(
            "another-table", "PREROUTING is no chain of filter: leave nat out.", lists("prerouting")
        ),
        Misconception(
            "named-twice",
            "Name each chain once, when the packet comes to it: a RETURN back is no new one.",
            twice,
        ),
        Misconception(
            "begins-with-a-jump",
            "DOCKER and the others are nobody's first chain. Which built-in chain jumps to them?",
            omits("forward"),
        ),
        Misconception(
            "not-every-jump",
            "A jump without a condition takes every packet, even if it sends it back at once. "
            "Which of those in FORWARD is missing from your list?",
            omits("docker-user", "docker-isolation-stage-1"),
        ),
    ),
    done="FORWARD, and three chains that it calls. INPUT is not among them: the packet came to the "
    "server's address, and was no longer for the server when filter was asked.",
)

# --- what the note promises, and what the machine does ---

_CLUB = Host(
    interfaces=(
        Interface.of("eth0", "203.0.113.12/24"),
        Interface.of("docker0", "172.17.0.1/16"),
    ),
    sysctls={"ipv4/ip_forward": 1},
)
# the three lines of INPUT, as the note has them
_NOTE = """-P INPUT DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 8443 -j ACCEPT
"""

bypass = SupplyPacket(
    id="08-bypass",
    rules=(
        ("INPUT alone", lambda: _CLUB.with_rules(read_rules(_NOTE))),
        ("the server as it is", lambda: _CLUB.with_rules(data("club.rules"))),
    ),
    wanted=(Verdict.DROP, Verdict.ACCEPT),
    hints=(
        "Which ports lead to a container? Chain DOCKER of table nat has three of them.",
        "One of the three is open in INPUT as well, so INPUT alone would not drop it. Another is "
        "only for packets to 127.0.0.1.",
        "Through eth0, to the server's own address 203.0.113.12, tcp, and the port that the "
        "nat rule asks for, not the one it makes of it.",
    ),
    misconceptions=(
        Misconception(
            "past-the-server",
            "That packet is addressed to a container, not to the server: INPUT is not asked.",
            _says("-> 172.17."),
        ),
        Misconception(
            "inner-port",
            "Port 9090 is the container's. From outside one knocks at the port that the DNAT rule "
            "asks for.",
            _says(".12:9090"),
        ),
        Misconception(
            "open-in-both",
            "INPUT accepts that port, so INPUT alone would let the packet in too.",
            _says(".12:22", ".12:8443"),
        ),
        Misconception(
            "published-at-home",
            "The DNAT rule for 5432 has -d 127.0.0.1: it is for programs on the server itself. A "
            "packet to 203.0.113.12 stays on its way to INPUT, and is dropped there.",
            _says(".12:5432"),
        ),
        Misconception(
            "no-door",
            "No DNAT rule of chain DOCKER fits that packet. Is it for this server, 203.0.113.12? "
            "Then compare its card, its protocol and its port with theirs.",
            lambda packet: not _says("ctstate")(packet),
        ),
    ),
    done="INPUT would have dropped it, and was not asked: nat gave it a new destination before. "
    "And the rule for 8443 in INPUT has counted nothing: that port did not need it.",
)

# --- where one's own rules belong ---

_PAGE = "in eth0 out docker0 tcp {}:40000 -> 172.17.0.2:80"
_ANSWER = "in eth0 out docker0 ctstate ESTABLISHED tcp 203.0.113.9:443 -> 172.17.0.2:50000 ACK"
_FETCH = "in docker0 out eth0 tcp 172.17.0.2:50000 -> 203.0.113.9:443"

_DOCKERS = """-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d 172.17.0.2 -o docker0 -p tcp --dport 80 -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
"""

_strangers_get_in = treats(_PAGE.format("203.0.113.9"), Verdict.ACCEPT)
_bob_is_shut_out = treats(_PAGE.format("198.51.100.23"), Verdict.DROP)

user = WriteRules(
    id="08-user",
    reference="""
        *filter
        :FORWARD DROP
        :DOCKER-USER -
        -A FORWARD -j DOCKER-USER
        -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A FORWARD -d 172.17.0.2 -o docker0 -p tcp --dport 80 -j ACCEPT
        -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
        -A DOCKER-USER -i eth0 ! -s 198.51.100.23 -p tcp --dport 80 -j DROP
        -A DOCKER-USER -j RETURN
        COMMIT
    """,
    says="From outside only Bob reaches the page; all else fares as before.",
    scope=Scope(hooks=(Hook.FORWARD,), assume="-m conntrack --ctstate NEW"),
    goals=(
        Goal(_PAGE.format("203.0.113.9"), Verdict.DROP, "Strangers do not reach the page."),
        Goal(
            _PAGE.format("198.51.100.23"),
            Verdict.ACCEPT,
            "Bob, at 198.51.100.23, reaches the page.",
        ),
        Goal(_ANSWER, Verdict.ACCEPT, "What the container has asked for may come in."),
        Goal(_FETCH, Verdict.ACCEPT, "The container may ask others."),
    ),
    hints=(
        "Two things are wrong with Bob's line: when it is asked, and which port it asks for.",
        "A rule below an unconditional RETURN is never asked. And FORWARD comes after nat: the "
        "first server's DNAT rule says which port the packet has by then.",
        "One line above the RETURN is enough. -i eth0 ! -s 198.51.100.23 are two of its "
        "conditions; without the port it would also stop answers.",
    ),
    misconceptions=(
        Misconception(
            "policy-lost",
            "What no rule decides about gets in now: the policy of FORWARD was DROP.",
            left_to_policy("in eth0 out eth0 udp 203.0.113.9:4000 -> 10.0.0.5:9", Verdict.ACCEPT),
        ),
        Misconception(
            "dockers-own",
            "Docker writes the rules of FORWARD, and writes them again at every start. Put them "
            "back as they were: only DOCKER-USER is yours.",
            spoils(_DOCKERS, "FORWARD -o", "FORWARD -d", "FORWARD -i"),
        ),
        Misconception(
            "answers-too",
            "Your rule is so wide that it stops the answers to what the container asks: they come "
            "in through eth0 too, and DOCKER-USER is asked before the rule for ESTABLISHED.",
            treats(_ANSWER, Verdict.DROP),
        ),
        Misconception(
            "the-wrong-one",
            "It is the wrong way round: your rule drops Bob, and lets the strangers in.",
            lambda rules: _bob_is_shut_out(rules) and _strangers_get_in(rules),
        ),
        Misconception(
            "ends-instead-of-returning",
            "Bob is shut out as well. Make an exception for his address: ! -s, or a RETURN above.",
            _bob_is_shut_out,
        ),
        Misconception(
            "outer-port",
            "Strangers knock at 8080, but FORWARD comes after DNAT. The first server's DNAT "
            "rule says which port the packet has by then.",
            reads("-A DOCKER-USER", "--dport 8080 "),
        ),
        Misconception(
            "after-the-return",
            "Strangers still get in. The RETURN takes every packet: is your rule asked before it?",
            lambda rules: (
                _strangers_get_in(rules)
                and reads(r"-A DOCKER-USER -j RETURN\n-A DOCKER-USER")(rules)
            ),
        ),
        Misconception(
            "nobody-stopped",
            "Strangers still get in: no rule of DOCKER-USER drops them. Compare yours with the "
            "packet: card, protocol, port. And does FORWARD still ask that chain first?",
            _strangers_get_in,
        ),
        Misconception(
            "accept-says-too-much",
            "ACCEPT in DOCKER-USER ends the walk through filter: Docker's own rules are not asked "
            "any more. RETURN leaves the decision to them.",
            treats("in eth0 out docker0 udp 198.51.100.23:40000 -> 172.17.0.2:53", Verdict.ACCEPT),
        ),
    ),
    done="Docker leaves DOCKER-USER alone and asks it first. On a live server: "
    "iptables -I DOCKER-USER, never -A, and the port of the container.",
)

# --- a witness ---


_SSH = "in eth0 tcp {}:40000 -> 192.168.1.10:22"
_bob_is_written = writes(_SSH.format("198.51.100.23"))


def _written_alone(rules: object) -> bool:
    """The mistake of a LOG for Bob's packet that is asked too late."""
    return any(_bob_is_written(one) for one in alone(rules, Hook.INPUT))


def _judges(rules: object) -> bool:
    """The mistake of rules that treat a packet otherwise than the server's did."""
    fates = (
        (_SSH.format("198.51.100.23"), Verdict.DROP),
        (_SSH.format("198.51.100.9"), Verdict.DROP),
        (_SSH.format("203.0.113.9"), Verdict.ACCEPT),
        ("in eth0 tcp 203.0.113.9:40000 -> 192.168.1.10:80", Verdict.DROP),
        ("in eth0 ctstate ESTABLISHED tcp 203.0.113.9:443 -> 192.168.1.10:9 ACK", Verdict.ACCEPT),
        ("in lo tcp 127.0.0.1:40000 -> 127.0.0.1:80", Verdict.ACCEPT),
    )
    return not all(treats(packet, fate)(rules) for packet, fate in fates)


log = LogRules(
    id="08-log",
    reference="""
        -P INPUT DROP
        -A INPUT -i lo -j ACCEPT
        -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A INPUT -s 198.51.100.23 -p tcp --dport 22 -j LOG --log-prefix "bob: "
        -A INPUT -s 198.51.100.0/24 -j DROP
        -A INPUT -p tcp --dport 22 -j ACCEPT
    """,
    logged="-s 198.51.100.23 ! -i lo -p tcp --dport 22 --syn -m conntrack --ctstate NEW",
    at_most="-s 198.51.100.23 -p tcp --dport 22",
    says="The log bears witness, and no packet fares otherwise than before.",
    scope=Scope(hooks=(Hook.INPUT,)),
    hints=(
        "A LOG below the rule that drops the packet writes nothing. -I INPUT 1 is above all.",
        "ssh is tcp port 22, and Bob is one address: -s, -p and --dport find his packets.",
        "-I INPUT 3 -s 198.51.100.23 -p tcp --dport ... -j LOG: any number up to 3 will do.",
    ),
    misconceptions=(
        Misconception(
            "below-the-suspect",
            "The witness stands behind the suspect: another rule has the last word about Bob's "
            "packet, before your LOG is asked. Put it above that.",
            lambda rules: not _bob_is_written(rules) and _written_alone(rules),
        ),
        Misconception(
            "no-log",
            "No rule of INPUT writes to the log: what would be its target?",
            lambda rules: not reads("-A INPUT .*-j (?!ACCEPT|DROP|REJECT)")(rules),
        ),
        Misconception(
            "not-his-packet",
            "No LOG fits Bob's first packet. Compare its conditions with it: sender, protocol, "
            "port, and the state of a connection that begins.",
            lambda rules: not _bob_is_written(rules),
        ),
        Misconception(
            "some-only",
            "That LOG writes about some of his packets only: if his line does not come, you do not "
            "know why.",
            reads("-m (limit|hashlimit|statistic|recent|time) .*-j LOG"),
        ),
        Misconception(
            "logs-others",
            "Your LOG is for more people than Bob. On a busy server his line would drown.",
            lambda rules: any(
                writes(_SSH.format(source))(rules) for source in ("198.51.100.9", "203.0.113.9")
            ),
        ),
        Misconception(
            "logs-other-traffic",
            "Bob's other packets are logged too: a condition for ssh is missing.",
            writes("in eth0 tcp 198.51.100.23:40000 -> 192.168.1.10:80"),
        ),
        Misconception(
            "fate-changed",
            "A witness must not judge: add the LOG, and leave the other rules as they are.",
            _judges,
        ),
    ),
    done="If his line comes, he has got as far as your rule. If it does not, his packets never "
    "reach it: look further up, or outside this machine. Take the rule out again with -D.",
)

# --- who wrote this line? ---

# of data("ufw.rules") the rules that log, and those that call their chains
_SPARINGLY = "-m limit --limit 3/min --limit-burst 10"
UFW = f"""*filter
:INPUT DROP
:ufw-after-input -
:ufw-after-logging-input -
:ufw-before-input -
:ufw-logging-deny -
:ufw-not-local -
:ufw-user-limit -
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A INPUT -j ufw-after-logging-input
-A ufw-after-logging-input {_SPARINGLY} -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -j ufw-not-local
-A ufw-logging-deny {_SPARINGLY} -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local {_SPARINGLY} -j ufw-logging-deny
-A ufw-not-local -j DROP
-A ufw-user-limit -m limit --limit 3/min -j LOG --log-prefix "[UFW LIMIT BLOCK] "
COMMIT
"""
LAPTOP = Host(interfaces=(Interface.of("wlan0", "192.168.1.20/24"),)).with_rules(read_rules(UFW))


def _blocked() -> Journey:
    return Machine(LAPTOP).journey("in wlan0 tcp 192.168.1.7:40000 -> 192.168.1.20:445")


def _writer() -> str:
    chains = LAPTOP.rules[Family.IPV4].table(TableName.FILTER).chains
    places = [one for one in _blocked().hits() if one.number]
    asked = [(one.chain, chains[one.chain].rules[one.number - 1]) for one in places]
    return next(str(chain) for chain, rule in asked if isinstance(rule.target, Log))


wrote = Predict(
    id="08-wrote",
    truth=_writer,
    shows=_blocked,
    hints=(
        "Three rules of this dump have the target LOG. Two of them write [UFW BLOCK].",
        "ufw-logging-deny is called for packets that are INVALID, and for packets that are for "
        "somebody else. Is this one? Look at DST and at the flags.",
    ),
    misconceptions=(
        Misconception(
            "same-words",
            "Its prefix is the same. But a first packet (SYN) to an address of this machine "
            "(DST) is neither INVALID nor for somebody else, so nobody calls ufw-logging-deny.",
            answered("ufw-logging-deny"),
        ),
        Misconception(
            "limit-block",
            "That rule writes [UFW LIMIT BLOCK], and it is for port 22 only.",
            answered("ufw-user-limit"),
        ),
        Misconception(
            "who-drops",
            "The question is who wrote the line, not who dropped the packet. Which chain has a "
            "rule with -j LOG?",
            is_no("ufw-(after-logging-input|logging-deny|user-limit)"),
        ),
    ),
    done="The last chain that speaks before the policy: all that was allowed has left before. The "
    "line says that nobody wanted the packet, and the policy has dropped it.",
)

# --- TRACE ---

TRACED = """
*raw
-A PREROUTING -p tcp --dport 80 -j TRACE
COMMIT
*filter
:INPUT DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -j DROP
-A INPUT -p tcp --dport 80 -j ACCEPT
COMMIT
"""
WEB = "in eth0 tcp 203.0.113.9:40000 -> 192.168.1.10:80"


def _traced() -> Journey:
    return Machine(Host.server("192.168.1.10/24", rules=TRACED)).journey(WEB)


def _by() -> int:
    by = _traced().by
    assert by
    return by.number


told = Predict(
    id="08-trace",
    truth=_by,
    choices=(1, 2, 3, 4, "policy"),
    shows=_traced,
    hints=(
        "The number is that of a line in the chain. How many rules has INPUT?",
        "The policy itself would come after the last rule, so its number would be 5.",
    ),
    misconceptions=(
        Misconception(
            "policy-is-the-policy",
            "The policy comes after the last rule, so its number would be one more than there are "
            "rules. How many has INPUT? (A rule without conditions is called policy too.)",
            answered("policy"),
        ),
        Misconception(
            "rule-below",
            "Rule 4 would have accepted the packet, and the page would have come. How far did the "
            "packet get?",
            answered(4),
        ),
        Misconception(
            "counts-from-zero", "Rule numbers begin with 1, as --line-numbers shows.", answered(2)
        ),
    ),
    done="In the trace rule 3, a DROP without conditions, looks like a policy; only its number "
    "does not. Rule 4 was added with -A after it, and is dead.",
)

# --- fail2ban: a ban that bans nobody ---

_F2B = data("fail2ban.rules").save(counters=False)
_JUMP = "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd\n"
_DOOR = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"

_BANNED = r"tcp (203\.0\.113\.9|198\.51\.100\.7):\d+ -> \S+:22\b"


def _sent(answer: object) -> str:
    """The packet with which a line was blamed."""
    return str(answer[1]) if isinstance(answer, tuple) else ""


ban = FindLine(
    id="08-ban",
    rules=_F2B,
    reference=_F2B.replace(_JUMP, "").replace(_DOOR, _JUMP + _DOOR),
    hints=(
        "Which rules count ssh? And which of them have counted nothing?",
        "f2b-sshd has the right addresses in it. But has it ever been asked?",
        "The packet is one of ssh from a banned address: in eth0 tcp ADDRESS:PORT -> "
        "192.168.1.10:22",
    ),
    misconceptions=(
        Misconception(
            "return-lets-in",
            "RETURN does not let anybody in: it goes back to INPUT, for whoever is not banned. "
            "The chain has counted no packet at all.",
            blames("filter f2b-sshd 3", "filter f2b-postfix 2"),
        ),
        Misconception(
            "ban-is-right",
            "The ban is written as it should be. Why does no packet come to it?",
            blames("filter f2b-sshd 1", "filter f2b-sshd 2"),
        ),
        Misconception(
            "in-the-middle",
            "Your packet belongs to a connection that exists already. The ban is for those who "
            "begin one.",
            lambda answer: "ctstate ESTABLISHED" in _sent(answer),
        ),
        Misconception(
            "nobody-banned",
            "Your packet is not one of ssh from a banned sender, so it fares as it should. Take an "
            "address out of f2b-sshd, and tcp port 22.",
            lambda answer: not re.search(_BANNED, _sent(answer)),
        ),
        Misconception(
            "not-that-line",
            "That line does not fit your packet, or is never asked. Go through INPUT with it from "
            "the top: which line decides, and why that one?",
            lambda answer: True,
        ),
    ),
    done="An ACCEPT above the jump: too early. fail2ban itself puts its jump in front with -I; "
    "whoever reloads a firewall with -A afterwards may turn the order round.",
)

# --- firewalld: an interface that nobody thought of ---

_ZONES = data("firewalld.rules").save(counters=False)
HALL = Host(
    interfaces=(
        Interface.of("eth0", "203.0.113.2/24"),
        Interface.of("eth1", "192.168.1.1/24"),
        Interface.of("tun0", "10.8.0.1/24"),
    ),
    sysctls={"ipv4/ip_forward": 1},
)

zone = FindLine(
    id="08-zone",
    rules=_ZONES,
    reference=_ZONES.replace("-A INPUT_ZONES -g IN_internal", "-A INPUT_ZONES -g IN_drop"),
    host=HALL,
    hints=(
        "INPUT_ZONES chooses a zone by interface. What does it do with an interface that it does "
        "not name?",
        "The machine has three interfaces, and INPUT_ZONES names two.",
        "The packet: in tun0 tcp 10.8.0.9:40000 -> 10.8.0.1:PORT, with a port of a service.",
    ),
    misconceptions=(
        Misconception(
            "service-is-right",
            "That service is meant to be open to the house. The question is who else is treated "
            "as if he were in it.",
            blames(*(f"filter IN_internal_allow {number}" for number in (1, 2, 3))),
        ),
        Misconception(
            "dead-rule",
            "That rule is dead, and worth mending. But it lets nobody in.",
            blames("filter INPUT 7"),
        ),
        Misconception(
            "outside-is-right",
            "eth0 is in zone drop, as it should be: all its new packets end there.",
            blames("filter INPUT_ZONES 2"),
        ),
        Misconception(
            "house-is-right",
            "eth1 is the house, and may use what zone internal offers.",
            blames("filter INPUT_ZONES 1"),
        ),
        Misconception(
            "call-is-right",
            "That line is as it should be, and chooses no zone. Which line chooses the zone for "
            "your packet?",
            blames(
                *(f"filter INPUT {number}" for number in range(1, 7)),
                *(f"filter IN_internal {number}" for number in range(1, 4)),
                *(f"filter IN_drop {number}" for number in range(1, 4)),
                "filter INPUT policy",
            ),
        ),
        Misconception(
            "no-guest",
            "That packet is in its right zone: INPUT_ZONES names the card that it came in through.",
            lambda answer: re.search(r"in eth[01]\b", _sent(answer)) is not None,
        ),
    ),
    done="The last line of INPUT_ZONES is the default zone. Whatever interface comes later, a VPN "
    "or a second card, falls into it: so it should be the strictest one.",
)

# --- questions that later lessons ask again ---

PUBLISHED = """*nat
-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination 192.168.1.10:80
COMMIT
*filter
:INPUT DROP
-A FORWARD -p tcp --dport {} -j DROP
COMMIT
"""
BANNED = """-P INPUT DROP
-N f2b-sshd
-A INPUT -p tcp --dport 22 -j f2b-sshd
-A INPUT -p tcp --dport 22 -j ACCEPT
-A f2b-sshd -s 198.51.100.7 -j REJECT
-A f2b-sshd -j RETURN
"""
APPENDED = """-P INPUT ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -j DROP
-A INPUT -p tcp --dport 80 -j ACCEPT
"""
ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")


def _published(port: int) -> Journey:
    packet = "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:8080"
    return Machine(ROUTER.with_rules(read_rules(PUBLISHED.format(port)))).journey(packet)


def _fate(journey: Journey) -> str:
    return {"dropped": "DROP", "rejected": "REJECT"}.get(str(journey.fate), "ACCEPT")


def _asked_of_router(port: int) -> str:
    return (
        f"These are the rules of a router, 203.0.113.2 outside:\n{PUBLISHED.format(port)}"
        "A stranger's first tcp packet comes in through eth0, to 203.0.113.2, port 8080. Its "
        'fate: "ACCEPT" or "DROP"?'
    )


recall_door = Predict(
    id="08-recall-door",
    task=_asked_of_router(25),
    truth=lambda: _fate(_published(25)),
    choices=FATES,
    shows=partial(_published, 25),
    hints=(
        "nat is asked in PREROUTING. What is the packet's destination after that?",
        "It goes through the router, so which chain of filter is asked?",
    ),
    misconceptions=(
        Misconception(
            "input-for-a-published-port",
            "The packet is on its way to 192.168.1.10 by then, so INPUT is not asked.",
            answered("DROP"),
        ),
        Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")),
    ),
    done="DNAT sends it through FORWARD; the policy of INPUT is for packets to the router.",
)
recall_port = Predict(
    id="08-recall-port",
    task=_asked_of_router(8080),
    truth=lambda: _fate(_published(8080)),
    choices=FATES,
    shows=partial(_published, 8080),
    hints=(
        "Which port has the packet when filter is asked?",
        "nat comes before: it has made 80 of 8080.",
    ),
    misconceptions=(
        Misconception(
            "outer-port",
            "FORWARD comes after DNAT. By then the packet goes to port 80, and the rule says no.",
            answered("DROP"),
        ),
        Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")),
    ),
    done="filter sees the port that DNAT has left. Whoever filters 8080 there filters nothing.",
)
recall_return = Predict(
    id="08-recall-return",
    task=f"These are the rules of a server:\n{BANNED}203.0.113.9 wants to log in by ssh. Its first "
    'packet\'s fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: _visit(BANNED, _SSH.format("203.0.113.9")).verdict,
    choices=FATES,
    shows=lambda: _visit(BANNED, _SSH.format("203.0.113.9")),
    hints=(
        "It is not the banned address. So which rule of f2b-sshd takes it?",
        "RETURN goes back to INPUT, to the rule after the jump.",
    ),
    misconceptions=(
        Misconception(
            "return-is-the-policy",
            "RETURN from a chain of one's own goes back to the caller, not to the policy.",
            answered("DROP"),
        ),
        Misconception("all-banned", "Only 198.51.100.7 is rejected.", answered("REJECT")),
    ),
    done="RETURN sends it back to INPUT, where the next rule accepts ssh.",
)
recall_append = Predict(
    id="08-recall-append",
    task=f"These are the rules of a web server:\n{APPENDED}A first packet to tcp port 80 comes in. "
    'Which rule decides: 1, 2, 3, or "policy"?',
    truth=lambda: decider(_visit(APPENDED, WEB)),
    choices=(1, 2, 3, "policy"),
    shows=lambda: _visit(APPENDED, WEB),
    hints=(
        "Ask the rules from the top.",
        "Is there one that takes every packet?",
    ),
    misconceptions=(
        Misconception(
            "best-match",
            "Rule 3 fits best, but rule 2 takes every packet before.",
            answered(3),
        ),
        Misconception(
            "policy-first", "The policy is asked when no rule has decided.", answered("policy")
        ),
    ),
    done="Rule 3 was appended after a DROP for all, so nothing ever reaches it.",
)

REVIEW = (recall_door, recall_port, recall_return, recall_append)
EXERCISES: tuple[Exercise, ...] = (path, bypass, user, log, wrote, told, ban, zone)
