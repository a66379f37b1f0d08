"""``iptables``, ``ip6tables``, their ``-save`` and ``-restore``: on the machine's own tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise

from iptlab.console.command import Output, Session, register_command
from iptlab.console.commands.modules import load_module
from iptlab.console.files import read_file
from iptlab.console.hosts_file import HOSTS, read_hosts
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


@register_command(*_NAMES)
def iptables(session: Session, words: Sequence[str]) -> Output:
    """Run it as the real one runs, and keep the tables it leaves, with their counters."""
    machine = session.machine
    family = Program.named(words[0]).family
    before = machine.rules(family).tables
    # the first name that an address has in the file is the one it is shown by
    known = read_hosts(session.box.files.get(HOSTS, ""))
    hosts = {one: name for name in reversed([*known]) for one in known[name]}
    outcome = run(
        before,
        _resolved(words, session.names, family),
        family,
        session.stdin,
        sets=machine.sets,
        files={word: text for word in words[1:] for text in _file(session, word)},
        hosts=hosts,
        date=machine.now.ctime(),
    )
    after = outcome.tables
    if [*before] != [*after] or any(after[name] is not before[name] for name in after):
        machine.load(Ruleset(Dump(after), family))
    for name in after.keys() - before.keys():
        # kernel: net/ipv4/netfilter/ip_tables.c (get_info): xt_request_find_table_lock
        load_module(session, f"{'ip' if family is Family.IPV4 else 'ip6'}table_{name}")
    return Output(outcome.stdout, outcome.stderr, outcome.status)


_ADDRESSES = ("-s", "--source", "--src", "-d", "--destination", "--dst")


def _resolved(
    words: Sequence[str], names: Mapping[str, tuple[str, ...]], family: Family
) -> list[str]:
    """The words with addresses instead of names behind -s and -d, all that a name has."""
    found = [words[0]]
    for option, word in pairwise(words):
        parts = (_addresses(part, names, family) for part in word.split(","))
        found.append(",".join(parts) if option in _ADDRESSES else word)
    return found


def _addresses(part: str, names: Mapping[str, tuple[str, ...]], family: Family) -> str:
    """``NAME`` or ``NAME/LENGTH`` with the name's addresses of the family, if it has some."""
    name, slash, length = part.partition("/")
    known = (one for one in names.get(name, ()) if (":" in one) == (family is Family.IPV6))
    return ",".join(f"{one}{slash}{length}" for one in known) or part


def _file(session: Session, word: str) -> Iterator[str]:
    """The text of the file that a word names, if it names one."""
    with suppress(FileError):
        yield read_file(session, word)
