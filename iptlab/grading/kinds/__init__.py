r"""The kinds of exercises: each is data, and judges an answer by what it does.

How to write an exercise
------------------------

An exercise is a value in a lesson's module, 15 lines at most; the lesson's ``EXERCISES`` lists
them in order. Beside what its kind asks for it has ``hints`` (two at least, each saying more),
``misconceptions`` (two at least: a code, a sentence that helps, and how the mistake shows in an
answer) and ``done``, the explanation for whoever has found the answer. The cell it is answered
in has the metadata ``{"tags": ["exercise"], "iptlab": {"exercise": ID, "role": "answer"}}``, and
``"template": 'answer = {answer}\niptlab.check("ID", answer)'`` if it is Python. As shipped it
holds ``...``, or a line with TODO: then it is no answer yet. Answers for the tests lie in
``tests/answers/NN.toml``; the first correct one is what ``iptlab.solution`` shows.

**WriteRules**, answered in a ``%%iptables ID`` cell. Goals are single packets with a reason;
with a reference an answer must treat *every* packet of the scope as the reference does. A repair
is the same with a cell that has rules in it already::

    ssh = WriteRules(
        id="01-ssh",
        goals=(Goal("tcp 10.0.0.9:4000 -> 10.0.0.1:22", "ACCEPT", "Ssh is open to 10.0.0.0/8."),),
        reference="-P INPUT DROP\n-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT",
        says="Only ssh from 10.0.0.0/8 comes in.",
        scope=Scope(hooks=(Hook.INPUT,)),  # or host=Host.router(...), for NAT
        misconceptions=(Misconception("deaf", "...", treats("tcp ...", "DROP")),),
    )

**Predict**, in Python. The truth asks the simulator: a verdict, a number or Fraction
(``"1/3"`` and ``0.333`` are the same), a list for a path or an order, a set where the order does
not count, or a Packet::

    path = Predict(
        id="04-path",
        truth=lambda: [str(one.hook) for one in JOURNEY().path],
        shows=JOURNEY,
        misconceptions=(Misconception("input-too", "...", answered(["PREROUTING", "INPUT"])),),
    )

**Arrange**, in Python: ``"c a=22 b"``. Lines in any order that works, judged as WriteRules is::

    order = Arrange(
        id="01-parsons",
        lines=("-A INPUT -p tcp --dport ___ -j ACCEPT", "-A INPUT -j DROP", "-A INPUT -j LOG"),
        reference="-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -j DROP",
    )

**SupplyPacket**, in Python: a packet that one accepts and another drops. Instead of rule sets
there may be Hosts, or Clusters (``"client -> http://node-a:30080"``)::

    gap = SupplyPacket(
        id="01-gap",
        rules=(("Alice", partial(read_rules, ALICE)), ("Bob", partial(read_rules, BOB))),
        wanted=("ACCEPT", "DROP"),
        misconceptions=(Misconception("ssh", "...", sends(lambda it: it.packet.dport == 22)),),
    )

**FindLine**, in Python: ``("nat INPUT 3", "in eth0 tcp ...")``, the guilty line and a packet
that proves it::

    blame = FindLine(
        id="07-blame",
        rules="-P INPUT DROP\n-A INPUT -p tcp --dport 80 -j DROP\n-A INPUT -p tcp -j ACCEPT",
        reference="-P INPUT DROP\n-A INPUT -p tcp -j ACCEPT",
        misconceptions=(Misconception("last", "...", blames("INPUT 2")),),
    )

**LogRules**, in an ``%%iptables ID`` cell: a rule that writes to the log about some packets::

    log = LogRules(
        id="08-log",
        reference="-P INPUT DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT",
        logged="-s 10.0.0.9 -p tcp --dport 22 --syn -m conntrack --ctstate NEW",
        at_most="-s 10.0.0.9 -p tcp --dport 22",
        scope=Scope(hooks=(Hook.INPUT,)),
        misconceptions=(Misconception("others", "...", writes("tcp ...")),),
    )

**KubeProxyRules**, in an ``%%iptables ID`` cell: the rules of a node for the Services of some
manifests, by what they do::

    dnat = KubeProxyRules(id="08-dnat", manifests=SHOP, node="node-a")

**EditManifest**, in a ``%%manifest ID`` cell, until connections reach whom they should::

    selector = EditManifest(
        id="10-local",
        flows=(Flow("client", "http://node-a:30080", ("shop/web-1",), "Node a serves itself."),),
        misconceptions=(Misconception("away", "...", reaches("client", URL, "timed out")),),
    )

Where values should differ from learner to learner, list ``Variants(ID, make)`` instead:
``make(seed)`` returns the exercise, and its ``task`` says what is asked. It must know its own
answer: a Predict does, and whatever has a reference; others are told an ``example``. A lesson's
``REVIEW`` are predictions with a ``task``; later lessons ask them in cells such as
``iptlab.check("05-review-1", answer)``, whose output holds the question. Their answers are in
the file of the lesson that they are of.
"""

from iptlab.grading.kinds.arrange import Arrange
from iptlab.grading.kinds.find import FindLine, blames
from iptlab.grading.kinds.log import LogRules, writes
from iptlab.grading.kinds.manifest import EditManifest, Flow, reaches
from iptlab.grading.kinds.predict import FATES, Predict, decider, ends, lists, omits
from iptlab.grading.kinds.service import KubeProxyRules
from iptlab.grading.kinds.supply import SupplyPacket, sends
from iptlab.grading.kinds.write import Goal, WriteRules, treats

__all__ = [
    "FATES",
    "Arrange",
    "EditManifest",
    "FindLine",
    "Flow",
    "Goal",
    "KubeProxyRules",
    "LogRules",
    "Predict",
    "SupplyPacket",
    "WriteRules",
    "blames",
    "decider",
    "ends",
    "lists",
    "omits",
    "reaches",
    "sends",
    "treats",
    "writes",
]
