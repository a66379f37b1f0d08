"""The engine asks fewer rules than the plain walk and tells the same, down to the last event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from random import Random
from typing import Any

import pytest
from firewalls import Dice, Maker, client, host, services, visitor
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import packets, rule_texts
from test_golden_rules import recordings
from twins import differences

from iptlab import Packet, Ruleset, Situation, TableName
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target
from iptlab.netfilter.hooks import Hook, tables_at
from iptlab.netfilter.rules import Chain, Rule
from iptlab.packet import TcpFlags
from iptlab.simulate import engine as engine_module
from iptlab.simulate import index
from iptlab.simulate.engine import Engine
from iptlab.simulate.index import ReadyChain, TakenApart
from iptlab.simulate.walk import walk_table
from iptlab.syntax.ipset import read_sets

KNOCK = Situation.parse("in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN")


def filter_rules(*lines: str) -> Ruleset:
    """Rules of table filter."""
    return Ruleset.parse("\n".join(["*filter", *lines, "COMMIT", ""]))


@pytest.fixture
def _always_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even short chains get an index."""
    monkeypatch.setattr(index, "INDEXED", 1)


# --- the same is told ---

BIG = [
    (host(60), TableName.FILTER, visitor, 600),
    (host(400), TableName.FILTER, visitor, 150),
    (services(60), TableName.NAT, client(60), 300),
]


@pytest.mark.parametrize(("text", "table", "packet", "count"), BIG, ids=["host", "big", "services"])
def test_big_rule_sets_are_walked_as_the_plain_walk_does(
    text: str, table: TableName, packet: Maker, count: int
) -> None:
    engine = Engine(Ruleset.parse(text).tables)
    random = Random(count)
    for _ in range(count):
        assert differences(engine, table, *packet(random)) == []


LUCK = [
    *["", "", ""],
    "-m statistic --mode random --probability 0.5 ",
    "-m statistic --mode random ! --probability 0.3 -m statistic --mode random --probability 0.3 ",
    "-m statistic --mode nth --every 2 --packet 0 ",
    "-m limit --limit 1/min --limit-burst 2 ",
    "-m recent --name seen --update --hitcount 2 ",
    "-m recent --name seen --set ",
    "-m limit --limit 1/min -m statistic --mode random --probability 0.5 ",
    "-m statistic --mode random --probability 0.5 -m quota --quota 90"
    " -m statistic --mode random --probability 0.5 ",
    "-m rateest --rateest one --rateest-lt --rateest-pps 5 ",
]


@st.composite
def uncertain_rulesets(draw: st.DrawFn) -> Ruleset:
    """A filter table with chance and memory in it, and chains that call later ones."""
    lines = [":INPUT DROP [0:0]", ":one - [0:0]", ":two - [0:0]"]
    calls = {"INPUT": ["-j one", "-g two"], "one": ["-g two", "-j two"], "two": [""]}
    for chain, jumps in calls.items():
        for text in draw(st.lists(rule_texts(), min_size=2, max_size=8)):
            tests, _, target = text.partition("-j ")
            jump = draw(st.sampled_from([f"-j {target}" * bool(target), *jumps]))
            lines.append(f"-A {chain} {tests} {draw(st.sampled_from(LUCK))}{jump}")
    return filter_rules(*lines)


@given(uncertain_rulesets(), st.lists(packets(), min_size=1, max_size=4), st.integers(0, 99))
@settings(deadline=None, max_examples=150)
def test_any_rule_set_is_walked_as_the_plain_walk_does(
    rules: Ruleset, row: list[Packet], seed: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "INDEXED", 1 if seed % 2 else 4)
        engine = Engine(rules.tables)
        context = replace(KNOCK.context, choose=Dice(seed))
        for packet in row:
            assert differences(engine, TableName.FILTER, packet, context) == []
            visit = engine.walk_table(TableName.FILTER, packet, context)
            context = replace(context, memory=visit.context.memory)


def recorded(one: dict[str, Any]) -> Iterator[Packet]:
    """The packets of a recording, as far as they are whole and have ports."""
    for each in one["packets"]:
        sent = each["packet"]
        protocol = {"tcp": 6, "udp": 17}.get(sent.get("proto"))
        if protocol and "sport" in sent and sent.get("frag_off", 0) == 0:
            ends = ip_address(sent["src"]), ip_address(sent["dst"])
            flags = TcpFlags.SYN if protocol == 6 else TcpFlags.NONE
            yield Packet(*ends, protocol, sent["sport"], sent["dport"], flags)


@pytest.mark.usefixtures("_always_indexed")
@pytest.mark.parametrize("part", range(4))
def test_recorded_rule_sets_are_walked_as_the_plain_walk_does(part: int) -> None:
    count = 0
    for one in list(recordings().values())[part::4]:
        sets = read_sets(one["ipsets"]) if one.get("ipsets") else {}
        engine = Engine(Ruleset.parse(one["saved"], one["family"], sets=sets).tables)
        for packet in list(recorded(one))[::3]:
            for hook in Hook:
                ends = "eth0" * hook.has_in_interface, "eth1" * hook.has_out_interface
                context = Context(hook, *ends, sets=sets, choose=Dice(count))
                for name in tables_at(hook):
                    if name in engine.tables:
                        assert differences(engine, name, packet, context) == []
                        count += 1
    assert count > 1000


# --- what an index must not get wrong ---


