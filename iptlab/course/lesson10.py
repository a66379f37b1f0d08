"""Lesson 10, kube-proxy II: how a chain of rules picks one of many, and remembers whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from ipaddress import ip_network

from iptlab.course import shop
from iptlab.course.shop import NODE2, OFFICE, POD
from iptlab.grading import (
    Exercise,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    Variants,
    WriteRules,
    answered,
    read_rules,
)
from iptlab.netfilter.hooks import TableName
from iptlab.packet import TcpFlags
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine

BELL = "10.96.0.90"
TO_BELL = POD.format(f"{BELL}:80")
PODS = ("10.244.1.9", "10.244.2.9", "10.244.3.9", "10.244.3.10", "10.244.1.10")
Shares = dict[str, Fraction]


def _where(journey: Journey) -> str:
    """The destination with which a packet left; empty if it did not."""
    return str(journey.exit.dst) if journey.exit else ""


def _shares(machine: Machine, packet: str) -> Shares:
    """How likely each destination is for a first packet."""
    found: Shares = {}
    for one in machine.journeys(packet):
        found[_where(one)] = found.get(_where(one), Fraction(0)) + one.probability
    return found


def _bell(*conditions: str) -> str:
    """Rules for the bell: a condition for each pod, one after another."""
    start = f"-t nat -N BELL\n-t nat -A PREROUTING -d {BELL} -p tcp --dport 80 -j BELL\n"
    return start + "".join(
        f"-t nat -A BELL {condition}{condition and ' '}-j DNAT --to-destination {pod}\n"
        for condition, pod in zip(conditions, PODS, strict=False)
    )


def _chance(number: float) -> str:
    """Such a condition, with as many digits as kube-proxy writes."""
    return f"-m statistic --mode random --probability {number:.10f}".rstrip("0")


def _node2(rules: str) -> Machine:
    return Machine(NODE2.with_rules(read_rules(rules)))


def _simple(share: Fraction) -> Fraction:
    """The fraction that is meant: the kernel keeps 31 bits of a probability."""
    return share.limit_denominator(4000)


def _about(truth: Callable[[], Fraction]) -> tuple[Misconception, ...]:
    """What is no share at all, and what is the share but for the digits."""

    def is_near(answer: object) -> bool:
        return isinstance(answer, Fraction) and 0 < abs(answer - truth()) < Fraction(1, 200)

    return (
        Misconception(
            "percent",
            "A share is a number from 0 to 1, or a fraction.",
            lambda answer: (
                "%" in str(answer) or (isinstance(answer, int | Fraction) and answer > 1)
            ),
        ),
        Misconception(
            "form",
            'Write one number and nothing else: a fraction in quotes, "3/8", or 0.375.',
            lambda answer: isinstance(answer, str | tuple),
        ),
        Misconception(
            "rounded",
            "That is near. Write the share as a fraction, or with three digits.",
            is_near,
        ),
    )


# --- three rules, three numbers ---

WEB = POD.format("10.96.0.80:80")


def _picks() -> Journey:
    """A first packet that gets the second pod."""
    found = shop.node("node2", "web", "shell").journeys(WEB)
    return next(one for one in found if _where(one) == "10.244.2.2")


share = Predict(
    id="10-share",
    truth=lambda: _simple(_shares(shop.node("node2", "web", "shell"), WEB)["10.244.2.2"]),
    shows=_picks,
    hints=(
        "Of 300 connections, how many does the first rule take? How many are left?",
        "The second rule is asked about those 200 only, and takes half of them.",
    ),
    misconceptions=(
        Misconception(
            "as-written",
            "0.5 is its share of the packets that come to this rule. A third is gone before.",
            answered(Fraction(1, 2)),
        ),
        Misconception(
            "times-the-first",
            "The second rule sees what the first did NOT take, and that is 2/3. It takes half.",
            answered(Fraction(1, 6), Fraction(2, 3)),
        ),
        *_about(lambda: Fraction(1, 3)),
    ),
    done="2/3 of the connections come to the second rule, and half of them is 1/3. The last rule "
    "takes what is left, again 1/3: so it needs no number.",
)

# --- the same number in every rule ---


def leak(seed: int) -> Exercise:
    """What is left over if every rule has the probability 1/n; n is the learner's."""
    pods = (4, 5)[seed % 2]
    rules = _bell(*[_chance(1 / pods)] * pods)
    left = Fraction(pods - 1, pods)

    def truth() -> Fraction:
        return _simple(_shares(_node2(rules), TO_BELL)[BELL])

    return Predict(
        id="10-leak",
        task=f"Bob's bell has {pods} pods. He writes {pods} rules, each with the probability "
        f"1/{pods}, the last one too.\n\nWhich share of the connections is taken by no rule at "
        "all? A fraction in quotes, or a number.",
        truth=truth,
        shows=lambda: next(one for one in _node2(rules).journeys(TO_BELL) if _where(one) == BELL),
        hints=(
            f"The first rule leaves {left} of all. What does the second one leave of these?",
            "Every rule draws a lot of its own, and knows nothing of the others.",
            f"All {pods} rules must say no: {left} times {left}, and so on.",
        ),
        misconceptions=(
            Misconception(
                "sums-to-one",
                f"{pods} times 1/{pods} is 1, if one lot were drawn for all. But each rule draws "
                "anew, and each may say no.",
                answered(0),
            ),
            Misconception(
                "one-share",
                f"1/{pods} is what the first rule takes. How likely is it that no rule takes any?",
                answered(Fraction(1, pods)),
            ),
            Misconception(
                "one-no",
                f"{left} is what the first rule leaves. The other rules are asked about that, and "
                "take some of it.",
                answered(left),
            ),
            Misconception(
                "all-yes",
                "That is the chance that all would say yes. They must all say no.",
                answered(Fraction(1, pods) ** pods),
            ),
            Misconception(
                "one-rule-too-few",
                "The last rule may say no as well.",
                answered(left ** (pods - 1)),
            ),
            *_about(truth),
        ),
        done="Chances multiply, they do not add up. What is left over is not translated and goes "
        "to an address that nobody has; and the pods that are asked late get less than the first.",
    )


