"""Matches that remember: what a row of packets does to them, one rule asked again and again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from iptlab import Packet, Ruleset, TableName
from iptlab.netfilter.context import CannotTell, Connection, Context, CtState, Tuple
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.rules import Rule

START = datetime(2024, 1, 1, tzinfo=UTC)
A = Packet.parse("udp 10.0.0.1:1000 -> 192.0.2.1:53 length=100")
B = Packet.parse("udp 10.0.0.2:1000 -> 192.0.2.1:53 length=100")

# the rule, then packets with the second in which they come, and which of them match
ROWS = [
    ("-m limit --limit 1/min --limit-burst 2", "A0 A1 A2 A70 A71", "yynyn"),
    ("-m limit --limit 1/sec --limit-burst 1", "A0 B0 A1 A1", "ynyn"),
    ("-m statistic --mode nth --every 3 --packet 1", "A0 A0 A0 A0 A0", "nynny"),
    ("-m statistic --mode nth ! --every 2 --packet 0", "A0 A0 A0", "nyn"),
    ("-m quota --quota 250", "A0 A0 A0 A0", "yynn"),
    ("-m quota ! --quota 250", "A0 A0 A0 A0", "nnyy"),
    ("-m hashlimit --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-mode srcip "
     "--hashlimit-name x", "A0 A0 B0 A61", "ynyy"),
    ("-m hashlimit --hashlimit-above 1/min --hashlimit-burst 1 --hashlimit-name x",
     "A0 A0 B0 A61", "nyyn"),
    ("-m hashlimit --hashlimit-upto 160b/s --hashlimit-name x", "A0 A0 A1", "yny"),
    ("-m connlimit --connlimit-above 1 --connlimit-daddr", "A0 A0 B0 A0", "nnyy"),
    ("-m connlimit --connlimit-upto 1 --connlimit-mask 30", "A0 B0", "yn"),
    ("-m recent --set", "A0 A0", "yy"),
    ("-m recent --update --hitcount 2", "A0 A0", "nn"),
    ("-m recent ! --rcheck", "A0 A0", "yy"),
]  # fmt: skip


def asked(rules: list[Rule], packets: str) -> list[str]:
    """For each rule its answers to the packets, y or n."""
    answers = [""] * len(rules)
    context = Context(Hook.FORWARD, "eth0", "eth1")
    for word in packets.split():
        packet = {"A": A, "B": B}[word[0]]
        context = replace(context, now=START + timedelta(seconds=int(word[1:])))
        for number, rule in enumerate(rules):
            context = replace(context, rule=("filter", "FORWARD", number))
            answers[number] += "y" if rule.holds(packet, context) else "n"
            context = replace(context, memory=rule.remember(packet, context))
    return answers


def rules_of(*texts: str) -> list[Rule]:
    lines = "\n".join(f"-A FORWARD {text}" for text in texts)
    table = Ruleset.parse(f"*filter\n{lines}\nCOMMIT\n").table(TableName.FILTER)
    return list(table.chains["FORWARD"].rules)


@pytest.mark.parametrize(("text", "packets", "answers"), ROWS)
def test_a_rule_remembers_the_packets_it_was_asked_about(
    text: str, packets: str, answers: str
) -> None:
    assert asked(rules_of(text), packets) == [answers]


def test_the_fourth_packet_within_a_minute_is_caught() -> None:
    rules = rules_of(
        "-m recent --set --name ssh",
        "-m recent --update --seconds 60 --hitcount 4 --name ssh -j DROP",
    )
    # an update stores the packet once more
    assert asked(rules, "A0 A1 B1 A2 A3 A65") == ["yyyyyy", "nnnnyn"]


def test_an_address_can_be_taken_out_of_a_list() -> None:
    rules = rules_of(
        "-m recent --rcheck --name seen",
        "-m recent --remove --name seen",
        "-s 10.0.0.1 -m recent --set --name seen",
    )
    assert asked(rules, "A0 A0 B0") == ["nyn", "nyn", "yyn"]


def test_two_equal_rules_count_on_their_own() -> None:
    rules = rules_of(*["-m limit --limit 1/min --limit-burst 1"] * 2)
    assert asked(rules, "A0 A0") == ["yn", "yn"]


def test_a_match_behind_a_no_is_not_asked() -> None:
    rules = rules_of("-s 10.0.0.2 -m limit --limit 1/min --limit-burst 1")
    assert asked(rules, "A0 A0 B0 B0") == ["nnyn"]


CONNECTION = Connection(
    17,
    Tuple(A.src, A.dst, 1000, 53),
    Tuple(A.dst, A.src, 53, 1000),
    frozenset({"SEEN_REPLY", "CONFIRMED", "DST_NAT"}),
    mark=7,
    reply_direction=True,
    expires=30,
    packets=(2, 1),
    bytes=(200, 60),
    helper="ftp",
)
KNOWN = Context(ctstate=CtState.ESTABLISHED, connection=CONNECTION)
UNKNOWN = Context(ctstate=CtState.ESTABLISHED)
INVALID = Context(ctstate=CtState.INVALID)

# the rule, and what it answers with a known connection, an unknown one, and none at all
OF_CONNECTIONS = [
    ("-m conntrack --ctstate ESTABLISHED", "yyn"),
    ("-m conntrack --ctstate DNAT", "y?n"),
    ("-m conntrack ! --ctstate SNAT,NEW", "y?y"),
    ("-m conntrack --ctstate INVALID --ctproto 6", "nny"),
    ("-m conntrack --ctproto udp", "y?n"),
    ("-m conntrack ! --ctproto tcp", "y?n"),
    ("-m conntrack --ctorigsrc 10.0.0.9/29 --ctrepldst 10.0.0.1", "n?n"),
    ("-m conntrack --ctorigsrc 10.0.0.7/29 --ctorigdstport 50:60", "y?n"),
    ("-m conntrack --ctreplsrcport 53 ! --ctrepldstport 1001", "y?n"),
    ("-m conntrack --ctstatus ASSURED,CONFIRMED", "y?n"),
    ("-m conntrack --ctstatus NONE", "n?n"),
    ("-m conntrack --ctexpire 29:31 --ctdir REPLY", "y?n"),
    ("-m conntrack --ctdir ORIGINAL", "n?n"),
    ("-m state ! --state NEW", "yyy"),
    ("-m connmark --mark 3/3", "y?n"),
    ("-m connmark ! --mark 7", "n?n"),
    ("-m connbytes --connbytes 3:3 --connbytes-mode packets --connbytes-dir both", "y?n"),
    ("-m connbytes ! --connbytes 100: --connbytes-mode bytes --connbytes-dir reply", "y?n"),
    ("-m connbytes --connbytes 100:100 --connbytes-mode avgpkt --connbytes-dir original", "y?n"),
    ("-m helper --helper ftp-2121", "y?n"),
    ("-m helper ! --helper ftp", "n?y"),
    ("-m helper --helper \"\"", "y?n"),
    ("-m cluster --cluster-total-nodes 8 --cluster-local-node 1 --cluster-hash-seed 7", "n?n"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "answers"), OF_CONNECTIONS)
def test_matches_ask_what_is_known_of_the_connection(text: str, answers: str) -> None:
    (rule,) = rules_of(text)
    said = [rule.holds(A, context) for context in (KNOWN, UNKNOWN, INVALID)]
    letters = ("?" if isinstance(answer, CannotTell) else "ny"[answer] for answer in said)
    assert "".join(letters) == answers
    for context, letter in zip((KNOWN, UNKNOWN, INVALID), answers, strict=True):
        assert bool(rule.why_not(A, context)) == (letter != "y")


def test_a_cluster_node_is_chosen_by_the_hash_the_kernel_uses() -> None:
    (rule,) = rules_of(
        "-m cluster --cluster-total-nodes 8 --cluster-local-node 1 --cluster-hash-seed 7"
    )
    local = replace(A, src=type(A.src)("127.0.0.1"))
    known = replace(CONNECTION, original=Tuple(local.src, A.dst, 1000, 53))
    assert rule.holds(local, replace(KNOWN, connection=known)) is True