def test_a_rule_that_remembers_is_asked_wherever_the_plain_walk_asks_it() -> None:
    lines = [f"-A INPUT -p tcp --dport {n} -j LOG" for n in range(30)]
    lines += ["-A INPUT -p tcp -m limit --limit 1/min --limit-burst 2 -m tcp --dport 23 -j DROP"]
    engine = Engine(filter_rules(*lines).tables)
    first = engine.walk_table(TableName.FILTER, KNOCK.packet, KNOCK.context)
    assert first.context.memory.facts  # port 22 is refused behind the limit, not before it
    assert differences(engine, TableName.FILTER, KNOCK.packet, first.context) == []


def test_chance_that_stands_before_a_port_is_drawn_for_every_port() -> None:
    chance = "-m statistic --mode random --probability 0.5"
    lines = [f"-A INPUT -p tcp {chance} -m tcp --dport {n} -j DROP" for n in range(30)]
    dice = Dice(1)
    engine = Engine(filter_rules(*lines).tables)
    engine.walk_table(TableName.FILTER, KNOCK.packet, replace(KNOCK.context, choose=dice))
    # rule 23 is for port 22; whether it drops the packet is up to the dice
    assert dice.rolled >= 23


@pytest.mark.usefixtures("_always_indexed")
@pytest.mark.parametrize("seed", range(4))
def test_a_trace_tells_what_was_drawn_and_draws_nothing_itself(seed: int) -> None:
    rules = filter_rules(*["-A INPUT -m statistic --mode random --probability 0.5 -j LOG"] * 9)
    dice = Dice(seed)
    context = replace(KNOCK.context, choose=dice)
    visit = Engine(rules.tables).walk_table(TableName.FILTER, KNOCK.packet, context)
    refused = [step for step in visit.steps() if not step.answer]
    assert 0 < len(refused) < 9
    assert all(step.why_not.endswith("and chance said no") for step in refused)
    assert "".join(visit.lines()).count("chance said no") == len(refused)
    assert [step.why_not for step in visit.matched()] == [""] * (9 - len(refused))
    assert dice.rolled == 9


@pytest.mark.parametrize("plain", [True, False])
def test_a_rule_that_draws_and_remembers_draws_once(*, plain: bool) -> None:
    rules = filter_rules(
        "-A INPUT -m statistic --mode random --probability 0.5 -m limit --limit 1/min -j LOG"
    )
    dice = Dice(1)  # whose first roll is a yes
    context = replace(KNOCK.context, choose=dice)
    if plain:
        visit = walk_table(rules.table(TableName.FILTER), KNOCK.packet, context)
    else:
        visit = Engine(rules.tables).walk_table(TableName.FILTER, KNOCK.packet, context)
    assert visit.hits() == (("INPUT", 1),)
    assert len(visit.context.memory.facts) == 1
    assert dice.rolled == 1


@dataclass(frozen=True)
class Redirected(Target):
    """A target as a learner might write it: it sends the packet to another address."""

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(replace(packet, dst=ip_address("10.0.0.2")))

    def explain(self) -> str:
        return "goes to another address"


def test_rules_are_chosen_anew_when_a_target_changes_what_they_ask_for() -> None:
    rules = [f"-A side -d 10.0.0.{n} -j LOG" for n in range(1, 20)]
    rules += [f"-A INPUT -d 10.0.0.{n} -j side" for n in range(1, 20)]
    table = filter_rules(":side - [0:0]", *rules).table(TableName.FILTER)
    side = table.chains["side"]
    changed = replace(side, rules=(side.rules[0], Rule(target=Redirected()), *side.rules[1:]))
    engine = Engine({TableName.FILTER: table.with_chain(changed)})
    visit = engine.walk_table(TableName.FILTER, KNOCK.packet, KNOCK.context)
    assert visit.hits() == (
        *(("INPUT", 1), ("side", 1), ("side", 2), ("side", 3)),
        *(("INPUT", 2), ("side", 2), ("side", 3)),
    )
    assert differences(engine, TableName.FILTER, KNOCK.packet, KNOCK.context) == []


def test_chains_may_nest_as_deep_as_they_like() -> None:
    depth = 3000
    chains = [f":c{n} -" for n in range(depth)]
    jumps = [f"-A c{n} -j c{n + 1}" for n in range(depth - 1)]
    engine = Engine(filter_rules(*chains, "-A INPUT -j c0", *jumps).tables)
    visit = engine.walk_table(TableName.FILTER, KNOCK.packet, KNOCK.context)
    assert len(visit.events) == 2 * depth + 1
    assert visit.policy


# --- what stays ready ---


def test_chains_that_did_not_change_stay_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def ready(chain: Chain, apart: TakenApart) -> ReadyChain:
        made.append(chain.name)
        return ReadyChain(chain, apart)

    monkeypatch.setattr(engine_module, "ReadyChain", ready)
    rules = filter_rules(":side - [0:0]", ":far - [0:0]", "-A INPUT -j side", "-A INPUT -j far")
    engine = Engine(rules.tables)
    engine.walk_table(TableName.FILTER, KNOCK.packet, KNOCK.context)
    assert made == ["INPUT", "side", "far"]
    table = rules.table(TableName.FILTER)
    other = table.with_chain(Chain("side", None, table.chains["INPUT"].rules[1:]))
    visit = engine.with_tables({TableName.FILTER: other}).walk_table(
        TableName.FILTER, KNOCK.packet, KNOCK.context
    )
    assert made == ["INPUT", "side", "far", "side"]
    assert visit.hits() == (("INPUT", 1), ("side", 1), ("INPUT", 2))
