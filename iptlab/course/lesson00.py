"""Lesson 00, Start: what happens to a packet that knocks at a laptop."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_network

from iptlab.course.files import data
from iptlab.course.mistakes import left_to_policy, misses
from iptlab.grading import (
    FATES,
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

laptop = partial(data, "laptop.rules")
quiet = partial(data, "quiet.rules")


def _on_laptop(packet: str) -> HookVisit:
    return trace(laptop(), packet)


# --- predictions ---

SSH = partial(_on_laptop, "in wlan0 tcp 203.0.113.9:51000 -> 192.168.1.20:22 SYN")
PING = partial(_on_laptop, "in wlan0 icmp 203.0.113.9 -> 192.168.1.20 echo-request")
PAGE = partial(
    _on_laptop, "in wlan0 ctstate ESTABLISHED tcp 198.51.100.7:443 -> 192.168.1.20:50512 ACK"
)

NO_REJECT = Misconception(
    "reject-needs-a-rule",
    "REJECT answers the sender, and only a rule can do that: rule 7 does, for port 113 alone.",
    answered("REJECT"),
)

first = Predict(
    id="00-first",
    truth=lambda: SSH().verdict,
    choices=FATES,
    shows=SSH,
    hints=(
        "Go through the table from the top. For each rule ask: is everything it says true of "
        "this packet?",
        "Only rule 5 speaks of port 22. It also says where the packet must come from.",
        "203.0.113.9 is not in 192.168.1.0/24, so rule 5 says no. If no rule matches, the last "
        "line of the table decides.",
    ),
    misconceptions=(
        Misconception(
            "one-condition-is-enough",
            "Rule 5 speaks of port 22, and the packet goes there. But the rule also says "
            "-s 192.168.1.0/24: a rule matches only if all of its conditions hold.",
            answered("ACCEPT"),
        ),
        NO_REJECT,
    ),
    done="Rule 5 would open port 22, but only to neighbours from 192.168.1.0/24. All seven rules "
    "said no, so the chain's policy had the last word.",
)

ping = Predict(
    id="00-ping",
    truth=lambda: decider(PING()),
    shows=PING,
    hints=(
        "The packet is not tcp and not udp: it is icmp, and it has no ports.",
        "An echo-request is ICMP type 8.",
        "Count from the top: the first rule that says yes decides, and no later one is asked.",
    ),
    misconceptions=(
        Misconception(
            "answers-are-new",
            "Rule 2 is for packets of connections that exist already. A ping from a stranger is "
            "the first packet of something new.",
            answered(2),
        ),
        Misconception(
            "policy-first",
            "The policy is asked last, when every rule has said no. Here one rule says yes.",
            answered("policy", "end", 0, 8),
        ),
        Misconception(
            "other-protocol",
            "That rule wants tcp or udp, and a ping is icmp.",
            answered(5, 6, 7),
        ),
        Misconception(
            "not-so-of-it",
            "Rule 1 is for what comes in through lo, rule 3 for what fits no connection. This "
            "packet came in through wlan0, and begins something.",
            answered(1, 3),
        ),
    ),
    done="Rules 1 to 3 said no, rule 4 said yes, and rules 5 to 7 were not asked at all.",
)

page = Predict(
    id="00-page",
    truth=lambda: PAGE().verdict,
    choices=FATES,
    shows=PAGE,
    hints=(
        "The words ctstate ESTABLISHED tell that this packet belongs to a connection the laptop "
        "knows.",
        "Read what rule 2 means, in the last column of the table.",
    ),
    misconceptions=(
        Misconception(
            "every-port-needs-a-rule",
            "No rule opens port 50512, true. But rule 2 does not ask for a port: it lets in "
            "whatever belongs to a connection that exists already.",
            answered("DROP"),
        ),
        NO_REJECT,
    ),
    done="Without rule 2 the laptop could send questions but would never hear an answer. How the "
    "kernel knows the state of a connection is a lesson of its own.",
)

# --- writing ---

TO_THE_LAPTOP = Scope(
    hooks=(Hook.INPUT,),
    interfaces=("lo", "wlan0"),
    assume="-d 192.168.1.20 -m conntrack --ctstate NEW,RELATED,ESTABLISHED",
)
_NEIGHBOUR = "in wlan0 tcp 192.168.1.7:40000 -> 192.168.1.20:{}"
_STRANGER = "in wlan0 tcp 203.0.113.9:40000 -> 192.168.1.20:{}"
OPEN = Misconception(
    "policy-lost",
    "No rule decides about that packet, and the policy lets it in: the line -P INPUT DROP is gone.",
    left_to_policy(_STRANGER.format(22), Verdict.ACCEPT),
)

web = WriteRules(
    id="00-web",
    reference="""
        -P INPUT DROP
        -A INPUT -i lo -j ACCEPT
        -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A INPUT -s 192.168.1.0/24 -p tcp --dport 8080 -j ACCEPT
    """,
    says="Neighbours may see the web page, and nothing else changes.",
    scope=TO_THE_LAPTOP,
    goals=(
        Goal(_NEIGHBOUR.format(8080), Verdict.ACCEPT, "Neighbours may see the web page."),
        Goal(_STRANGER.format(8080), Verdict.DROP, "Nobody else may see it."),
        Goal(_NEIGHBOUR.format(22), Verdict.DROP, "Neighbours get port 8080 and nothing more."),
        Goal(
            "in wlan0 udp 192.168.1.7:40000 -> 192.168.1.20:8080",
            Verdict.DROP,
            "The web server speaks tcp; udp stays shut.",
        ),
        Goal(
            "in lo tcp 127.0.0.1:40000 -> 127.0.0.1:631",
            Verdict.ACCEPT,
            "The laptop may talk to itself.",
        ),
        Goal(
            "in wlan0 ctstate ESTABLISHED tcp 198.51.100.7:443 -> 192.168.1.20:50512 ACK",
            Verdict.ACCEPT,
            "Answers to the laptop's own questions come in.",
        ),
    ),
    hints=(
        "Rule 5 of the laptop's table has the same parts. Which of them stay, which change?",
        "Four parts: where from (-s), which protocol (-p), which port (--dport), and what to do "
        "(-j).",
        "-A INPUT -s 192.168.1.0/24 -p tcp --dport ... -j ...",
    ),
    misconceptions=(
        OPEN,
        Misconception(
            "open-to-the-world",
            "Strangers match your rule too: it must say that the packet comes from "
            "192.168.1.0/24 (-s).",
            treats(_STRANGER.format(8080), Verdict.ACCEPT),
        ),
        Misconception(
            "every-port",
            "A rule without --dport is for every port: name the one you mean.",
            treats(_NEIGHBOUR.format(22), Verdict.ACCEPT),
        ),
        Misconception(
            "source-port",
            "--sport is the port that a packet comes from, and clients choose it as they like. "
            "The server's port is --dport.",
            treats("in wlan0 tcp 192.168.1.7:8080 -> 192.168.1.20:22", Verdict.ACCEPT),
        ),
        Misconception(
            "still-shut",
            "No rule of yours lets that packet in. Compare it with your last line: who sends it, "
            "its protocol, its port; and what the line does with it.",
            misses(_NEIGHBOUR.format(8080), Verdict.ACCEPT),
        ),
    ),
    done="Any rules that treat every packet so would have been right: what counts is what they "
    "do, not how they are written.",
)

mend = WriteRules(
    id="00-mend",
    reference="""
        -P INPUT DROP
        -A INPUT -i lo -j ACCEPT
        -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A INPUT -s 192.168.1.0/24 -p tcp --dport 631 -j ACCEPT
    """,
    says="Neighbours may print, and nothing else is open.",
    scope=TO_THE_LAPTOP,
    goals=(
        Goal(_NEIGHBOUR.format(631), Verdict.ACCEPT, "Neighbours may print."),
        Goal(_NEIGHBOUR.format(22), Verdict.DROP, "Neighbours may print and nothing more."),
        Goal(_STRANGER.format(631), Verdict.DROP, "Strangers may not print."),
        Goal(
            "in wlan0 udp 192.168.1.7:40000 -> 192.168.1.20:631",
            Verdict.DROP,
            "Printing needs tcp; udp stays shut.",
        ),
    ),
    hints=(
        "Read the two last rules one at a time. Which packets does each let in, all by itself?",
        "A packet gets in if one rule OR the other says yes. Inside a rule, all conditions must "
        "hold: one AND the other.",
        "Put all conditions into one rule: -s ..., -p tcp, --dport 631.",
    ),
    misconceptions=(
        OPEN,
        Misconception(
            "still-shut",
            "Now neighbours cannot print either: no rule lets that packet in. What must be so of "
            "who sends it, of its protocol and its port, belongs into one rule.",
            misses(_NEIGHBOUR.format(631), Verdict.ACCEPT),
        ),
        Misconception(
            "rules-are-or",
            "A rule that asks for the sender alone lets neighbours in at every port. What must "
            "hold together belongs into one rule.",
            treats(_NEIGHBOUR.format(23), Verdict.ACCEPT),
        ),
        Misconception(
            "open-to-the-world",
            "A rule that asks for the port alone is for everybody: say who may use it, in the "
            "same rule.",
            treats(_STRANGER.format(631), Verdict.ACCEPT),
        ),
        Misconception(
            "another-door",
            "Your rules open more than printing needs: nobody asked for that port.",
            treats(_NEIGHBOUR.format(22), Verdict.ACCEPT),
        ),
    ),
    done="Conditions in one rule must all hold. Of several rules one is enough to let a packet in.",
)

# --- a packet of one's own ---

knock = SupplyPacket(
    id="00-knock",
    rules=(("the laptop", laptop), ("the quiet laptop", quiet)),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    hints=(
        "Which ACCEPT rules has the laptop that the quiet one does not have?",
        "Rules 4, 5 and 6. Take one, and make a packet of which everything is true that it says.",
        "For rule 4: in wlan0 icmp ... -> 192.168.1.20 echo-request",
    ),
    misconceptions=(
        Misconception(
            "loopback",
            "What comes in through lo has never left the machine, and both accept it.",
            sends(lambda it: it.context.in_interface == "lo"),
        ),
        Misconception(
            "established",
            "Both accept what belongs to a connection they know. Leave ctstate out: the packet "
            "is then the first of something new.",
            sends(lambda it: it.context.ctstate in ("ESTABLISHED", "RELATED")),
        ),
        Misconception(
            "one-condition-is-enough",
            "Port 22 is open on the laptop, but to 192.168.1.0/24 alone. Who sends your packet?",
            sends(lambda it: it.packet.dport == 22 and it.packet.src not in HOME),
        ),
        Misconception(
            "both-reject",
            "Port 113 has the same rule on both.",
            sends(lambda it: it.packet.dport == 113),
        ),
    ),
    done="One packet is enough to prove that two sets of rules differ. To prove that they are the "
    "same takes more: every packet there could be.",
)

# --- questions that later lessons ask again ---

ALLOWED = """-P INPUT DROP
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p udp -j REJECT
"""


def _question(rules: str, packet: str) -> HookVisit:
    return trace(read_rules(rules), packet)


STRANGE_UDP = partial(_question, ALLOWED, "udp 192.0.2.9:4000 -> 10.0.0.1:53")
NEAR_UDP = partial(_question, ALLOWED, "udp 10.0.0.9:4000 -> 10.0.0.1:22")

nobody = Predict(
    id="00-recall-nobody",
    task=f"These are the rules of a machine:\n{ALLOWED}Somebody at 192.0.2.9 sends a udp packet to "
    'port 53. Its fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: STRANGE_UDP().verdict,
    choices=FATES,
    shows=STRANGE_UDP,
    hints=("Which of the rules says yes?", "None does. Who speaks when no rule has matched?"),
    misconceptions=(
        Misconception(
            "open-by-default",
            "Nothing forbids it, true. But the policy speaks when no rule does, and it says DROP.",
            answered("ACCEPT"),
        ),
        Misconception(
            "one-condition-is-enough",
            "Rule 3 is for udp, but only from 10.0.0.0/8: all conditions must hold.",
            answered("REJECT"),
        ),
    ),
    done="No rule said yes, so the policy had the last word.",
)
decides = Predict(
    id="00-recall-decides",
    task=f"These are the rules of a machine:\n{ALLOWED}Somebody at 10.0.0.9 sends a udp packet to "
    "port 22. Which rule decides, 1, 2 or 3?",
    truth=lambda: decider(NEAR_UDP()),
    choices=(1, 2, 3),
    shows=NEAR_UDP,
    hints=("A rule matches if all of its conditions hold.", "Rule 1 is for tcp."),
    misconceptions=(
        Misconception("other-protocol", "Rule 1 wants tcp; udp has ports of its own.", answered(1)),
        Misconception("icmp-is-another", "Rule 2 is for icmp, and this is udp.", answered(2)),
    ),
    done="Port 22 of udp is not port 22 of tcp.",
)

KNOWN = """-P INPUT DROP
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp --dport 80 -j DROP
"""
ANSWERED = partial(_question, KNOWN, "ctstate ESTABLISHED tcp 192.0.2.9:443 -> 10.0.0.1:50512 ACK")
PINGED = partial(_question, KNOWN, "icmp 192.0.2.9 -> 10.0.0.1 echo-request")

reply = Predict(
    id="00-recall-reply",
    task=f"These are the rules of a laptop:\n{KNOWN}Its browser has asked a web server for a "
    "page. A part of the page comes back, from port 443 of the server to port 50512 of the "
    'laptop. Who decides about this packet: 1, 2, 3, 4 or "policy"?',
    truth=lambda: decider(ANSWERED()),
    choices=(1, 2, 3, 4, "policy"),
    shows=ANSWERED,
    hints=(
        "No rule speaks of port 50512. Must a rule name a port?",
        "The packet belongs to a connection that exists already.",
    ),
    misconceptions=(
        Misconception(
            "every-port-needs-a-rule",
            "One rule asks for no port at all, but for the connection: is it known already?",
            answered("policy"),
        ),
        Misconception(
            "port-of-the-service",
            "Port 22 and port 80 are ports of this laptop there. The packet goes to port 50512.",
            answered(1, 4),
        ),
    ),
    done="Rule 2 lets in whatever belongs to a connection that exists already.",
)
asked = Predict(
    id="00-recall-asked",
    task=f"These are the rules of a laptop:\n{KNOWN}A stranger pings it. How many of the four "
    "rules are asked about the ping?",
    truth=lambda: len(list(PINGED().deciding.steps())),
    choices=(0, 1, 2, 3, 4),
    shows=PINGED,
    hints=(
        "The rules are asked from the top. When does it stop?",
        "It stops at the first rule that says yes and has a verdict.",
    ),
    misconceptions=(
        Misconception("all-are-asked", "Rule 3 has said yes, so nobody asks rule 4.", answered(4)),
        Misconception(
            "only-the-right-one",
            "The kernel does not know beforehand which rule is the right one: it asks from the "
            "top, and those that say no are asked too.",
            answered(1),
        ),
    ),
    done="Rules 1 and 2 say no, rule 3 says yes, and rule 4 is not asked.",
)

REVIEW = (nobody, decides, reply, asked)
EXERCISES: tuple[Exercise, ...] = (first, ping, page, web, mend, knock)