# --- a worked example, faded ---

FAIR = _bell(_chance(1 / 4), _chance(1 / 3), _chance(1 / 2), "")
# two digits of a probability will do
NEW = Scope(
    host=NODE2,
    assume=f"-p tcp -d {BELL} --dport 80 -m conntrack --ctstate NEW",
    tolerance=Fraction(1, 200),
)


def _gives(is_so: Callable[[Shares], bool]) -> Callable[[object], bool]:
    """The mistake of rules under which that is so of the shares."""
    return lambda answer: (
        isinstance(answer, Ruleset) and is_so(_shares(Machine(NODE2.with_rules(answer)), TO_BELL))
    )


def _unequal(shares: Shares) -> bool:
    return max(shares.values()) - min(shares.values()) > Fraction(1, 100)


four = WriteRules(
    id="10-four",
    reference=FAIR,
    says="Each of the four pods should get a quarter of the connections.",
    scope=NEW,
    hints=(
        "How many pods are left when a rule is asked? It takes one of so many.",
        "The third rule is asked when two pods are left.",
        "1/4, 1/3, 1/2, and nothing at all for the last.",
    ),
    misconceptions=(
        Misconception(
            "leaks",
            "Some connections are taken by no rule: the last rule must take all that is left.",
            _gives(lambda shares: shares.get(BELL, Fraction(0)) > Fraction(1, 100)),
        ),
        Misconception(
            "never-asked",
            "One of the pods gets nothing: a rule above its own takes everything.",
            _gives(lambda shares: len(shares) < 4),
        ),
        Misconception(
            "share-of-all",
            "The first rule is right. But a probability is a share of what comes to its rule, not "
            "of everything.",
            _gives(lambda shares: _unequal(shares) and shares.get(PODS[0]) == Fraction(1, 4)),
        ),
        Misconception(
            "unequal",
            "The first rule is asked about all connections. It should take a quarter of them.",
            _gives(_unequal),
        ),
    ),
    done="Read from below: all, half, a third, a quarter. kube-proxy writes 1/n for n pods left, "
    "and no condition for the last.",
)

