"""One comparison: two rule sets, and packets that begin their way at one place.

A packet that is found is played in the simulator under both rule sets before anybody sees it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from itertools import product
from random import Random

from iptlab.errors import CannotCompare
from iptlab.grading.asking import Asked, taken_apart
from iptlab.grading.atoms import Space
from iptlab.grading.axes import Wanted
from iptlab.grading.common import Common, Ground
from iptlab.grading.diagram import Diagram, TooManyNodesError, TooManyStatesError
from iptlab.grading.feedback import Alike, Comparison, Difference
from iptlab.grading.flows import MOST_TOLD, Flows, Later, tell_flows
from iptlab.grading.onward import play_on
from iptlab.grading.ready import Readying, Tables, asks_translation, reached
from iptlab.grading.reconcile import Differing, alike
from iptlab.grading.region import Region, both
from iptlab.grading.replay import Case, Play, chances, play
from iptlab.grading.sample import Thing, has_axis, packet_of
from iptlab.grading.scope import Aspect, Entry, Path, paths
from iptlab.grading.symbolic import Treatment
from iptlab.grading.typical import Found, pointed, typical, usual_packet, words
from iptlab.netfilter.actions import Translate
from iptlab.netfilter.context import Context, CtState
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.rules import Rule
from iptlab.packet import Protocol, TcpFlags

# as many nodes as a diagram may have, and packets that are tried where that is not enough
BUDGET = 300_000
TRIES = 2_000
# so many rules are asked in all where there are many, but so many packets are tried anyhow
_WORK, _FEWEST = 200_000, 100
# flows of rule sets that people write need some hundred nodes
_FLOW_BUDGET = 5_000
_MOST_KEPT = 16
_MOST_APART = 4_096  # values of one field
_UNBOUNDED = 1 << 60
_UNPROVEN = "later packets of connections"


class Bout:
    """One comparison: two rule sets, and packets that begin their way at one place."""

    def __init__(self, expected: Tables, actual: Tables, ground: Ground) -> None:
        self.sides = (expected, actual)
        self.ground = ground

    def result(self) -> Comparison:
        """The verdict, exact if the diagrams stay within their budget."""
        first = self._addresses_first
        for addresses_first in (first, not first):
            try:
                found = self._exact(addresses_first=addresses_first)
                return found if found.difference else self._flowing(found)
            except TooManyNodesError:
                continue
            except TooManyStatesError:
                break
        return self._tried()

    # --- what the rules ask ---

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that packets can come to, of both sides."""
        return self._on(paths(self.ground.entry, self.ground.hook))

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rules that packets of flows can come to, whoever sends them."""
        hook = self.ground.hook
        return self._on((*paths(Entry.RECEIVED, hook), *paths(Entry.SENT, hook)))

    def _on(self, ways: tuple[Path, ...]) -> tuple[Rule, ...]:
        return tuple(
            rule
            for tables in self.sides
            for table, name in reached(tables, ways)
            for rule in tables[table].chains[name].rules
        )

    @cached_property
    def _addresses_first(self) -> bool:
        """Whether most rules ask for both addresses: then those are asked first."""
        both = sum(bool(rule.header.src and rule.header.dst) for rule in self.rules)
        return 2 * both > len(self.rules)

    # --- the exact way ---

    def prepared(
        self, *, addresses_first: bool = False, budget: int | None = None, flows: bool = False
    ) -> Common:
        """Atoms for both sides, and a diagram that is still empty.

        With ``flows`` replies have the same atoms, and nothing of what becomes of packets is
        left out.
        """
        ground = self.ground
        readying = Readying(ground.scope.known_sets, single=ground.entry is Entry.HOOK)
        if flows:
            scope = replace(ground.scope, aspects=frozenset(Aspect))
            ground = ground._replace(scope=scope)
        space = self._space(readying, addresses_first=addresses_first, flows=flows)
        readying.space = space
        conditions = (c for asked in space.wanted.conditions.values() for c in asked.values())
        precise = any(map(asks_translation, conditions))
        diagram = Diagram(space.full, budget or BUDGET)
        return Common(ground, readying, diagram, precise=precise, flows=flows)

    @contextmanager
    def _kept(self, *, addresses_first: bool) -> Iterator[Common]:
        """Atoms and a diagram, those of the scope's last comparison of the same rules if any.

        Whoever works with them has taken them out, so that two threads never share them.
        """
        kept, ground = self.ground.scope.kept, self.ground
        asked = _apart(self.rules)
        key = (ground.entry, ground.hook, ground.family, addresses_first, *map(id, asked))
        common, _ = kept.pop(key, (None, None))
        common = common or self.prepared(addresses_first=addresses_first)
        yield common
        if common.is_small:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            # with what the key names: no number of it may be given to anything else
            kept[key] = common, asked

    def _exact(self, *, addresses_first: bool) -> Comparison:
        with self._kept(addresses_first=addresses_first) as common:
            return self._compared(common)

    def _compared(self, common: Common) -> Comparison:
        one, two = (Treatment(tables, common) for tables in self.sides)
        same = Comparison(scope=self.ground.scope, classes=common.space.classes)
        if one.same(two, one.path) or (expected := one.node()) == (actual := two.node()):
            return same
        differing = Differing(common, self.ground.scope.tolerance).packets(expected, actual)
        region = self.region.node(common)
        packets = both(common, differing, region)
        found = typical(common.diagram, common.space, packets, region, self._local)
        if found is None:
            return same
        return replace(same, difference=self._difference(common, found))

    # --- later packets ---

    def _flowing(self, same: Comparison) -> Comparison:
        """The answer once replies, and what follows them, are compared too.

        Without NAT, and where nobody asks for what only they have, they are like packets of
        connections that were open before.
        """
        ground = self.ground
        if ground.ways is None or not self.region.allows(CtState.ESTABLISHED):
            return same
        if not tell_flows(asked := _apart(self.all_rules)):
            return same
        if sum(isinstance(one.does, Translate) for one in asked) > MOST_TOLD:
            return replace(same, open=f"{_UNPROVEN}, which may be translated in too many ways")
        try:
            first = self._addresses_first
            common = self.prepared(addresses_first=first, budget=_FLOW_BUDGET, flows=True)
            flows = Flows(self.sides, common, self.region, ground.scope)
            for later in flows.differing():
                if (difference := self._later(flows, later)) is not None:
                    return replace(same, difference=difference)
        except (TooManyNodesError, TooManyStatesError):
            return replace(same, open=f"{_UNPROVEN}, which may go too many ways")
        except CannotCompare as error:
            return replace(same, open=f"{_UNPROVEN}: {error}")
        return same

    def _later(self, flows: Flows, later: Later) -> Difference | None:
        """The reply or next packet as the simulator treats it, if it differs there."""
        space, scope = flows.common.space, self.ground.scope
        found = typical(flows.diagram, space, later.packets, flows.region, self._local)
        assert found is not None
        for first in _sized(self.case(space, found.values), tried=space.wanted.segments):
            expected, actual = (play_on(tables, first, later.view, scope) for tables in self.sides)
            for ends in (ends for ends in expected if ends in actual):
                (case, one), (_, two) = expected[ends], actual[ends]
                if not self._agree(one, two):
                    return Difference(case, one, two)
        if later.surely:
            raise AssertionError(f"no difference in the simulator after {found.values}")
        return None

    @cached_property
    def region(self) -> Region:
        """The packets that count."""
        return Region(self.ground)

    def _space(self, readying: Readying, *, addresses_first: bool, flows: bool) -> Space:
        """The atoms for both sides."""
        ground, wanted = self.ground, Wanted()
        own = ground.ways.own if ground.ways else ()
        for asked in _apart(self.all_rules if flows else self.rules):
            readying.want(asked, wanted, own)
        wanted.move_all()
        self.region.want(readying, wanted)
        if flows:
            wanted.mirror()
        if max(map(len, wanted.points.values()), default=0) > _MOST_APART:
            reason = f"NAT tells over {_MOST_APART:,} of them apart"
            raise CannotCompare("so many addresses and ports", reason)
        context = Context(hook=ground.hook)
        if ground.ways:
            context = replace(context, address_types=ground.ways.host.address_types)
        asking = next((text for text in wanted.opaque if text.startswith("-m tcpmss")), "")
        if wanted.segments and asking:
            raise CannotCompare(f"`{asking}' beside -j TCPMSS", "sizes are not followed so far")
        order = ground.order(addresses_first=addresses_first)
        return Space(wanted, order, context, ground.family)

    # --- a packet ---

    def _difference(self, common: Common, found: Found) -> Difference:
        """The packet as the simulator treats it; it must differ there too.

        What a large diagram tells of other packets is asked now, and no answer keeps it.
        """
        space = common.space
        for case in _sized(self.case(space, found.values), tried=space.wanted.segments):
            expected, actual = (play(tables, case, self.ground.scope) for tables in self.sides)
            if not self._agree(expected, actual):
                others = partial(_alike, space, found, case)
                told = others if common.is_small else partial(tuple, tuple(others()))
                return Difference(case, expected, actual, told)
        raise AssertionError(f"no difference in the simulator: {case}")

    def _local(self, field: str, chosen: Mapping[str, Thing]) -> Sequence[Thing]:
        """What is typical for a field on the host: ends that belong where packets come from."""
        ways = self.ground.ways
        if ways is None or field not in ("src", "dst"):
            return ()
        return ways.usual(field, str(chosen.get("in_interface", "")))

    def _agree(self, expected: tuple[Play, ...], actual: tuple[Play, ...]) -> bool:
        scope = self.ground.scope
        one, two = (chances(plays, scope) for plays in (expected, actual))
        return alike(one, two, scope.tolerance)

    def case(self, space: Space, values: Mapping[str, Thing]) -> Case:
        """The packet in its place."""
        ground, family = self.ground, self.ground.family
        usual = usual_packet(str(values["ctstate"]), int(values.get("src", 0)), family)
        packet = packet_of({"mark": ground.scope.mark or 0, **usual, **values}, family)
        inside = "" if ground.entry is Entry.SENT or not ground.hook.has_in_interface else "eth0"
        outside = "eth1" if ground.hook is Hook.FORWARD else "eth0"
        single = ground.entry is Entry.HOOK and ground.hook.has_out_interface
        return Case(
            packet,
            ground.entry,
            ground.hook,
            str(values.get("in_interface", inside)),
            str(values.get("out_interface", outside)) if single else "",
            CtState(str(values["ctstate"])),
            str(values.get("link", "unicast")),
            tuple((text, bool(values[text])) for text in space.wanted.opaque),
            int(values["connmark"]) if "connmark" in values else ground.begin().beside.connmark,
        )

    # --- the other way ---

    def _tried(self) -> Comparison:
        """Packets that the rules point at, tried one by one: it proves nothing if all agree."""
        common = self.prepared(budget=_UNBOUNDED)
        space = common.space
        region, lot, tried = self.region.node(common), Random(0), 0
        pointing = [ready for rule in self.rules for ready in common.readying.rules(rule)]
        for number in range(max(_FEWEST, min(TRIES, _WORK // len(pointing)))):
            values = pointed(space, pointing[number % len(pointing)], lot)
            if not common.diagram.at(region, space.places(values)):
                continue
            tried += 1
            case = self.case(space, values)
            expected, actual = (play(tables, case, self.ground.scope) for tables in self.sides)
            if not self._agree(expected, actual):
                difference = Difference(case, expected, actual)
                return Comparison(self.ground.scope, difference, space.classes)
        return Comparison(self.ground.scope, None, space.classes, tried)


def _apart(rules: Iterable[Rule]) -> Collection[Asked]:
    """The rules taken apart; those that say the same are there once."""
    return {id(asked): asked for asked in map(taken_apart, rules)}.values()


def _alike(space: Space, found: Found, case: Case) -> Iterator[Alike]:
    """For which other values of each field the difference stays, in words."""
    known = dict(case.supposed)
    for name in found.values:
        mask, possible = found.others(space.level[name])
        free = not possible & ~mask
        single = not possible & possible - 1
        if single or (name in known and free):
            continue
        if name not in known and not has_axis(name, case.packet):
            continue
        yield Alike(name, () if free else tuple(words(space, name, mask, possible)))


# segment sizes as SYN packets announce them, on Ethernet, on jumbo frames and at the most, and
# how large packets may be on the way: by a tunnel, by DSL, by Ethernet
_SEGMENTS = (1460, 8960, 0xFFFF)
_PATHS = (1400, 1492, 1500, 576)


def _sized(case: Case, *, tried: bool) -> Iterator[Case]:
    """The packet; if rules limit segments, with the sizes by which a difference may show."""
    if not tried:
        yield case
        return
    syn = case.packet.protocol == Protocol.TCP and TcpFlags.SYN in case.packet.flags
    for mtu, mss in product(_PATHS, _SEGMENTS if syn else (None,)):
        packet = replace(case.packet, mss=mss, length=case.packet.length if mss is None else 0)
        yield replace(case, packet=packet, mtu=mtu)
