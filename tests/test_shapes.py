"""Lines that are known by their shape mean, and are refused, as if each were read in full."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rules import FILES, rows

from iptlab import RuleError, Ruleset, RuleSyntaxError
from iptlab.packet import Family
from iptlab.syntax import shapes
from iptlab.syntax.clauses import Clauses
from iptlab.syntax.command import run
from iptlab.syntax.edit import Edit
from iptlab.syntax.grammar import Place
from iptlab.syntax.restore import Restoration

ARCHIVE = Path(__file__).parent / "data" / "kernel-golden.tar.xz"
# words that real dumps never have in these places, and some that they do
WORDS = (
    *("", "!", "-j", "-m", "-s", "-p", "tcp", "comment", "ACCEPT", "DROP", "LOG", "INPUT", '"'),
    *("web", "10.0.0.1/32", "10.0.0.256/32", "010.0.0.1/32", "10.0.0.1/24", "10.0.0.1/0", "eth0"),
    *("0", "080", "65535", "65536", "1:2", "80,443", "80,,443", "٣", "+", "a/b", "x" * 16),
    *("--comment", "--dport", "1.2.3.4:80", "1.2.3.4", "[1:2]", "-A", "a\tb", "\r", "é", "'"),
    *("fd00::1/128", "fd00:1:2:3::/64", "fd00:1:2:3::1/64", "fd00:1:2:3:4:5:6:7", "FD00::1", "::1"),
    *("fd00:1::2:3:4:5:6", "fd00:1::2:3:4:5:6:7", "fd00:0:0:1::/64", "1::/0", "[fd00::1]:80", "-g"),
    *("0.5", "1.5", "0.123456789012", "a:b", "a/b:c", "10.0.0.1/0.0.0.0"),
    *("tftp", "ssh", "udp", "UDP", "1.2.3.4:ssh", "! -i", "--rdest", "--next", "--localtz", "mh"),
)
KINDS = """\
-A INPUT -s 10.0.0.1/32 -d 10.1.0.0/16 -i eth0 -p tcp -m tcp --dport 80 -j web
-A web ! -s 10.0.0.9/24 -p udp -m udp --sport 53 -m comment --comment "my -> own" -j DROP
-A web -p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW -j LOG --log-prefix "a: "
-A FORWARD -o eth+ -m comment --comment plain -m statistic --mode random --probability 0.5 -j web
[1:60] -A web -p tcp -m tcp ! --dport 22 -j RETURN
[2:80] -A OUTPUT -o lo -j ACCEPT
-A FORWARD -i cali+ -m comment --comment "cali:x" -g web
-A OUTPUT -m comment --comment "cali:y" -m comment --comment "a b" -m mark --mark 0x1 -j DROP
-A web -m recent --rcheck --seconds 9 --name KUBE-X --mask 255.255.255.255 --rsource -j RETURN
-A web
"""
NATS = """\
-A web -p tcp -m tcp -j DNAT --to-destination 10.0.0.1:8080
-A POSTROUTING -j SNAT --to-source 10.0.0.9
-A PREROUTING -d 10.96.0.1/32 -p tcp -m comment --comment "a cluster IP" -j web
-A POSTROUTING -j MASQUERADE --random-fully
-A web -m comment --comment a/b:c -m tcp -p tcp -d 10.96.0.1 --dport 80 ! -s 10.1.0.0/16 -j RETURN
-A web -m statistic --mode random --probability 0.33333333349 -j RETURN
"""
NATS_6 = """\
-A PREROUTING ! -s fd00:10:2:3::/64 -d fd00:10:96::a:1/128 -p tcp -m tcp --dport 80 -j web
-A web -s fd00:10:0:0:1::2/128 -p tcp -m tcp -j DNAT --to-destination [fd00:1:2::3:4]:8080
-A web -d fd00:1:2:3:4:5:6:7 -p tcp -m tcp -j DNAT --to-destination fd00:1:2::3:4
"""
# what the tool looks at twice: services of a protocol, warnings, orders, elements
ODDS = """\
-A web -p udp -m udp --dport tftp -m comment --comment "a service" -j DROP
-A web -p tcp -m multiport --dports ssh,http -j DROP
-A web -m udp --dport tftp -p udp -j DROP
-A INPUT -i a/b -p tcp -m tcp --dport ssh -j web
-A web -m time --localtz -j DROP
-A web -m recent --set --name x --mask 255.255.255.255 --rsource
-A INPUT -m policy --dir in --pol ipsec --strict --proto esp --next --proto ah -j ACCEPT
-A web -p tcp -j REJECT --reject-with tcp-reset
"""
ODDS_6 = """\
-A web -p esp -j DROP
-A web -p mh -j DROP
-A web -m rt --rt-type 0 --rt-0-addrs fe80::1 --rt-0-not-strict -j DROP
-A INPUT -s ::ffff:1.2.3.4/128 -i a/b -p udp -m udp --dport tftp -j web
"""


def told(text: str, family: int = 4) -> tuple[object, ...]:
    """All that can be seen of reading a dump: how it prints and what it says, or the refusal."""
    try:
        rules = Ruleset.parse(text, family)
    except RuleError as error:
        return type(error), str(error), error.line, error.column, error.word, error.tool
    printed = rules.save(), rules.save(counters=True)
    chains = [chain for table in rules.tables.values() for chain in table.ordered()]
    return (*printed, rules.tables, [rule.counters for chain in chains for rule in chain.rules])


def warned(text: str, family: int = 4) -> tuple[object, ...]:
    """The same with all that the tool says on its error output."""
    tool = "iptables-restore" if family == 4 else "ip6tables-restore"
    return (run({}, [tool], Family(family), text).stderr, *told(text, family))


def in_full(tell: Callable[..., tuple[object, ...]], text: str, family: int) -> tuple[object, ...]:
    """What is told where every line is read word by word, as a command line is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clauses, "rule", lambda *_: None)
        return tell(text, family)


