"""Lesson 04, Tables: five of them, the order they are asked in, and what each is for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from itertools import product
from string import ascii_lowercase

from iptlab.console.lab import Lab
from iptlab.course.files import data
from iptlab.course.mistakes import left_to_policy
from iptlab.errors import RuleError
from iptlab.grading import (
    FATES,
    Aspect,
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
    omits,
    read_rules,
    sends,
    treats,
)
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import Hook, TableName, hooks_of, tables_at
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.network import Attempt
from iptlab.simulate.situation import Situation, trace
from iptlab.simulate.trace import HookVisit

ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
KNOCK = "in eth1 tcp 192.168.1.11:40000 -> 192.168.1.1:22"


def _everywhere() -> str:
    """Rules that count in every chain of every table."""
    tables = (
        "\n".join([f"*{table}", *(f"-A {hook}" for hook in hooks_of(table)), "COMMIT"])
        for table in TableName
    )
    return "\n".join(tables)


def _visit(rules: str, packet: str | Situation = KNOCK) -> HookVisit:
    return trace(read_rules(rules), packet)


def _journey(rules: str, packet: str = KNOCK) -> Journey:
    return Machine(ROUTER.with_rules(read_rules(rules))).journey(packet)


# --- the matrix ---

# mangle and security are given in the notebook, and nat INPUT too
ASKED = (TableName.RAW, TableName.NAT, TableName.FILTER)
SQUARES = [one for one in product(Hook, ASKED) if one != (Hook.INPUT, TableName.NAT)]
GRID = dict(zip(ascii_lowercase, SQUARES, strict=False))


def _chains() -> set[str]:
    return {letter for letter, (hook, table) in GRID.items() if hook in hooks_of(table)}


matrix = Predict(
    id="04-matrix",
    truth=_chains,
    shows=lambda: _journey(_everywhere()),
    hints=(
        "Take one column at a time, and ask of each hook: can the table do its work here?",
        "Packets come into being for this machine at two hooks: where they arrive, and where a "
        "local process sends them. There raw has its chains.",
        "filter waits until it is known where the packet goes: to me, through me, from me. nat "
        "changes the destination before the way is chosen and the source after.",
    ),
    misconceptions=(
        Misconception(
            "in-one-word",
            'Write the letters with blanks between them, such as "a c f".',
            lambda answer: isinstance(answer, tuple) and any(len(str(one)) > 1 for one in answer),
        ),
        Misconception(
            "filter-at-the-door",
            "In PREROUTING nobody knows yet whether the packet is for this machine or only "
            "passes through, and at POSTROUTING everything has been filtered already. filter "
            "has chains where the way is known: INPUT, FORWARD, OUTPUT.",
            lists("c", "n"),
        ),
        Misconception(
            "nat-in-the-middle",
            "In FORWARD the way has been chosen, so it is too late for a new destination; and "
            "the source is changed last of all, in POSTROUTING. nat has no chain FORWARD.",
            lists("g"),
        ),
        Misconception(
            "raw-too-late",
            "raw has to speak before connection tracking looks at the packet. By INPUT, FORWARD "
            "and POSTROUTING that has long happened.",
            lists("d", "f", "l"),
        ),
        Misconception(
            "own-packets-forgotten",
            "Packets that this machine sends do not pass PREROUTING. For them OUTPUT is the "
            "first hook, so whoever works at the beginning needs a chain there too.",
            omits("i", "j", "k"),
        ),
        Misconception(
            "one-way-forgotten",
            "To this machine, through it, from it: filter has a chain for each of the three ways.",
            omits("e", "h"),
        ),
        Misconception(
            "destination-forgotten",
            "nat has to give packets that come in a new destination before the way is chosen. "
            "Which hook is before that?",
            omits("b"),
        ),
        Misconception(
            "source-forgotten",
            "Square b of nat is about destinations. Where can it change a source as late as "
            "possible?",
            omits("m"),
        ),
    ),
    done="Nothing here has to be learnt by heart: a table has a chain where it can do its work.",
)

# --- the order ---

order = Predict(
    id="04-order",
    truth=lambda: [str(table) for table in tables_at(Hook.INPUT)],
    shows=lambda: _visit(_everywhere()),
    hints=(
        "Which tables have a chain INPUT at all? One of the five has none.",
        "Write the priority beside each of the four. nat has two: which of them counts at INPUT?",
        "In INPUT nat changes sources, so its priority there is 100. Lower numbers go first.",
    ),
    misconceptions=(
        Misconception(
            "nat-before-filter",
            "That is the order of PREROUTING and OUTPUT, where nat changes destinations (-100). "
            "In INPUT it changes sources, and its priority is 100.",
            lambda answer: (
                isinstance(answer, tuple)
                and {"nat", "filter"} <= {*map(str, answer)}
                and answer.index("nat") < answer.index("filter")
            ),
        ),
        Misconception("raw-everywhere", "raw has no chain INPUT.", lists("raw")),
        Misconception(
            "security-first",
            "security sounds as if it came first. Its number is 50, and filter's is 0.",
            lambda answer: (
                isinstance(answer, tuple)
                and {"security", "filter"} <= {*map(str, answer)}
                and answer.index("security") < answer.index("filter")
            ),
        ),
        Misconception(
            "filter-first",
            "filter is the table that iptables means when -t is missing. That does not make it "
            "the first: its number is 0, and one of the others here is below that.",
            lambda answer: isinstance(answer, tuple) and answer[:1] == ("filter",),
        ),
        Misconception(
            "no-table",
            "Write names of tables: raw, mangle, nat, filter, security. Connection tracking is "
            "none of them, for it has no rules.",
            lambda answer: isinstance(answer, tuple) and not {*map(str, answer)} <= {*TableName},
        ),
        Misconception(
            "table-forgotten",
            "Four tables have a chain INPUT. nat and security are two of them.",
            omits("nat", "security"),
        ),
        Misconception(
            "other-build",
            "That is the order of the build nft, where security has 150. By the list above it has "
            "50, and nat has 100 here.",
            answered(["mangle", "filter", "nat", "security"]),
        ),
    ),
    done="Many drawings put nat before filter at every hook. The numbers say otherwise.",
)

# --- what ACCEPT ends ---

WALK = """
*raw
-A PREROUTING -p tcp --dport 22 -j ACCEPT
COMMIT
*mangle
-A PREROUTING -p tcp --dport 80 -j ACCEPT
-A INPUT -s 192.168.1.0/24 -j ACCEPT
COMMIT
*filter
:INPUT DROP
-A INPUT -i eth1 -p tcp --dport 22 -j ACCEPT
COMMIT
*security
-A INPUT -s 192.168.1.11 -j DROP
COMMIT
"""


def _tables_that_match() -> list[str]:
    hits = _journey(WALK).hits()
    return list(dict.fromkeys(str(place.table) for place in hits if place.number))


walk = Predict(
    id="04-walk",
    truth=_tables_that_match,
    shows=lambda: _journey(WALK),
    hints=(
        "The packet passes PREROUTING, then INPUT. Go through the tables in the order of their "
        "priorities, at each of the two hooks.",
        "ACCEPT ends the walk through the chain of one table. The next table begins anew.",
        "At PREROUTING: raw, then mangle. At INPUT: mangle, filter, security. In which of them "
        "does a rule say yes?",
    ),
    misconceptions=(
        Misconception(
            "accept-is-final",
            "ACCEPT means that this one table has no objection. The next is asked all the same.",
            answered(["raw"], ["raw", "mangle"]),
        ),
        Misconception(
            "filter-is-last",
            "filter accepts, and its word is as little final as that of the others: security "
            "comes after it.",
            answered(["raw", "mangle", "filter"], ["mangle", "filter"]),
        ),
        Misconception(
            "only-filter",
            "filter is not the only table with rules. Which tables come before it?",
            answered(["filter"], ["filter", "security"], ["mangle", "filter", "security"]),
        ),
        Misconception("nat-is-empty", "nat has no rules here.", lists("nat")),
        Misconception(
            "filter-is-skipped",
            "Who has come past mangle comes to filter, and it has a rule for tcp port 22.",
            omits("filter"),
        ),
        Misconception(
            "two-chains",
            "mangle has rules in two chains. The one in PREROUTING is for port 80. And the other?",
            lambda answer: lists("raw")(answer) and omits("mangle")(answer),
        ),
        Misconception(
            "named-twice",
            "Name each table once.",
            lambda answer: isinstance(answer, tuple) and len({*answer}) < len(answer),
        ),
        Misconception(
            "order-of-the-text",
            "All four, yes. But the order is that of the priorities.",
            lambda answer: isinstance(answer, tuple) and {*answer} == {*_tables_that_match()},
        ),
    ),
    done="Three tables accepted the packet, and the fourth dropped it. To pass, a packet needs the "
    "consent of every table; to be dropped, one is enough.",
)

# --- a packet that ACCEPT in mangle does not save ---

MANGLE = """*mangle
:INPUT DROP
-A INPUT -i eth1 -p tcp -m multiport --dports 22,80 -j ACCEPT
-A INPUT -i eth1 -p udp --dport 53 -j ACCEPT
COMMIT
"""
BOB = f"""{MANGLE}*filter
:INPUT DROP
-A INPUT -s 192.168.1.0/25 -p tcp --dport 22 -j ACCEPT
-A INPUT -i eth1 -p tcp --dport 80 -j ACCEPT
-A INPUT -i eth1 -p udp --dport 53 -j ACCEPT
COMMIT
"""

proof = SupplyPacket(
    id="04-proof",
    rules=(
        ("table mangle alone", partial(read_rules, MANGLE)),
        ("all of Bob's rules", partial(read_rules, BOB)),
    ),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    hints=(
        "The packet must match one of the two rules in mangle, and none of the three in filter.",
        "Compare rule by rule: where does filter ask for more than mangle does?",
        "Port 22: mangle asks for the interface, filter for the sender. Which addresses are in "
        "192.168.1.0/24 and not in 192.168.1.0/25?",
    ),
    misconceptions=(
        Misconception(
            "not-to-the-router",
            "That packet does not go to the router itself. All of Bob's rules are in INPUT: leave "
            "out the interface where it goes out.",
            sends(lambda it: it.context.hook != Hook.INPUT),
        ),
        Misconception(
            "mangle-drops-it",
            "Table mangle drops this packet itself, so it proves nothing about ACCEPT. Give one "
            "that a rule of mangle accepts: through eth1, to tcp 22, tcp 80 or udp 53.",
            sends(lambda it: _visit(MANGLE, it).verdict == Verdict.DROP),
        ),
        Misconception(
            "both-accept",
            "Both tables say yes to this one. Look for a packet that filter does not let in: its "
            "rule for port 22 asks for something that mangle does not ask for.",
            sends(lambda it: _visit(BOB, it).verdict == Verdict.ACCEPT),
        ),
    ),
    done="mangle let it pass, and filter dropped it. No ACCEPT in an earlier table can save a "
    "packet from a later one.",
)

# --- rules in tables that refuse them ---

_STRANGER = "in eth0 tcp 198.51.100.7:40000 -> 203.0.113.2:{}"
_OTHER = "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:{}"
_MAIL = "in eth1 tcp 192.168.1.11:40000 -> 203.0.113.9:25"
_MORE_MAIL = "in eth1 tcp 192.168.1.200:40000 -> 198.51.100.9:25"
_MAIL_HERE = "in eth1 tcp 192.168.1.11:40000 -> 192.168.1.1:25"

move = WriteRules(
    id="04-move",
    reference="""
        *raw
        -A PREROUTING -i eth0 -s 198.51.100.7 -j DROP
        COMMIT
        *nat
        -A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination 192.168.1.10:80
        COMMIT
        *filter
        -A FORWARD -i eth1 -p tcp --dport 25 -j REJECT
        COMMIT
    """,
    says="The rules should do what they say, in tables that take them, and nothing else.",
    scope=Scope(
        host=ROUTER,
        # a DROP in raw comes before tracking, one in filter after it: later packets differ
        assume="-m conntrack --ctstate NEW",
        aspects=frozenset(Aspect) - {Aspect.REJECTION},
    ),
    goals=(
        Goal(_STRANGER.format(8080), Verdict.DROP, "198.51.100.7 reaches nothing behind us."),
        Goal(_STRANGER.format(22), Verdict.DROP, "198.51.100.7 does not reach the router either."),
        Goal(_OTHER.format(8080), Verdict.ACCEPT, "Everybody else may use port 8080."),
        Goal(_MAIL, Verdict.REJECT, "Mail from inside is refused with an answer."),
        # the comparison takes a REJECT for a DROP, so that its type does not count
        Goal(_MORE_MAIL, Verdict.REJECT, "Mail from inside is refused with an answer."),
        Goal(_OTHER.format(25), Verdict.ACCEPT, "Only mail from inside is refused."),
    ),
    hints=(
        "DROP does not belong in nat. Which tables have a chain PREROUTING too?",
        "REJECT works in filter alone. The chain can keep its name.",
        "The DROP may go to PREROUTING of raw or of mangle. (In filter it takes two rules, one "
        "in INPUT and one in FORWARD.)",
    ),
    misconceptions=(
        Misconception(
            "half-of-the-way",
            "In filter a packet from outside passes INPUT if it is for the router, or FORWARD if "
            "it is for a machine behind it. One rule in one of them is half of the way.",
            lambda rules: (
                treats(_STRANGER.format(22), "DROP", host=ROUTER)(rules)
                != treats(_STRANGER.format(8080), "DROP", host=ROUTER)(rules)
            ),
        ),
        Misconception(
            "silent-instead",
            "DROP would be allowed in mangle, but the wish was an answer: REJECT, in filter.",
            treats(_MAIL, Verdict.DROP, host=ROUTER),
        ),
        Misconception(
            "router-instead-of-through",
            "Mail from inside passes through the router: that is FORWARD, not INPUT.",
            lambda rules: (
                treats(_MAIL, Verdict.ACCEPT, host=ROUTER)(rules)
                and treats(_MAIL_HERE, Verdict.REJECT, host=ROUTER)(rules)
            ),
        ),
        Misconception(
            "mail-passes",
            "No rule refuses that packet. Compare it with yours: the chain, where it comes in, its "
            "protocol, the port that it goes to.",
            treats(_MAIL, Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "rule-lost",
            "Nothing stops 198.51.100.7 any more: its rule should move, and neither vanish nor ask "
            "for something else. (Of two blocks of one table only the last counts.)",
            treats(_STRANGER.format(22), Verdict.ACCEPT, host=ROUTER),
        ),
    ),
    done="A rule that drops belongs in a table that every packet passes, a REJECT in filter.",
)

# --- nat sees the first packet ---

COUNTERS = """iptables -t raw -F
iptables -t mangle -A PREROUTING -s 192.168.1.11
iptables -t nat -A PREROUTING -s 192.168.1.11"""


@cache
def _used(pages: int) -> Lab:
    lab = Lab.home_router(data("five-tables.rules").save())
    lab.on("router", COUNTERS)
    lab.on("phone", "ping -c 4 203.0.113.1\n" + "curl http://203.0.113.1/\n" * pages)
    return lab


def _counted_by_nat(pages: int) -> int:
    return (
        _used(pages)["router"]
        .rules()
        .table(TableName.NAT)
        .chains["PREROUTING"]
        .rules[0]
        .counters.packets
    )


def _page(pages: int) -> Attempt:
    return _used(pages).last


def _count(seed: int) -> Predict:
    pages = 1 + seed % 3
    often = ("once", "twice", "three times")[pages - 1]
    return Predict(
        id="04-count",
        task=f"The phone pings the server four times, with one command, and then fetches the "
        f"page {often}.\nHow many packets will the rule in nat count?",
        truth=partial(_counted_by_nat, pages),
        shows=partial(_page, pages),
        hints=(
            "When is the table nat consulted? Look at its line in the list of the five tables.",
            "How many connections are there? All echo-requests of one ping belong together.",
        ),
        misconceptions=(
            Misconception(
                "nat-sees-all",
                "So many packets pass PREROUTING, and mangle counts them all. nat is asked only "
                "for the first packet of each connection.",
                lambda answer: isinstance(answer, int | Fraction) and answer > 4 + pages,
            ),
            Misconception(
                "every-ping-is-new",
                "The four echo-requests have one identifier, so they are one connection to the "
                "kernel.",
                answered(4 + pages),
            ),
            Misconception(
                "both-directions",
                "Answers belong to a connection that exists already. nat is not asked about them.",
                answered(2 * (1 + pages)),
            ),
            Misconception(
                "only-tcp",
                "A ping has a connection too, as netfilter sees it.",
                answered(pages),
            ),
        ),
        done="One connection for the ping, one for each page, and of each nat has seen one "
        "packet. What comes later is translated as the first was, and no rule is asked again.",
    )


count = Variants("04-count", _count)

# --- raw comes before connection tracking ---

EARLY = """*raw
-A PREROUTING -m conntrack --ctstate INVALID -j DROP
COMMIT
*filter
-A INPUT -m conntrack --ctstate NEW -j ACCEPT
COMMIT
"""

early = Predict(
    id="04-early",
    truth=lambda: "ACCEPT" if _journey(EARLY).accepted else "DROP",
    choices=FATES,
    shows=lambda: _journey(EARLY),
    hints=(
        "Compare two numbers: the priority of raw and that of connection tracking.",
        "When raw is asked, nobody has looked up the connection yet. What can --ctstate say then?",
    ),
    misconceptions=(
        Misconception(
            "state-is-known",
            "In filter this packet is NEW, true. But raw is asked at -300, and the state is found "
            "out at -200.",
            answered("ACCEPT"),
        ),
        Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")),
    ),
    done="A packet without a connection counts as INVALID (kernel: xt_conntrack.c), and no packet "
    "that comes in has one yet when raw is asked. This well-meant line cuts the machine off.",
)

# --- marks ---

MARKED = """
*mangle
-A PREROUTING -i eth0 -p tcp --dport 443 -j MARK --set-mark 2
COMMIT
*nat
-A PREROUTING -i eth0 -p tcp --dport 443 -j REDIRECT --to-ports 8443
COMMIT
*filter
:INPUT DROP
-A INPUT -m mark --mark 2 -j ACCEPT
COMMIT
"""
_FRONT = "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:443"
_BACK = "in eth0 tcp 203.0.113.9:40000 -> 203.0.113.2:8443"
_INSIDE = "in eth1 tcp 192.168.1.11:40000 -> 192.168.1.1:443"

mark = WriteRules(
    id="04-mark",
    reference=MARKED,
    says="Whoever knocks at port 443 from outside gets in, and nobody else.",
    scope=Scope(
        host=ROUTER,
        assume="-m conntrack --ctstate NEW",
        aspects=frozenset(Aspect) - {Aspect.MARK},
    ),
    goals=(
        Goal(_FRONT, Verdict.ACCEPT, "Port 443 is the front door."),
        Goal(_BACK, Verdict.DROP, "Nobody knocks at port 8443 directly."),
        Goal(_INSIDE, Verdict.DROP, "From inside there is no way in at all."),
        Goal(_OTHER.format(22), Verdict.DROP, "All other ports are shut."),
    ),
    hints=(
        "It is the worked example with other ports. First the mangle rule: a target and its value.",
        "In filter the packet no longer shows port 443. What still tells where it knocked?",
        "-j MARK --set-mark ...  and  -m mark --mark ..., with the same number.",
    ),
    misconceptions=(
        Misconception(
            "not-recognised",
            "filter does not recognise the packet. Its port has been rewritten to 8443 by then, "
            "so --dport 443 says no; and -m mark must ask for the number that mangle gave it.",
            treats(_FRONT, Verdict.DROP, host=ROUTER),
        ),
        Misconception(
            "policy-lost",
            "No rule of filter decides about that packet, and its policy lets it in. It said DROP.",
            left_to_policy(_OTHER.format(22), Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "every-mark",
            "That rule lets in more than what mangle has marked. (Every packet has the mark 0 at "
            "first.)",
            treats(_OTHER.format(22), Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "new-port",
            "Port 8443 is what the packet shows after the rewriting, but a stranger can knock "
            "there directly as well. Ask for the mark.",
            treats(_BACK, Verdict.ACCEPT, host=ROUTER),
        ),
        Misconception(
            "both-sides",
            "Packets from inside get the mark as well. In mangle, say where they come in.",
            treats(_INSIDE, Verdict.ACCEPT, host=ROUTER),
        ),
    ),
    done="mangle (-150) still saw the old port, nat (-100) changed it, and filter (0) read the "
    "mark. The order of the tables made that possible.",
)

# --- a line in one of five tables ---

MENDED = """*raw
-A PREROUTING -i eth0 -s 192.168.1.0/24 -j DROP
-A PREROUTING -i eth1 ! -s 192.168.1.0/24 -j DROP
COMMIT
*mangle
-A INPUT -i eth1 -p udp --dport 53 -j ACCEPT
-A FORWARD -p tcp --dport 25 -j DROP
COMMIT
*nat
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i eth1 -p udp --dport 53 -j ACCEPT
-A INPUT -i eth1 -p tcp --dport 53 -j ACCEPT
COMMIT
*security
-A INPUT -i eth1 -p udp ! --dport 53 -j DROP
COMMIT
"""

blame = FindLine(
    id="04-blame",
    rules=MENDED.replace("! -s 192.168.1.0/24", "! -s 192.168.1.0/25"),
    reference=MENDED,
    host=ROUTER,
    hints=(
        "A packet of the tablet's passes PREROUTING and INPUT. List the tables it meets, in order.",
        "The counters of filter did not move: somebody earlier has dropped it.",
        "192.168.1.0/25 ends at 192.168.1.127.",
    ),
    misconceptions=(
        Misconception(
            "filter-is-innocent",
            "filter lets in whoever asks for names. But does the packet come so far?",
            blames(*(f"filter INPUT {n}" for n in range(1, 5)), "filter INPUT policy"),
        ),
        Misconception(
            "security-is-innocent",
            "That rule is for udp to other ports, as its ! says.",
            blames("security INPUT 1"),
        ),
        Misconception(
            "mangle-is-innocent",
            "ACCEPT in mangle stops nobody, and the rule in FORWARD is about mail that passes "
            "through.",
            blames("mangle INPUT 1", "mangle FORWARD 1"),
        ),
        Misconception(
            "other-side",
            "That rule is for the other side: nobody outside may come with an address of ours.",
            blames("raw PREROUTING 1"),
        ),
    ),
    done="One digit in a table that `iptables -L` does not show. iptables-save shows all five.",
)

# --- questions that later lessons ask again ---

ACCEPTED = """*raw
-A PREROUTING -s 10.0.0.9 -j ACCEPT
COMMIT
*filter
:INPUT DROP
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
"""
ASK = "in eth0 udp 10.0.0.9:4000 -> 203.0.113.2:53"

CANDIDATES = {
    "a": "-t nat -A PREROUTING -s 10.0.0.9 -j DROP",
    "b": "-t raw -A INPUT -s 10.0.0.9 -j DROP",
    "c": "-t mangle -A INPUT -s 10.0.0.9 -j DROP",
    "d": "-t mangle -A INPUT -s 10.0.0.9 -j REJECT",
}


def _taken(line: str) -> bool:
    """Whether iptables and the kernel would take that rule."""
    try:
        read_rules(line)
    except RuleError:
        return False
    return True


recall_first = Predict(
    id="04-recall-first",
    task="A packet arrives from the network. All five tables of the machine have rules.\n\n"
    "Which table is asked first?",
    truth=lambda: str(tables_at(Hook.PREROUTING)[0]),
    choices=tuple(map(str, TableName)),
    shows=lambda: _journey(_everywhere()),
    hints=(
        "The priorities decide, and the lowest number goes first.",
        "One table speaks before connection tracking does.",
    ),
    misconceptions=(
        Misconception(
            "filter-first",
            "filter is the one that iptables means when -t is missing. It is asked late.",
            answered("filter"),
        ),
        Misconception("mangle-first", "mangle comes second (-150).", answered("mangle")),
        Misconception("nat-first", "nat comes third (-100).", answered("nat")),
    ),
    done="raw (-300) is asked before connection tracking (-200) and all the others.",
)
recall_accept = Predict(
    id="04-recall-accept",
    task=f"These are the rules of a machine:\n{ACCEPTED}A udp packet from 10.0.0.9 to port 53 "
    'comes in. Its fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: "ACCEPT" if _journey(ACCEPTED, ASK).accepted else "DROP",
    choices=FATES,
    shows=lambda: _journey(ACCEPTED, ASK),
    hints=("What does ACCEPT in raw end?", "Then filter is asked. Does a rule of it match?"),
    misconceptions=(
        Misconception(
            "accept-is-final",
            "ACCEPT ended the walk through raw only, and filter's policy is DROP.",
            answered("ACCEPT"),
        ),
        Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")),
    ),
    done="Every table has to agree. filter did not.",
)
recall_taken = Predict(
    id="04-recall-taken",
    task="Four commands, each with iptables before it:\n"
    + "".join(f"{letter}: {line}\n" for letter, line in CANDIDATES.items())
    + "Only one of them is not refused. Which one?",
    truth=lambda: next(letter for letter, line in CANDIDATES.items() if _taken(line)),
    choices=tuple(CANDIDATES),
    shows=lambda: _visit(CANDIDATES["c"], "in eth0 tcp 10.0.0.9:4000 -> 203.0.113.2:22"),
    hints=("Two tables refuse a target here.", "And one table has no such chain."),
    misconceptions=(
        Misconception("filter-in-nat", "DROP is refused in the table nat.", answered("a")),
        Misconception("raw-too-late", "raw has no chain INPUT.", answered("b")),
        Misconception("reject-anywhere", "REJECT works in filter alone.", answered("d")),
    ),
    done="DROP is possible in every table but nat.",
)
recall_count = replace(
    _count(0),
    id="04-recall-count",
    task="A router has this rule: -t nat -A PREROUTING -s 192.168.1.11 (no target, it only "
    "counts). The machine 192.168.1.11 sends four pings with one command and fetches one web "
    "page, both through the router.\n\nHow many packets does the rule count?",
    hints=(
        "Which packets of a connection is the table nat asked about?",
        "All echo-requests of one ping command belong to one connection.",
    ),
)

REVIEW = (recall_first, recall_accept, recall_taken, recall_count)
EXERCISES: tuple[Exercise | Variants, ...] = (
    matrix,
    order,
    walk,
    proof,
    move,
    count,
    early,
    mark,
    blame,
)
