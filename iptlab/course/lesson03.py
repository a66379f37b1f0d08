"""Lesson 03, Chains: calling a list of rules by its name, and coming back from it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from ipaddress import ip_network
from itertools import groupby, product

from iptlab.course.files import data
from iptlab.course.mistakes import is_no, left_to_policy
from iptlab.grading import (
    FATES,
    Exercise,
    FindLine,
    Goal,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    WriteRules,
    answered,
    blames,
    read_rules,
    sends,
    treats,
)
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import Hook
from iptlab.packet import Protocol
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.situation import Situation, trace
from iptlab.simulate.trace import Event, HookVisit

HOME = ip_network("192.168.1.0/24")
PHONE = "in eth1 out eth0 {} 192.168.1.11:40000 -> 203.0.113.1:{}"
FIRST_PACKETS = "-m conntrack --ctstate NEW"
FORWARDED = Scope(hooks=(Hook.FORWARD,), assume=FIRST_PACKETS)
TO_ME = Scope(hooks=(Hook.INPUT,), assume=FIRST_PACKETS)


def _walk(rules: str, packet: str) -> HookVisit:
    return trace(read_rules(rules), packet)


def _chains(events: Iterable[Event]) -> list[str]:
    """The chains a packet is in, one after another."""
    return [name for name, _ in groupby(str(event.chain) for event in events)]


# --- jump, and the end of a chain ---

PATH = """
-P FORWARD DROP
-N phone
-N checks
-A FORWARD -s 192.168.1.11 -j phone
-A FORWARD -p tcp -j checks
-A FORWARD -p tcp --dport 443 -j ACCEPT
-A checks -p tcp --dport 25 -j DROP
-A phone -p udp -j ACCEPT
-A phone -p tcp -j checks
-A phone -p tcp --dport 80 -j ACCEPT
"""
HTTPS = partial(_walk, PATH, PHONE.format("tcp", 443))

path = Predict(
    id="03-path",
    truth=lambda: _chains(HTTPS().deciding.events),
    shows=HTTPS,
    hints=(
        "Put a finger on the rule that is asked. At a jump that matches, leave a coin there and go "
        "to the chain; at its end, go back to the coin.",
        "From chain checks the packet comes back to where it was called from, and that is phone.",
        "Phone ends without a verdict as well. Two rules of FORWARD are still to be asked, and "
        "the first of them is a jump.",
    ),
    misconceptions=(
        Misconception(
            "no-chain",
            "Chains and nothing else, please: FORWARD, phone and checks. A verdict is none.",
            is_no("forward|phone|checks"),
        ),
        Misconception(
            "begins-with-a-jump",
            "Phone is nobody's first chain. In which one does a packet begin that passes through?",
            lambda answer: isinstance(answer, tuple) and answer[:1] != ("forward",),
        ),
        Misconception(
            "end-is-policy",
            "A user chain has no policy. At its end the packet goes back and the next rule "
            "after the jump is asked.",
            answered(["FORWARD", "phone", "checks"], ["FORWARD", "phone"]),
        ),
        Misconception(
            "back-to-the-built-in",
            "The end of checks leads to the chain that has called it, phone, not to FORWARD.",
            answered(
                ["FORWARD", "phone", "checks", "FORWARD"],
                ["FORWARD", "phone", "checks", "FORWARD", "checks", "FORWARD"],
            ),
        ),
        Misconception(
            "only-once",
            "Checks has been asked before, but the kernel does not remember that: rule 2 of "
            "FORWARD jumps there again.",
            answered(["FORWARD", "phone", "checks", "phone", "FORWARD"]),
        ),
        Misconception(
            "never-back",
            "A jump comes back. Who writes down where to? The kernel does, at each jump.",
            answered(["FORWARD", "phone", "checks", "phone"]),
        ),
    ),
    done="Checks was asked twice, called from two places, and each time the packet came back to "
    "its caller. A chain knows nothing of who calls it.",
)

# --- RETURN ---

CLAIM = "in eth0 tcp {}:40000 -> 203.0.113.2:22"
CLAIMS = CLAIM.format("192.168.1.20")
INSIDE = "in eth1 tcp {}:40000 -> 192.168.1.1:22"
BOTH = ("192.168.1.20", "192.168.1.11")
OTHER, STRANGER = INSIDE.format("192.168.1.12"), CLAIM.format("203.0.113.9")

whitelist = WriteRules(
    id="03-whitelist",
    reference="""
        -P INPUT ACCEPT
        -N ssh
        -A INPUT -p tcp --dport 22 -j ssh
        -A INPUT -i eth0 -j DROP
        -A ssh -s 192.168.1.20 -j RETURN
        -A ssh -s 192.168.1.11 -j RETURN
        -A ssh -j REJECT
    """,
    says="Ssh is for two addresses, and nothing new comes in from eth0.",
    scope=TO_ME,
    goals=(
        Goal(INSIDE.format("192.168.1.20"), Verdict.ACCEPT, "The laptop may use ssh."),
        Goal(INSIDE.format("192.168.1.11"), Verdict.ACCEPT, "The phone may use ssh."),
        Goal(OTHER, Verdict.REJECT, "All others' ssh is rejected."),
        Goal(CLAIMS, Verdict.DROP, "Nothing new comes in from eth0, whatever source it claims."),
        Goal(
            "in eth1 udp 192.168.1.12:40000 -> 192.168.1.1:53",
            Verdict.ACCEPT,
            "DNS is open to the house.",
        ),
    ),
    hints=(
        "The two exceptions come first, and the last rule of the chain is for all others.",
        "Should an exception be accepted at once? Another rule of INPUT still has to see it.",
        "RETURN for the two addresses, REJECT for the rest; and -j ssh leads to the chain.",
    ),
    misconceptions=(
        Misconception(
            "never-asked",
            "No ssh is refused, not even from eth0. Does rule 1 of INPUT lead to chain ssh?",
            lambda rules: all(treats(it, Verdict.ACCEPT)(rules) for it in (CLAIMS, OTHER)),
        ),
        Misconception(
            "policy-for-all",
            "No rule decides about that packet, and the policy drops it. The first line said "
            "ACCEPT.",
            left_to_policy("in eth1 udp 192.168.1.12:40000 -> 192.168.1.1:53", Verdict.DROP),
        ),
        Misconception(
            "door-lost",
            "No rule keeps out what comes in from eth0 any more. That one was ready: put it back.",
            treats("in eth0 udp 203.0.113.9:40000 -> 203.0.113.2:53", Verdict.ACCEPT),
        ),
        Misconception(
            "goto-comes-back",
            "RETURN goes back to where a -j has called from. With -g nobody has, so the packet "
            "never comes back to INPUT, and the rule for eth0 is not asked.",
            lambda rules: " -g " in str(rules) and treats(CLAIMS, Verdict.ACCEPT)(rules),
        ),
        Misconception(
            "accept-is-not-return",
            "ACCEPT is final: the packet never comes back to INPUT, and the rule for eth0 is not "
            "asked. An exception from one chain is no exception from the others.",
            lambda rules: any(treats(CLAIM.format(one), Verdict.ACCEPT)(rules) for one in BOTH),
        ),
        Misconception(
            "locked-out",
            "An address on the list is refused before it can return: its RETURN is missing, is not "
            "about who sends, or stands below a REJECT.",
            lambda rules: (
                not all(treats(INSIDE.format(one), Verdict.ACCEPT)(rules) for one in BOTH)
            ),
        ),
        Misconception(
            "return-for-all",
            "Nobody rejects the others: they return from chain ssh too, or come to its end. "
            "Whoever is not on the list should meet REJECT there.",
            treats(OTHER, Verdict.ACCEPT),
        ),
        Misconception(
            "silent-refusal",
            "All others are to get a REJECT, strangers at eth0 too. That packet meets a DROP: "
            "one in chain ssh, or the rule for eth0 if it stands above your jump.",
            lambda rules: any(treats(it, Verdict.DROP)(rules) for it in (OTHER, STRANGER)),
        ),
        Misconception(
            "more-than-ssh",
            "Now chain ssh is asked about more than ssh: its jump should say port 22 of tcp.",
            lambda rules: any(
                treats(packet, Verdict.REJECT)(rules)
                for packet in (
                    "in eth1 udp 192.168.1.12:40000 -> 192.168.1.1:53",
                    "in eth1 tcp 192.168.1.12:40000 -> 192.168.1.1:80",
                )
            ),
        ),
    ),
    done="RETURN says: this chain has no objection. What comes after the jump may still have one.",
)

# --- goto ---

GOTO = """
-P INPUT DROP
-N home
-N services
-A INPUT -s 192.168.1.0/24 -j home
-A INPUT -p tcp --dport 22 -j ACCEPT
-A home -p tcp -g services
-A home -p tcp --dport 22 -j REJECT
-A services -p tcp --dport 80 -j ACCEPT
"""
GONE = partial(_walk, GOTO, INSIDE.format("192.168.1.11"))

goto = Predict(
    id="03-goto",
    truth=lambda: GONE().verdict,
    choices=FATES,
    shows=GONE,
    hints=(
        "Which chain was called with -j, and which with -g? Only one of them left a place to come "
        "back to.",
        "At the end of services the packet goes to the place that the last -j has left.",
        "That place is after rule 1 of INPUT.",
    ),
    misconceptions=(
        Misconception(
            "goto-comes-back",
            "-g leaves no place in chain home, so its rule 2 is not asked. The last -j stands in "
            "INPUT.",
            answered("REJECT"),
        ),
        Misconception(
            "goto-is-final",
            "The policy is next only if no -j was on the way. Here there was one: rule 1 of INPUT.",
            answered("DROP"),
        ),
    ),
    done="Services has taken the place of home: its end is home's end. So the walk goes on where "
    "home would have come back to.",
)

JUMPED = """
-P INPUT DROP
-N home
-A INPUT -s 192.168.1.0/24 -j home
-A INPUT -p tcp --dport 22 -j ACCEPT
-A home -p tcp --dport 80 -j ACCEPT
-A home -p tcp --dport 25 -j DROP
"""


def _tcp_to(it: Situation, *ports: int) -> bool:
    return it.packet.protocol == Protocol.TCP and it.packet.dport in ports


differ = SupplyPacket(
    id="03-differ",
    rules=(
        ("Ada", partial(read_rules, JUMPED)),
        ("Bob", partial(read_rules, JUMPED.replace("-j home", "-g home"))),
    ),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    hints=(
        "As long as a rule of home decides, there is no difference. So take a packet that gets to "
        "the end of home.",
        "Ada's rule 2 of INPUT must then accept it.",
    ),
    misconceptions=(
        Misconception(
            "not-to-the-router",
            "That packet goes through the router, so chain INPUT is not asked. Leave out the words "
            "`out eth0'.",
            sends(lambda it: it.context.hook != Hook.INPUT),
        ),
        Misconception(
            "never-in-the-chain",
            "That packet does not come from 192.168.1.0/24: it never enters home, and both ask "
            "rule 2.",
            sends(lambda it: it.packet.src not in HOME),
        ),
        Misconception(
            "decided-inside",
            "A rule of home decides about that packet. Whoever does not leave the chain need not "
            "come back.",
            sends(lambda it: _tcp_to(it, 25, 80)),
        ),
        Misconception(
            "policy-for-both",
            "It leaves home in both, but then both drop it: Ada's rule 2 does not want it either.",
            sends(lambda it: not _tcp_to(it, 22)),
        ),
    ),
    done="After -g from a built-in chain the end of home is the end of INPUT: the policy speaks. "
    "One letter has locked the house out of ssh.",
)

BROKEN = """
-P FORWARD DROP
-N phone
-A FORWARD -s 192.168.1.11 -g phone
-A FORWARD -p udp --dport 53 -j ACCEPT
-A FORWARD -p tcp -m multiport --dports 80,443 -j ACCEPT
-A phone -p tcp --dport 80 -j REJECT
-A phone -p icmp -j ACCEPT
"""
LAPTOP = "in eth1 out eth0 {} 192.168.1.20:40000 -> 203.0.113.1:{}"
PHONE_PING = "in eth1 out eth0 icmp 192.168.1.11 -> 203.0.113.1"

repair = WriteRules(
    id="03-repair",
    reference=BROKEN.replace("-g phone", "-j phone"),
    says="The phone may do what everybody may, except port 80, and it may ping.",
    scope=FORWARDED,
    goals=(
        Goal(PHONE.format("tcp", 443), Verdict.ACCEPT, "The phone may use https, as all may."),
        Goal(PHONE.format("udp", 53), Verdict.ACCEPT, "The phone may use DNS, as all may."),
        Goal(PHONE.format("tcp", 80), Verdict.REJECT, "The phone's port 80 stays rejected."),
        Goal(PHONE.format("tcp", 25), Verdict.DROP, "Mail is open to nobody."),
        Goal(PHONE_PING, Verdict.ACCEPT, "The phone may ping."),
        Goal(LAPTOP.format("tcp", 80), Verdict.ACCEPT, "The laptop may use the web."),
        Goal(LAPTOP.format("tcp", 25), Verdict.DROP, "Mail is open to nobody."),
    ),
    hints=(
        "No rule is missing. How does the phone's packet get into chain phone, and what happens at "
        "the end of it?",
        "One letter is enough.",
    ),
    misconceptions=(
        Misconception(
            "policy-for-all",
            "With the policy ACCEPT, or a rule that accepts whatever is left, everything that "
            "nobody thought of comes through: mail, for example.",
            lambda rules: any(
                treats(who.format("tcp", 25), Verdict.ACCEPT)(rules) for who in (PHONE, LAPTOP)
            ),
        ),
        Misconception(
            "no-chain-no-exception",
            "The phone reaches port 80: its chain is not asked about it, or is asked too late, or "
            "does not reject it any more.",
            treats(PHONE.format("tcp", 80), Verdict.ACCEPT),
        ),
        Misconception(
            "still-gone",
            "The phone's packet still does not come back to FORWARD when chain phone ends.",
            lambda rules: (
                treats(LAPTOP.format("tcp", 443), Verdict.ACCEPT)(rules)
                and treats(LAPTOP.format("udp", 53), Verdict.ACCEPT)(rules)
                and any(
                    treats(PHONE.format(*one), Verdict.DROP)(rules)
                    for one in (("tcp", 443), ("udp", 53))
                )
            ),
        ),
        Misconception(
            "rules-lost",
            "A rule that was there for everybody, or for the phone, is gone. None of them was "
            "wrong.",
            lambda rules: any(
                treats(packet, Verdict.DROP)(rules)
                for packet in (LAPTOP.format("tcp", 443), LAPTOP.format("udp", 53), PHONE_PING)
            ),
        ),
    ),
    done="With -j the rules for everybody are there for the phone as well. Copying them into chain "
    "phone would do too, but then there are two copies to keep alike.",
)

# --- what the tools of others make ---

UFW = partial(Host.server, "192.168.1.20/24")


def _names() -> Journey:
    """A datagram of Windows' name service, as ufw's laptop meets it."""
    laptop = Machine(UFW().with_rules(data("ufw.rules")))
    return laptop.journey("in eth0 udp 192.168.1.7:40000 -> 192.168.1.20:137")


def _last_chain() -> str:
    by = _names().by
    assert by
    return by.chain


ufw = Predict(
    id="03-ufw",
    truth=_last_chain,
    shows=_names,
    hints=(
        "Go through the five rules of INPUT in order. The first leads to an empty chain.",
        "192.168.1.20 is an address of the machine (LOCAL): what does ufw-not-local say to that?",
        "ufw-user-input has nothing for udp. Back in INPUT, the third rule is next.",
    ),
    misconceptions=(
        Misconception(
            "not-local-drops",
            "The packet is for an address of this machine, so ufw-not-local's first rule says "
            "RETURN and its last one is not asked.",
            answered("ufw-not-local"),
        ),
        Misconception(
            "caller-not-callee",
            "There stands the rule that matches, but its target is one more chain. Who says DROP?",
            answered("ufw-after-input"),
        ),
        Misconception(
            "not-the-name",
            "Write the name of a chain, and nothing else: of the one whose rule says -j DROP.",
            lambda answer: (
                answer != "ufw-skip-to-policy-input"
                and ("DROP" in str(answer).upper() or "ufw-skip-to-policy-input" in str(answer))
            ),
        ),
        Misconception(
            "passed-by",
            "No rule for port 137 stands there. Find the one that matches, and see where it jumps.",
            lambda answer: answer != "ufw-skip-to-policy-input",
        ),
    ),
    done="A rule cannot jump to a policy. So ufw has a chain that does what the policy does, and "
    "the noisy packet never comes to the rule that logs: ufw-after-logging-input.",
)

USER = """-P FORWARD ACCEPT
-N DOCKER-USER
-N DOCKER
-A FORWARD -j DOCKER-USER
-A FORWARD -d 172.17.0.0/16 -j DOCKER
-A FORWARD -s 172.17.0.0/16 -j ACCEPT
-A DOCKER-USER -j RETURN
-A DOCKER-USER -s 198.51.100.7 -j DROP
-A DOCKER -d 172.17.0.2 -p tcp --dport 80 -j ACCEPT
"""


def _not_through(answer: object) -> bool:
    """Whether a line was blamed with a packet that FORWARD does not see."""
    match answer:
        case (_, Situation() as sent):
            return sent.context.hook != Hook.FORWARD
    return False


blame = FindLine(
    id="03-blame",
    rules=USER,
    reference=USER.replace(
        "-A DOCKER-USER -j RETURN\n-A DOCKER-USER -s 198.51.100.7 -j DROP",
        "-A DOCKER-USER -s 198.51.100.7 -j DROP\n-A DOCKER-USER -j RETURN",
    ),
    hints=(
        "Send the packet that should be stopped: from 198.51.100.7, in by eth0 and out by docker0, "
        "to port 80 of the container 172.17.0.2.",
        "Which rule of DOCKER-USER does it meet first, and what does that rule match?",
    ),
    misconceptions=(
        Misconception(
            "not-through",
            "Chain FORWARD is not asked about that packet: say where it comes in and where it goes "
            "out, in eth0 out docker0.",
            _not_through,
        ),
        Misconception(
            "never-asked",
            "That rule says what Ada wants, and it would do so if it were asked. Which line keeps "
            "the packet from it?",
            blames("DOCKER-USER 2"),
        ),
        Misconception(
            "last-to-decide",
            "Rule 1 of DOCKER does its duty: it opens port 80. Why does the packet come that far?",
            blames("DOCKER 1"),
        ),
        Misconception(
            "call-is-right",
            "That rule is right, and with it the packet does get there. What happens inside?",
            blames("FORWARD 1", "FORWARD 2", "FORWARD 3"),
        ),
        Misconception(
            "policy-never-asked",
            "The policy is as it was before Ada's rule. Why does her rule not stop the packet?",
            blames("FORWARD policy"),
        ),
    ),
    done="A RETURN without a condition ends its chain: no packet comes to what is appended after "
    "it. Docker wrote that RETURN (see data/docker.rules). With -I the new rule stands above it.",
)

# --- from flat to chains ---

FLAT = """-P FORWARD DROP
-A FORWARD -s 192.168.1.31 -p udp --dport 53 -j ACCEPT
-A FORWARD -s 192.168.1.31 -p udp --dport 123 -j ACCEPT
-A FORWARD -s 192.168.1.31 -p tcp --dport 443 -j ACCEPT
-A FORWARD -s 192.168.1.31 -p tcp -j REJECT
-A FORWARD -s 192.168.1.33 -p udp --dport 53 -j ACCEPT
-A FORWARD -s 192.168.1.33 -p udp --dport 123 -j ACCEPT
-A FORWARD -s 192.168.1.33 -p tcp --dport 8883 -j ACCEPT
-A FORWARD -s 192.168.1.33 -p tcp -j REJECT
"""
DEVICE = "in eth1 out eth0 {} 192.168.1.{}:40000 -> 203.0.113.1:{}"

refactor = WriteRules(
    id="03-refactor",
    reference="""
        -P FORWARD DROP
        -N basics
        -N tv
        -N heating
        -A FORWARD -s 192.168.1.31 -j tv
        -A FORWARD -s 192.168.1.33 -j heating
        -A basics -p udp --dport 53 -j ACCEPT
        -A basics -p tcp --dport 53 -j ACCEPT
        -A basics -p udp --dport 123 -j ACCEPT
        -A tv -j basics
        -A tv -p tcp --dport 443 -j ACCEPT
        -A tv -p tcp -j REJECT
        -A heating -j basics
        -A heating -p tcp --dport 8883 -j ACCEPT
        -A heating -p tcp -j REJECT
    """,
    says="All is as before, and both devices have DNS over tcp too.",
    scope=FORWARDED,
    goals=(
        Goal(DEVICE.format("udp", 31, 53), Verdict.ACCEPT, "The TV has DNS, as before."),
        Goal(DEVICE.format("udp", 33, 123), Verdict.ACCEPT, "The heating may still set its clock."),
        Goal(DEVICE.format("tcp", 31, 53), Verdict.ACCEPT, "The TV has DNS over tcp too."),
        Goal(DEVICE.format("tcp", 33, 53), Verdict.ACCEPT, "The heating has DNS over tcp too."),
        Goal(DEVICE.format("tcp", 31, 443), Verdict.ACCEPT, "The TV has https, as before."),
        Goal(DEVICE.format("tcp", 33, 443), Verdict.REJECT, "The heating has no https."),
        Goal(DEVICE.format("tcp", 31, 8883), Verdict.REJECT, "Port 8883 is the heating's alone."),
        Goal(DEVICE.format("udp", 40, 53), Verdict.DROP, "Nobody else may do anything."),
    ),
    hints=(
        "What both may do goes into one chain. Each device gets a chain of its own that begins "
        "with a jump there.",
        "-s appears in FORWARD alone: -A FORWARD -s 192.168.1.31 -j tv",
        "In tv: -j basics, then https, then REJECT for tcp. Basics needs no RETURN: its end comes "
        "back.",
    ),
    misconceptions=(
        Misconception(
            "lost-on-the-way",
            "Something that was allowed before is not any more: is the device's packet sent to the "
            "chain that allows it, and does the rule stand there?",
            lambda rules: any(
                treats(DEVICE.format("udp", *one), Verdict.DROP)(rules)
                for one in product((31, 33), (53, 123))
            ),
        ),
        Misconception(
            "reject-before-basics",
            "DNS over tcp meets a REJECT: no rule allows it, or that rule stands too low.",
            lambda rules: any(
                treats(DEVICE.format("tcp", one, 53), Verdict.REJECT)(rules) for one in (31, 33)
            ),
        ),
        Misconception(
            "policy-lost",
            "What no rule accepts, the policy accepts: the line -P FORWARD DROP is gone.",
            treats(DEVICE.format("tcp", 40, 25), Verdict.ACCEPT),
        ),
        Misconception(
            "open-to-all",
            "A chain that everybody jumps to is a chain for everybody: say in FORWARD whose "
            "packets go there.",
            treats(DEVICE.format("udp", 40, 53), Verdict.ACCEPT),
        ),
        Misconception(
            "goto-to-basics",
            "After -g nothing comes back: the rest of the chain in which it stands is not asked.",
            lambda rules: (
                " -g " in str(rules) and treats(DEVICE.format("tcp", 31, 443), Verdict.DROP)(rules)
            ),
        ),
        Misconception(
            "one-chain-for-two",
            "What only one of them may do does not belong in the chain that both share.",
            lambda rules: all(
                treats(DEVICE.format("tcp", *one), Verdict.ACCEPT)(rules)
                for one in ((31, 8883), (33, 443))
            ),
        ),
        Misconception(
            "port-of-the-other",
            "Port 443 is the TV's and 8883 the heating's. One of them has got the other's port.",
            lambda rules: any(
                treats(DEVICE.format("tcp", *one), Verdict.ACCEPT)(rules)
                for one in ((31, 8883), (33, 443))
            ),
        ),
    ),
    done="The new permission was one line in one place. In the long list it is two lines, "
    "each above the right REJECT, and with forty lines somebody forgets one.",
)

# --- questions that later lessons ask again ---

BUILT_IN = """-P INPUT DROP
-A INPUT -s 10.0.0.9 -j RETURN
-A INPUT -p tcp -j ACCEPT
"""
ENDING = """-P INPUT DROP
-N web
-A INPUT -p tcp -j web
-A INPUT -p tcp --dport 22 -j ACCEPT
-A web -p tcp --dport 80 -j ACCEPT
"""
FINAL = """-P INPUT DROP
-N friends
-A INPUT -j friends
-A INPUT -p tcp --dport 25 -j DROP
-A friends -s 10.0.0.9 -j ACCEPT
"""
KNOCK = "tcp 10.0.0.9:4000 -> 10.0.0.1:22"
BACK = partial(_walk, BUILT_IN, KNOCK)
END = partial(_walk, ENDING, KNOCK)
AWAY = partial(_walk, ENDING.replace("-j web", "-g web"), KNOCK)
FRIEND = partial(_walk, FINAL, "tcp 10.0.0.9:4000 -> 10.0.0.1:25")
ASK_FATE = 'Its fate: "ACCEPT", "DROP" or "REJECT"?'
NOBODY_REJECTS = Misconception(
    "reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")
)

returning = Predict(
    id="03-recall-return",
    task=f"These are the rules of a machine:\n{BUILT_IN}10.0.0.9 sends a tcp packet to port 22. "
    f"{ASK_FATE}",
    truth=lambda: BACK().verdict,
    choices=FATES,
    shows=BACK,
    hints=("RETURN goes back to whoever called the chain.", "Nobody has called INPUT."),
    misconceptions=(
        Misconception(
            "return-goes-on",
            "RETURN does not mean: go on with the next rule. It leaves the chain.",
            answered("ACCEPT"),
        ),
        NOBODY_REJECTS,
    ),
    done="RETURN in a built-in chain is its end: the policy speaks.",
)
ending = Predict(
    id="03-recall-end",
    task=f"These are the rules of a machine:\n{ENDING}A tcp packet to port 22 comes in. {ASK_FATE}",
    truth=lambda: END().verdict,
    choices=FATES,
    shows=END,
    hints=("In chain web no rule matches.", "A user chain has no policy."),
    misconceptions=(
        Misconception(
            "end-is-policy",
            "The end of web is not the end of INPUT: after -j the packet comes back.",
            answered("DROP"),
        ),
        NOBODY_REJECTS,
    ),
    done="At the end of web the packet comes back to INPUT, and rule 2 accepts it.",
)
gone = Predict(
    id="03-recall-goto",
    task=f"These are the rules of a machine:\n{ENDING.replace('-j web', '-g web')}A tcp packet to "
    f"port 22 comes in. {ASK_FATE}",
    truth=lambda: AWAY().verdict,
    choices=FATES,
    shows=AWAY,
    hints=("It says -g, not -j.", "No -j was on the way. What is left when web ends?"),
    misconceptions=(
        Misconception(
            "goto-comes-back",
            "After -g there is no way back to rule 2 of INPUT.",
            answered("ACCEPT"),
        ),
        NOBODY_REJECTS,
    ),
    done="After a goto from a built-in chain the policy of that chain follows.",
)
final = Predict(
    id="03-recall-final",
    task=f"These are the rules of a machine:\n{FINAL}10.0.0.9 sends a tcp packet to port 25. "
    f"{ASK_FATE}",
    truth=lambda: FRIEND().verdict,
    choices=FATES,
    shows=FRIEND,
    hints=("Which rule matches first?", "Is ACCEPT the end of the chain, or of more?"),
    misconceptions=(
        Misconception(
            "accept-is-not-return",
            "ACCEPT in a user chain is as final as in INPUT: nothing comes back.",
            answered("DROP"),
        ),
        NOBODY_REJECTS,
    ),
    done="ACCEPT ends the walk through the table, however deep in chains it is said.",
)

REVIEW = (returning, ending, gone, final)
EXERCISES: tuple[Exercise, ...] = (
    path,
    whitelist,
    goto,
    differ,
    repair,
    ufw,
    blame,
    refactor,
)