@pytest.fixture(autouse=True, scope="module")
def _guesses() -> Iterator[None]:
    """Let a pattern be made as soon as a line is found in the tree, of all that were."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "_PATIENCE", 0)
        patch.setattr(shapes, "_OFTEN", 1)
        yield


LEARNT = 4  # lines of one shape until the next is held against its pattern


def damaged(line: str, chance: Random) -> str:
    """The line with a character or a word changed, taken out or put in, or words swapped."""
    words, at = line.split(" "), chance.randrange(len(line))
    here, there = chance.randrange(len(words)), chance.randrange(len(words))
    letter = chance.choice("0123456789./:,-!\"'\\ \tabjmsADé\r+[]")
    match chance.randrange(6):
        case 0:
            return line[:at] + letter + line[at + 1 :]
        case 1:
            return line[:at] + line[at + 1 :]
        case 2:
            return line[:at] + letter + line[at:]
        case 3:
            words[here] = chance.choice(WORDS)
        case 4:
            words[here], words[there] = words[there], words[here]
        case _:
            words.insert(here, chance.choice(words + list(WORDS)))
    return " ".join(words)


def dump(table: str, lines: str) -> str:
    """A dump of one table with these lines."""
    return f"*{table}\n:OUTPUT ACCEPT [3:9]\n:web - [0:0]\n{lines}COMMIT\n"


@cache
def recorded() -> list[dict[str, Any]]:
    """Every recorded rule set: as it was written, and as the real tool saved it."""
    with tarfile.open(ARCHIVE) as archive:
        files = [m for m in archive if re.search(r"/(scenario|random)/.*\.json$", m.name)]
        return [json.loads(archive.extractfile(m).read()) for m in files]  # type: ignore[union-attr]


def test_recorded_dumps_are_read_as_if_every_line_were_read_in_full() -> None:
    for one in recorded():
        again = re.sub(r"^(-A .*\n)", r"\1" * (LEARNT + 1), one["saved"], flags=re.MULTILINE)
        assert told(again, one["family"]) == in_full(told, again, one["family"])


def test_a_damaged_line_in_a_recorded_dump_is_read_or_refused_as_in_full() -> None:
    chance = Random(4)
    for one in recorded():
        family, lines = one["family"], one["saved"].split("\n")
        rules = [at for at, line in enumerate(lines) if line.startswith("-A")]
        if rules:
            at = chance.choice(rules)
            lines[at:at] = [lines[at]] * LEARNT
            lines.insert(at + LEARNT, damaged(lines[at], chance))
            spoilt = "\n".join(lines)
            assert told(spoilt, family) == in_full(told, spoilt, family)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_extension_is_read_or_refused_as_in_full(file: Path) -> None:
    for row in rows(file):
        text = f"*{row.table}\n" + f"-A {row.chain} {row.written}\n" * (LEARNT + 1) + "COMMIT\n"
        assert warned(text, row.family) == in_full(warned, text, row.family), row


@pytest.mark.parametrize(
    ("table", "family", "kinds"),
    [
        ("filter", 4, KINDS),
        ("nat", 4, NATS),
        ("nat", 6, NATS_6),
        ("filter", 4, ODDS),
        ("filter", 6, ODDS_6),
    ],
)
@given(seed=st.integers(0, 2**32))
def test_lines_like_earlier_ones_are_read_or_refused_as_in_full(
    table: str, family: int, kinds: str, seed: int
) -> None:
    chance = Random(seed)
    line = chance.choice(kinds.splitlines())
    again = f"{line}\n" * chance.choice((1, LEARNT))
    text = dump(table, f"{kinds}{again}{damaged(line, chance)}\n")
    assert warned(text, family) == in_full(warned, text, family)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("-A web -j LOG", "-A INPUT -j LOG"),
        ('-A web -j LOG --log-prefix "a b"', '-A web -j LOG --log-prefix "a b" \N{NO-BREAK SPACE}'),
        ('-A web -j LOG --log-prefix "a b"', '-A web -j LOG --log-prefix "a b" \v --log-level 4'),
        ("-A INPUT -j LOG", "-A web -j LOG"),
        ("-A web -o eth0 -j DROP", "-A INPUT -o eth0 -j DROP"),
        ("-A web -i eth0 -j DROP", "-A web -i eth0123456789012 -j DROP"),
        ("-A web -i eth0 -j DROP", "-A web -i eth012345678901+ -j DROP"),
        ("-A web -i eth0 -j DROP", "-A web -i eth0123456789+12 -j DROP"),
        ("-A web -m mark --mark 1 -p 6", "-A web ! -m mark --mark 1 -p 6"),
        ("-A INPUT -j web", "-A INPUT -j OUTPUT"),
        ("-A INPUT -j web", "-A INPUT -j nowhere"),
        ("-A INPUT -j web", "-A INPUT -j DROP"),
        ("-A INPUT -j web", "-A INPUT -j web "),
        ("-A INPUT -s 10.0.0.0/8 -j DROP", "-A INPUT -s 10.0.0.1/8 -j DROP"),
        ("-A INPUT -s 10.0.0.1/24 -j DROP", "-A INPUT -s 10.0.0.0/24 -j DROP"),
        ("-A INPUT -s 10.0.0.1/32 -j DROP", "-A INPUT -s 10.0.0.1/33 -j DROP"),
        ("-A web -p tcp -m tcp --dport 80 -j DROP", "-A web -p tcp -m tcp --dport 080 -j DROP"),
        ("-A web -p tcp -m tcp --dport 80 -j DROP", "-A web -p tcp -m tcp --dport 80:90 -j DROP"),
        ('-A web -m comment --comment "a" -j DROP', '-A web -m comment --comment "a\\"" -j DROP'),
        ('-A web -m comment --comment "a" -j DROP', '-A web -m comment --comment "a -m" -j DROP'),
        ('-A web -m comment --comment "a" -j DROP', '-A web -m comment --comment "a -j b" -j DROP'),
        ('-A web -m comment --comment "a" -j DROP', '-A web -m comment --comment " " " -j DROP'),
        ('-A web -m comment --comment "a" -j DROP', f'-A web -m comment --comment "{"é" * 999}"'),
        ('-A web -m comment --comment "a" -j DROP', '-A web -m comment --comment "a -g b" -j DROP'),
        ('-A web -m comment --comment "a" -g in', '-A web -m comment --comment "a" -g OUTPUT'),
        ('-A web -m comment --comment "a" -g in', '-A web -m comment --comment "a" -g LOG'),
        ('-A web -m comment --comment "a" -g in', '-A web -m comment --comment "a" -j in'),
        ('-A web -m comment --comment "a" -g in', '-A web -m comment --comment "a" -j DROP -g in'),
        ("-A web -m comment --comment -j -j LOG", "-A web -m comment --comment -j -j in"),
        ('-A web -m comment --comment "a" -j in', '-A web -m comment --comment "a" -j OUTPUT'),
        ('-A web -m comment --comment "a" -j in', '-A web -m comment --comment "a" -j none'),
        ('-A web -m comment --comment "a" -j in', '-A web -m comment --comment "a" -j '),
        ('-A web -m comment --comment "a" -j in', '-A web -m comment --comment "a" -j web'),
        ('-A web -m comment --comment "a" -j in', '-A INPUT -m comment --comment "a" -j in'),
        ('-A web -m comment --comment "a" -j in', '-D web -m comment --comment "a" -j in'),
        ('-A web -m comment --comment "a" -j in', '-A none -m comment --comment "a" -j in'),
    ],
)
def test_a_line_unlike_the_guess_is_read_or_refused_as_in_full(line: str, other: str) -> None:
    lines = (":in - [0:0]", "-A OUTPUT -j web", *[line] * LEARNT, other, "")
    text = dump("filter", "\n".join(lines))
    assert warned(text) == in_full(warned, text, 4)


def test_a_chain_made_later_is_called_and_no_target() -> None:
    again = "-A web -j LOG\n" * LEARNT
    text = dump("filter", f"{again}:LOG - [0:0]\n-A web -j LOG\n{again}")
    assert warned(text) == in_full(warned, text, 4)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a'b", '"ab"', '"'])
def test_a_chain_with_a_quote_in_its_name_is_found_or_not_as_in_full(name: str) -> None:
    again = ":b - [0:0]\n" + "-A b -j DROP\n" * LEARNT
    for line in (f"-A {name} -j DROP", f"-A b -j {name}", f"-A b -g {name}"):
        text = dump("filter", f":{name} - [0:0]\n{again}{line}\n{line}\n")
        assert warned(text) == in_full(warned, text, 4)


@pytest.mark.parametrize(("family", "kinds"), [(4, ODDS), (6, ODDS_6)])
def test_the_odd_lines_are_taken_as_they_stand(family: int, kinds: str) -> None:
    assert not isinstance(told(dump("filter", kinds), family)[0], type)


def test_most_lines_of_a_real_dump_are_known_by_their_shape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[str] = []
    real = Restoration._rule

    def counting(restoration: Restoration, edit: Edit, place: Place) -> None:
        looked_at.append(place.text)
        real(restoration, edit, place)

    lines = "".join(
        f"-A web -s 10.0.{n}.0/24 -p tcp"
        f' -m comment --comment "no. {n}" -m tcp --dport {n} -j DROP\n'
        for n in range(100)
    )
    monkeypatch.setattr(Restoration, "_rule", counting)
    rules = Ruleset.parse(dump("filter", lines))
    assert looked_at == [lines.split("\n", 1)[0]]
    assert str(rules.tables["filter"].chains["web"]).split("\n", 1)[1] + "\n" == lines


def test_two_blanks_hold_no_empty_word_between_them() -> None:
    """``--comment  -m`` takes ``-m`` for the comment, however many like lines came before."""
    line = "-A INPUT -m comment --comment plain -m statistic --mode random --probability 0.5"
    damaged = line.replace("plain ", " ")
    for before in (0, 40):
        text = "\n".join(["*filter", *[line] * before, damaged, "COMMIT", ""])
        with pytest.raises(RuleSyntaxError, match="Bad argument `statistic'"):
            Ruleset.parse(text)
