"""Which line of some rules is meant, as people name lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise

from iptlab.errors import IptlabError
from iptlab.netfilter.rules import Table
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Place

# words that people put before a name or a number: table nat, chain PREROUTING, rule 1
_FILLING = frozenset(("table", "chain", "rule", "line", "number"))

# lines that are named where an answer may mean several
_MOST_NAMED = 6


def every_line(rules: Ruleset) -> Iterator[tuple[Place, str]]:
    """Every line there is: its place, and how it is written."""
    for name, table in rules.tables.items():
        for chain in table.ordered():
            for number, rule in enumerate(chain.rules, start=1):
                yield Place(name, chain.name, number), f"-A {chain.name} {rule}"
            if chain.policy:
                yield Place(name, chain.name), f":{chain.name} {chain.policy}"


def example(rules: Ruleset) -> str:
    """The first rule's place, as an answer names it."""
    return str(next(place for place, _ in every_line(rules) if place.number))


def meant(rules: Ruleset, said: object) -> Place | str:
    r"""The line that is meant, or what to write instead.

    >>> table = "*{}\n-A OUTPUT -j ACCEPT\nCOMMIT\n".format
    >>> rules = Ruleset.parse(table("raw") + table("nat"))
    >>> str(meant(rules, "table nat, chain OUTPUT, rule 1"))
    'nat OUTPUT 1'
    >>> meant(rules, "OUTPUT 1")
    'The table is missing: write "raw OUTPUT 1" or "nat OUTPUT 1".'
    """
    lines = dict(every_line(rules))
    words = str(said)[:500].split() if isinstance(said, int | str) else []
    short = [word.strip(",:") for word in words if word.strip(",:").casefold() not in _FILLING]
    fitting = (
        list(_written_out(rules, words))
        or [place for place, text in lines.items() if text.split() == words]
        or _named(list(lines), short)
    )
    if len(fitting) == 1:
        return fitting[0]
    return _which(fitting, short) if fitting else _instead(rules, list(lines), short)


def _named(places: list[Place], words: list[str]) -> list[Place]:
    """The lines whose place that is; a table or the only chain with rules may be left out."""
    busy = {place.chain for place in places if place.number}
    if len(busy) == 1 and len(words) == 1:
        words = [*busy, *words]
    return [one for one in places if words in (str(one).split(), str(one).split()[1:])]


def _instead(rules: Ruleset, places: list[Place], words: list[str]) -> str:
    """What to write in place of words that name no line."""
    folded = {word.casefold() for word in words}
    near = [one for one in places if folded and folded <= set(str(one).casefold().split())]
    if near:
        return _which(near, words)
    chains = "; ".join(
        f"{table} {', '.join(dict.fromkeys(one.chain for one in group))}"
        for table, group in groupby((one for one in places if one.number), lambda one: one.table)
    )
    return (
        f"There is no such line. Chains with rules are {chains}. "
        f'Write for example "{example(rules)}".'
    )


def _which(places: list[Place], words: list[str]) -> str:
    """What is missing where words may mean several lines, or are not quite a place."""
    found = " or ".join(f'"{place}"' for place in places[:_MOST_NAMED])
    said = {word.casefold() for word in words}
    if not said <= {part.casefold() for place in places for part in str(place).split()}:
        return f"There are {len(places)} such lines. Write which one you mean: {found}."
    missing = [
        part
        for part, names in (
            ("table", {str(one.table) for one in places}),
            ("chain", {one.chain.casefold() for one in places}),
            ("number", {str(one).split()[-1] for one in places}),
        )
        if not said & names and (part != "table" or len(names) > 1)
    ]
    if not missing:
        return f"Capitals matter in names: write {found}."
    verb = "is" if len(missing) == 1 else "are"
    return f"The {' and '.join(missing)} {verb} missing: write {found}."


def _written_out(rules: Ruleset, words: list[str]) -> Iterator[Place]:
    """Where a rule stands that was written out, as a command or as in a dump."""
    if "-A" not in words:
        return
    rest = words[words.index("-A") :]
    named = [word for flag, word in pairwise(words) if flag in ("-t", "--table")]
    for name, table in rules.tables.items():
        if name in named or not named:
            if named:
                rest = [word for word in rest if word not in ("-t", "--table", name)]
            chain, rule = _read_line(" ".join(rest), table, rules.family)
            for number, one in enumerate(table.chains[chain].rules if chain else (), start=1):
                if str(one) == rule:
                    yield Place(name, chain, number)


def _read_line(line: str, table: Table, family: int) -> tuple[str, str]:
    """The chain and the rule of a line of a table; empty if that is none."""
    chains = "".join(f":{one.name} {one.policy or '-'}\n" for one in table.ordered())
    try:
        read = Ruleset.parse(f"*{table.name}\n{chains}{line}\nCOMMIT\n", family)
    except IptlabError:
        return "", ""
    (found,) = (
        (chain.name, str(rule))
        for chain in read.tables[table.name].ordered()
        for rule in chain.rules
    )
    return found