# --- a pod less ---

two = WriteRules(
    id="10-two",
    reference=_bell(_chance(1 / 2), ""),
    says="Each of the two pods should get half of the connections, and no connection is lost.",
    scope=NEW,
    hints=(
        "What becomes of a connection to which both rules say no?",
        "The last rule of such a chain has no condition.",
        "And the first one now has only two pods to choose from.",
    ),
    misconceptions=(
        Misconception(
            "third-pod",
            "A rule still sends connections to the pod that is gone.",
            _gives(lambda shares: PODS[2] in shares),
        ),
        Misconception(
            "leaks",
            "Some connections are still taken by no rule, and end nowhere.",
            _gives(lambda shares: shares.get(BELL, Fraction(0)) > Fraction(1, 100)),
        ),
        Misconception(
            "one-gets-all",
            "One pod gets everything now.",
            _gives(lambda shares: len(shares) == 1),
        ),
        Misconception(
            "unequal",
            "Nothing is lost any more. But one pod gets twice as much as the other.",
            _gives(_unequal),
        ),
    ),
    done="One pod less, and every number in the chain is another. So kube-proxy writes a Service's "
    "chain anew as a whole whenever a pod comes or goes.",
)

# --- a rule that no lot decides ---

LOTS = f"{_bell(_chance(1 / 3), _chance(1 / 2), '')}-A FORWARD -d 10.96.0.0/12 -j DROP\n"
NEAREST = (
    f"{_bell('-s 10.244.1.0/24', '-s 10.244.2.0/24', '-s 10.244.3.0/24')}"
    "-A FORWARD -d 10.96.0.0/12 -j DROP\n"
)


def _guarded(rules: str) -> Host:
    return NODE2.with_rules(read_rules(rules))


def _from(network: str) -> Callable[[object], bool]:
    """The mistake of a packet whose source begins so."""
    return lambda sent: f" {network}" in str(sent)


gap = SupplyPacket(
    id="10-gap",
    rules=(("Ada", partial(_guarded, LOTS)), ("Alice", partial(_guarded, NEAREST))),
    wanted=("ACCEPT", "DROP"),
    hints=(
        "Ada's last rule takes all that is left. Is there a rule of Alice's that does?",
        "Whose address is in none of Alice's three networks, and still may come to node2?",
        "Not everybody is a pod: think of the office PC, 192.168.10.50.",
    ),
    misconceptions=(
        Misconception(
            "not-to-the-bell",
            "Neither has a rule for that destination. Send it to 10.96.0.90, port 80.",
            lambda sent: not re.search(rf"-> {BELL}:80\b", str(sent)),
        ),
        Misconception(
            "not-tcp",
            "The rules are about tcp only.",
            lambda sent: " tcp " not in f" {sent} ",
        ),
        Misconception(
            "a-pod",
            "That sender is a pod, and all pods are in one of Alice's networks.",
            lambda sent: any(_from(f"10.244.{number}.")(sent) for number in (1, 2, 3)),
        ),
        Misconception(
            "sent-here",
            "What node2 sends itself passes OUTPUT, where neither of them has a rule.",
            lambda sent: not str(sent).startswith("in "),
        ),
    ),
    done="A chain that chooses must have an end that takes everything. With lots that is the last "
    "rule without a condition; a case that nobody thought of is then only a case like others.",
)

# --- every n-th ---


