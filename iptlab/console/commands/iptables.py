"""``iptables``, ``ip6tables``, their ``-save`` and ``-restore``: on the machine's own tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from iptlab.console.command import Output, Session, register_command
from iptlab.console.files import read_file
from iptlab.console.reach import hosts
from iptlab.errors import FileError
from iptlab.packet import Family
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

# the options whose value is addresses
_ADDRESSES = ("-s", "--source", "--src", "-d", "--destination", "--dst")


@register_command(*_NAMES)
def iptables(session: Session, words: Sequence[str]) -> Output:
    """Run it as the real one runs, and keep the tables it leaves, with their counters."""
    machine = session.machine
    family = Program.named(words[0]).family
    before = machine.rules(family).tables
    outcome = run(
        before,
        list(_looked_up(session, words, family)),
        family,
        session.stdin,
        sets=machine.sets,
        files={word: text for word in words[1:] for text in _file(session, word)},
        names={str(address): names[0] for address, names in [*hosts(session)][::-1]},
        date=machine.now.ctime(),
    )
    after = outcome.tables
    if [*before] != [*after] or any(after[name] is not before[name] for name in after):
        machine.load(Ruleset(Dump(after), family))
    return Output(outcome.stdout, outcome.stderr, outcome.status)


def _looked_up(session: Session, words: Sequence[str], family: Family) -> Iterator[str]:
    """The words; a host's name after ``-s`` or ``-d`` is replaced by its addresses."""
    before = ""
    for word in words:
        if before in _ADDRESSES:
            parts = (_address(session, part, family) for part in word.split(","))
            yield ",".join(parts)
        else:
            yield word
        before = word


def _address(session: Session, text: str, family: Family) -> str:
    """The addresses of a name in ``/etc/hosts``; any other text stays."""
    name, slash, mask = text.partition("/")
    known = [one for one, names in hosts(session) if name in names and one.version == family]
    return ",".join(f"{one}{slash}{mask}" for one in known) or text


def _file(session: Session, word: str) -> Iterator[str]:
    """The text of the file that a word names, if it names one."""
    with suppress(FileError):
        yield read_file(session, word)
