"""Decision diagrams, beside the plain functions that they stand for."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from iptlab.grading.diagram import Diagram, Node, TooManyNodesError

SIZES = (2, 3, 4)
PACKETS = list(product(*map(range, SIZES)))


def diagram() -> Diagram:
    return Diagram([(1 << size) - 1 for size in SIZES], budget=10_000)


def limits(lot: Random) -> tuple[tuple[int, int], ...]:
    """A random cube: some fields within some atoms."""
    levels = lot.sample(range(len(SIZES)), lot.randrange(1, 4))
    return tuple((level, lot.randrange(1, 1 << SIZES[level])) for level in levels)


def inside(packet: tuple[int, ...], cube: tuple[tuple[int, int], ...]) -> bool:
    return all(mask >> packet[level] & 1 for level, mask in cube)


def rules(one: Diagram, seed: int) -> tuple[Node, dict[tuple[int, ...], object]]:
    """A random list of rules as a diagram, and as a table of packets."""
    lot = Random(seed)
    node, table = one.end("policy"), dict.fromkeys(PACKETS, "policy")
    for _ in range(6):
        cube, end = limits(lot), lot.choice("abc")
        node = one.choose(one.cube(cube), one.end(end), node)
        table |= {packet: end for packet in PACKETS if inside(packet, cube)}
    return node, table


@pytest.mark.parametrize("seed", range(40))
def test_a_diagram_says_what_its_rules_say(seed: int) -> None:
    one = diagram()
    node, table = rules(one, seed)
    assert {packet: one.at(node, packet) for packet in PACKETS} == table


@pytest.mark.parametrize("seed", range(40))
def test_equal_functions_are_the_same_node_however_they_were_made(seed: int) -> None:
    one = diagram()
    node, table = rules(one, seed)
    again = one.end("policy")
    for packet, end in table.items():
        cube = one.cube((level, 1 << atom) for level, atom in enumerate(packet))
        again = one.choose(cube, one.end(end), again)
    assert again == node


@pytest.mark.parametrize("seed", range(20))
def test_combining_asks_both_functions_about_every_packet(seed: int) -> None:
    one = diagram()
    (left, first), (right, second) = rules(one, seed), rules(one, seed + 1000)

    def decide(left: Node, right: Node) -> Node | None:
        if max(left, right) in ends and min(left, right) in ends:
            return one.end((one.value(left), one.value(right)))
        return None

    ends = {one.end(name) for name in ("policy", "a", "b", "c")}
    both = one.combine(left, right, {}, decide)
    assert all(one.at(both, p) == (first[p], second[p]) for p in PACKETS)


@pytest.mark.parametrize("seed", range(20))
def test_projecting_gives_the_atoms_that_packets_of_a_set_have(seed: int) -> None:
    one = diagram()
    node, table = rules(one, seed)
    packets = one.mapped(node, {}, lambda end: one.end(end == "a"))
    fixed = {0: 0b10, 1: 0b011}
    for level, size in enumerate(SIZES):
        found = {
            packet[level]
            for packet, end in table.items()
            if end == "a" and inside(packet, tuple(fixed.items()))
        }
        assert one.project(packets, level, fixed) == sum(1 << atom for atom in found)
        assert one.project(packets, level, {}) >> size == 0


def test_a_rule_for_every_packet_leaves_nothing_of_what_was_there() -> None:
    one = diagram()
    node, _ = rules(one, 0)
    assert one.choose(one.cube(((0, 0b11),)), one.end("new"), node) == one.end("new")


def test_a_diagram_beyond_its_budget_is_given_up() -> None:
    small = Diagram([0b11] * 8, budget=5)
    one_bit_set = small.cube((level, 0b10) for level in range(8))
    with pytest.raises(TooManyNodesError):
        small.choose(one_bit_set, small.end("yes"), small.end("no"))