def _round(connections: int) -> list[Journey]:
    """One first packet after another, under rules of which each takes every third."""
    machine = _node2(_bell(*["-m statistic --mode nth --every 3 --packet 0"] * 2, ""))
    packets = (TO_BELL.replace(":40000", f":{40_000 + n}") for n in range(connections))
    return [machine.journey(packet) for packet in packets]


def _dealt(connections: int) -> list[int]:
    ends = [_where(one) for one in _round(connections)]
    return [ends.count(pod) for pod in PODS[:3]]


def _is_no_list(answer: object) -> bool:
    """The mistake of anything but a list of whole numbers."""
    return not (isinstance(answer, list | tuple) and all(isinstance(one, int) for one in answer))


def nth(seed: int) -> Exercise:
    """Who gets how many if every rule takes each third; of how many, is the learner's."""
    many = (9, 18, 12, 27)[seed % 4]
    third = many // 3
    return Predict(
        id="10-nth",
        task="The bell has three pods. The rules for the first two say\n"
        "  -m statistic --mode nth --every 3 --packet 0\n"
        f"and the third has no condition. {many} connections come, one after another.\n\n"
        "How many does each pod get? Answer with a list: [first, second, third].",
        truth=lambda: _dealt(many),
        shows=lambda: _round(many)[-1],
        hints=(
            f"The first rule takes connections 1, 4, 7 and so on. How many of {many}?",
            "A rule counts only packets that come to it. Number those that are left anew.",
            f"{many - third} come to the second rule; it takes numbers 1, 4 and so on of these.",
        ),
        misconceptions=(
            Misconception("form", "Write three numbers in a list: [1, 1, 7].", _is_no_list),
            Misconception(
                "a-third-each",
                "Every rule takes a third of what comes to it. To the second one only "
                f"{many - third} come.",
                answered([third] * 3),
            ),
            Misconception(
                "one-count-for-all",
                "The rules do not share a number: each one counts what comes to it, from 1 on.",
                answered([third, 0, many - third]),
            ),
            Misconception(
                "does-not-add-up",
                f"These are not {many} connections.",
                lambda answer: isinstance(answer, tuple) and sum(answer) != many,
            ),
        ),
        done="With nth it is as with random: the second rule must say --every 2. Many examples in "
        "the net have the same number in every rule.",
    )


# --- who came once comes back ---

CART = POD.format("10.96.0.63:6379")
VISITS = ((2, 4, 8), (1, 3, 7, 9), (4, 6, 8), (2, 6, 7))


def _sticks(journey: Journey) -> bool:
    """Whether a rule that remembers chose the pod."""
    steps = (step for visit in journey.visits() for step in visit.matched())
    return any("--rcheck" in str(step.rule) for step in steps)


@cache
def _visits(hours: tuple[int, ...]) -> tuple[Journey, ...]:
    """A pod's connections to cart: the first one now, the others after so many hours."""
    machine = shop.node("node2", "web", "shell", "cart")
    found, now = [machine.journey(CART)], 0
    for number, hour in enumerate(hours, start=1):
        machine.wait(3600 * (hour - now))
        now = hour
        found.append(machine.journey(CART.replace("40000", str(40_000 + number))))
    return tuple(found)


def _sure(hours: tuple[int, ...]) -> list[int]:
    later = zip(hours, _visits(hours)[1:], strict=True)
    return [hour for hour, journey in later if _sticks(journey)]


