"""``iptables``, ``ip6tables``, their ``-save`` and ``-restore``: on the machine's own tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from iptlab.console.command import Output, Session, register_command
from iptlab.console.files import read_file
from iptlab.errors import FileError
from iptlab.ruleset import Ruleset
from iptlab.syntax.command import run
from iptlab.syntax.program import Program
from iptlab.syntax.save import Dump

_NAMES = [
    f"{family}{backend}{kind}"
    for family in ("iptables", "ip6tables")
    for backend in ("", "-legacy", "-nft")
    for kind in ("", "-save", "-restore")
]


@register_command(*_NAMES)
def iptables(session: Session, words: Sequence[str]) -> Output:
    """Run it as the real one runs, and keep the tables it leaves, with their counters."""
    machine = session.machine
    family = Program.named(words[0]).family
    before = machine.rules(family).tables
    outcome = run(
        before,
        words,
        family,
        session.stdin,
        sets=machine.sets,
        files={word: text for word in words[1:] for text in _file(session, word)},
        date=machine.now.ctime(),
    )
    after = outcome.tables
    if [*before] != [*after] or any(after[name] is not before[name] for name in after):
        machine.load(Ruleset(Dump(after), family))
    return Output(outcome.stdout, outcome.stderr, outcome.status)


def _file(session: Session, word: str) -> Iterator[str]:
    """The text of the file that a word names, if it names one."""
    with suppress(FileError):
        yield read_file(session, word)