def returns(seed: int) -> Exercise:
    """When a client is sure to get its pod again; when it comes, is the learner's."""
    hours = VISITS[seed % len(VISITS)]
    first = [hour for hour in hours if hour <= 3]
    told = ", ".join(map(str, hours[:-1])) + f" and {hours[-1]}"
    return Predict(
        id="10-return",
        task=f"The pod shell opens a connection to the cart, and more after {told} hours. Each "
        "is short.\n\nWhich of these later ones are certain to get the pod of the one before? "
        "A list of hours; [] means none.",
        truth=lambda: _sure(hours),
        shows=lambda: next(filter(_sticks, _visits(hours))),
        hints=(
            "The list remembers when the client was seen last. Which rule writes that down?",
            "--set stands in KUBE-SEP. Every new connection passes there, whoever chose the pod.",
            "So compare each visit with the one before: more than three hours, or less?",
        ),
        misconceptions=(
            Misconception(
                "counted-from-the-first",
                "The three hours do not begin with the first connection only: --set in KUBE-SEP "
                "begins them anew with every connection.",
                answered(first),
            ),
            Misconception(
                "for-ever",
                "After 10800 seconds without a new connection an entry no longer counts.",
                answered(list(hours)),
            ),
            Misconception(
                "never",
                "Rules with --rcheck are asked before all lots.",
                answered([], "none", ["none"]),
            ),
            Misconception(
                "form", "Write the hours as numbers in a list, without words: [1, 5].", _is_no_list
            ),
        ),
        done="The clock begins anew with each new connection. A connection that stays open for "
        "hours does not touch it: its later packets pass no rule of table nat.",
    )


# --- one connection, one lot ---


def _opened(machine: Machine, packet: str) -> None:
    """Open a connection: the packet's SYN goes out, and its answer comes back."""
    asked = machine.journey(f"{packet} SYN").exit
    assert asked is not None
    answer = replace(asked.reply(), flags=TcpFlags.SYN | TcpFlags.ACK, ack=1, ttl=64)
    machine.receive("cni0" if answer.src in ip_network("10.244.2.0/24") else "eth0", answer)


@cache
def _scaled() -> tuple[Journey, int]:
    """The last of 100 requests on each of three connections, and how many reach new pods."""
    machine = shop.node("node2", "web", "shell")
    old = set(_shares(machine, WEB))
    held = [WEB.replace("40000", str(40_000 + number)) for number in range(3)]
    for packet in held:
        _opened(machine, packet)
    machine.load(shop.node("node2", "web", "shell", web=6).rules())
    later = [machine.journey(f"{packet} ACK") for packet in held * 100]
    return later[-1], sum(_where(one) not in old for one in later)


new_pods = Predict(
    id="10-new-pods",
    truth=lambda: _scaled()[1],
    shows=lambda: _scaled()[0],
    hints=(
        "When is a lot drawn: for each request, or for each connection?",
        "Table nat is asked about the first packet of a connection (lesson 07). Is there a first "
        "packet among these?",
    ),
    misconceptions=(
        Misconception(
            "requests-are-drawn",
            "A request on an open connection is no first packet: no lot is drawn for it.",
            answered(150, 149, 151, 100, 50),
        ),
        Misconception(
            "all-move",
            "Connections do not move: conntrack keeps their translation as long as they live.",
            answered(300),
        ),
    ),
    done="Not one. New pods get nothing until somebody opens a new connection; HTTP/2 and gRPC "
    "clients may keep one for days. Whoever wants balance must close connections now and then.",
)

# --- questions that later lessons ask again ---

_HALVES = _bell(_chance(1 / 2), _chance(1 / 2), "")
_DEAD = _bell(_chance(1 / 4), "", _chance(1 / 2))


def _to(rules: str, pod: str) -> Journey:
    return next(one for one in _node2(rules).journeys(TO_BELL) if _where(one) == pod)


last_of_three = Predict(
    id="10-recall-last",
    task=f"These rules are on a node:\n{_HALVES}Which share of the connections to {BELL}, port 80, "
    f"goes to {PODS[2]}? A fraction in quotes, or a number.",
    truth=lambda: _simple(_shares(_node2(_HALVES), TO_BELL)[PODS[2]]),
    shows=lambda: _to(_HALVES, PODS[2]),
    hints=("How much does the first rule leave?", "Half of that is left after the second rule."),
    misconceptions=(
        Misconception(
            "a-third",
            "Three pods do not get a third each by themselves: the first rule takes half.",
            answered(Fraction(1, 3)),
        ),
        Misconception(
            "nothing-left",
            "A half and a half of the rest is not everything.",
            answered(0),
        ),
        *_about(lambda: Fraction(1, 4)),
    ),
    done="Half of a half. The first pod gets 1/2, the second 1/4.",
)
dead = Predict(
    id="10-recall-dead",
    task=f"These rules are on a node:\n{_DEAD}Which share of the connections to {BELL}, port 80, "
    f"goes to {PODS[1]}? A fraction in quotes, or a number.",
    truth=lambda: _simple(_shares(_node2(_DEAD), TO_BELL)[PODS[1]]),
    shows=lambda: _to(_DEAD, PODS[1]),
    hints=("What does the second rule ask?", "It takes all that the first one leaves."),
    misconceptions=(
        Misconception(
            "a-third",
            "The second rule has no condition: it takes all that comes to it.",
            answered(Fraction(1, 3)),
        ),
        Misconception(
            "everything",
            "A quarter is gone before.",
            answered(1),
        ),
        *_about(lambda: Fraction(3, 4)),
    ),
    done="3/4, and the third pod gets nothing: no packet ever comes to its rule.",
)


@cache
def _office() -> tuple[Journey, int]:
    """Thirty people behind one address: the last connection, and how many carts serve them."""
    machine = shop.node("node2", "web", "shell", "cart")
    sent = OFFICE.format("10.96.0.63:6379")
    all_ = [machine.journey(sent.replace("40000", str(40_000 + n))) for n in range(30)]
    return all_[-1], len({_where(one) for one in all_})


office = Predict(
    id="10-recall-office",
    task="A Service has three pods and sessionAffinity: ClientIP. Thirty people in an office open "
    "it within an hour, all through one node.\nTheir router masquerades them: to the node all come "
    "from 192.168.10.50.\n\nHow many of the pods serve them? A number.",
    truth=lambda: _office()[1],
    choices=(0, 1, 2, 3),
    shows=lambda: _office()[0],
    hints=(
        "By what does a node recognise a client?",
        "The list holds source addresses, and all thirty have the same one.",
    ),
    misconceptions=(
        Misconception(
            "by-person",
            "A node sees addresses, not people: for it the thirty are one client.",
            answered(2, 3),
        ),
        Misconception("none", "Somebody serves them.", answered(0)),
    ),
    done="One. Affinity by address cannot tell people behind one address apart.",
)


@cache
def _lots() -> tuple[Journey, int]:
    """Two short connections and a long one: the last packet, and the rule's counter."""
    machine = _node2(_bell(""))
    clients = [TO_BELL.replace("40000", str(40_000 + number)) for number in range(3)]
    for packet in clients:
        _opened(machine, packet)
    found = [machine.journey(f"{packet} ACK") for packet in clients + clients[-1:] * 50]
    rule = machine.rules().table(TableName.NAT).chains["BELL"].rules[0]
    return found[-1], rule.counters.packets


lots = Predict(
    id="10-recall-lots",
    task=f"This rule is on a node, and its counter is 0:\n{_bell('')}Two clients open a connection "
    "for one request each. A third one opens a connection, and keeps it for 50 requests.\n\n"
    "What is the counter of the rule in BELL then? A number.",
    truth=lambda: _lots()[1],
    shows=lambda: _lots()[0],
    hints=("About which packets is table nat asked?", "Count connections, not requests."),
    misconceptions=(
        Misconception(
            "requests",
            "Requests on an open connection pass no rule of table nat.",
            answered(52),
        ),
        Misconception("clients-twice", "Each connection has one first packet.", answered(6, 4)),
    ),
    done="Three connections, three first packets.",
)

REVIEW = (last_of_three, dead, office, lots)
EXERCISES: tuple[Exercise | Variants, ...] = (
    share,
    Variants("10-leak", leak),
    four,
    two,
    gap,
    Variants("10-nth", nth),
    Variants("10-return", returns),
    new_pods,
)
