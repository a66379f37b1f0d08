"""What ``iptables -L`` and ``iptables -S`` print, column by column.

Source: iptables/xshared.c (print_header, print_rule_details), iptables.c (list_entries,
list_rules); release 1.8.9, legacy
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from iptlab.netfilter.extension import Extension, Target
from iptlab.netfilter.header import Header
from iptlab.netfilter.networks import Network
from iptlab.netfilter.rules import VERDICTS, Chain, Counters, Jump, Rule, Table
from iptlab.netfilter.values import Given, InterfaceName, ProtocolNumber
from iptlab.packet import Family
from iptlab.syntax.grammar import Command
from iptlab.targets.unmodelled import AbsentChain, KeptTarget

# what iptables calls a protocol without asking /etc/protocols; libxtables/xtables.c
_CHAIN_PROTOCOLS = {0: "all", 1: "icmp", 6: "tcp", 17: "udp", 50: "esp", 51: "ah"} | {
    58: "ipv6-icmp",
    132: "sctp",
    135: "ipv6-mh",
    136: "udplite",
}
# what /etc/hosts and /etc/networks know everywhere
_ADDRESS_NAMES = {
    "0.0.0.0": "default",
    "127.0.0.0": "loopback",
    "127.0.0.1": "localhost",
    "169.254.0.0": "link-local",
}


@dataclass(frozen=True)
class Columns:
    """Which columns ``-L`` shows: ``-n``, ``-v``, ``-x``, ``--line-numbers``.

    A line of ``-v -A`` has no columns: ``aligned`` is False. ``hosts`` are names to show
    instead of addresses.
    """

    numeric: bool = False
    verbose: bool = False
    exact: bool = False
    line_numbers: bool = False
    aligned: bool = True
    hosts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, command: Command, hosts: Mapping[str, str]) -> Columns:
        """The columns that a command's switches ask for."""
        names = {name for name, _ in command.switches}
        asked = ("-n" in names, "-v" in names, "-x" in names, "--line-numbers" in names)
        return cls(*asked, hosts=hosts)

    def padded(self, text: str, width: int) -> str:
        """A column's text and the blank after it."""
        return f"{text:<{width}} " if self.aligned else f"{text} "


_ONE_LINE = Columns(numeric=True, verbose=True, aligned=False)


def listed(table: Table, command: Command, family: Family, hosts: Mapping[str, str]) -> list[str]:
    """The lines that a ``-L`` or ``-S`` command prints; ``hosts`` are names of addresses."""
    chains = (table.chains[command.chain],) if command.chain else table.ordered()
    columns = Columns.of(command, hosts)
    if command.operation == "-S":
        return list(_rules_list(chains, command.number, columns))
    if command.number is not None:
        return list(_rows(chains[0], columns, family, command.number))
    references = Counter(
        rule.target.chain
        for chain in table.chains.values()
        for rule in chain.rules
        if isinstance(rule.target, Jump)
    )
    lines: list[str] = []
    for chain in chains:
        lines += [""] * bool(lines)
        lines += [_title(chain, references[chain.name], columns), _header(columns)]
        lines += _rows(chain, columns, family)
    return lines


def rule_line(rule: Rule, family: Family) -> str:
    """The line with which ``iptables -v -A`` and its like show a rule."""
    return _row(rule, _ONE_LINE, family)


# --- iptables -S ---


def _rules_list(chains: tuple[Chain, ...], number: int | None, columns: Columns) -> Iterator[str]:
    if number is None:
        for chain in chains:
            if chain.policy is None:
                yield f"-N {chain.name}"
            else:
                counts = f" -c {_spaced(chain.counters)}" * columns.verbose
                yield f"-P {chain.name} {chain.policy}{counts}"
    for chain in chains:
        for at, rule in enumerate(chain.rules, start=1):
            if number in (None, at):
                yield _command(chain.name, rule, columns)


def _command(chain: str, rule: Rule, columns: Columns) -> str:
    counts = f"-c {_spaced(rule.counters)}" * columns.verbose
    parts = ("-A", chain, str(rule.header), *map(str, rule.matches), counts)
    return " ".join(part for part in (*parts, str(rule.target or "")) if part)


def _spaced(counters: Counters) -> str:
    return f"{counters.packets} {counters.bytes}"


# --- iptables -L ---


def _title(chain: Chain, references: int, columns: Columns) -> str:
    if chain.policy is None:
        return f"Chain {chain.name} ({references} references)"
    if not columns.verbose:
        return f"Chain {chain.name} (policy {chain.policy})"
    packets, octets = (_shortened(n, columns).strip() for n in chain.counters)
    return f"Chain {chain.name} (policy {chain.policy} {packets} packets, {octets} bytes)"


def _header(columns: Columns) -> str:
    packets, octets = (8, 10) if columns.exact else (5, 5)
    return "".join(
        (
            "num  " * columns.line_numbers,
            f"{'pkts':>{packets}} {'bytes':>{octets}} " * columns.verbose,
            "target     prot opt ",
            "in     out     " * columns.verbose,
            "source               destination         ",
        )
    )


def _rows(
    chain: Chain, columns: Columns, family: Family, number: int | None = None
) -> Iterator[str]:
    for at, rule in enumerate(chain.rules, start=1):
        if number in (None, at):
            counts = "".join(f"{_shortened(n, columns)} " for n in rule.counters)
            yield (
                f"{at:<4} " * columns.line_numbers
                + counts * columns.verbose
                + _row(rule, columns, family)
            )


def _shortened(number: int, columns: Columns) -> str:
    """A count in its column: up to 99999 as it is, then in thousands with K, M, G or T."""
    if columns.exact:
        return f"{number:8}"
    if number <= 99999:
        return f"{number:5}"
    for unit in "KMG":
        number = (number + 500) % 2**64 // 1000
        if number <= 9999:
            return f"{number:4}{unit}"
    return f"{(number + 500) // 1000:4}T"


def _row(rule: Rule, columns: Columns, family: Family) -> str:
    """One rule: target, protocol, -f, interfaces, addresses, then what extensions print."""
    header, target = rule.header, rule.target
    parts = [columns.padded(target_name(target), 9), _protocol(header.protocol, columns)]
    parts.append("" if columns.aligned else "opt ")
    parts.append(f"{'!f' if header.fragment.negated else '-f'} " if header.fragment else "-- ")
    if columns.verbose:
        parts.append(_interfaces(header, columns))
    parts.append(_addresses(header, columns, family))
    if isinstance(target, Jump) and target.goto:
        parts.append("[goto] ")
    telling: list[Extension] = list(rule.matches)
    if target and not isinstance(target, Jump) and target.name not in VERDICTS:
        telling.append(target)
    beside = header.named_protocol
    for one in telling:
        if text := one.listed_beside(beside, numeric=columns.numeric):
            parts.append(one.gap + text)
    return "".join(parts)


def target_name(target: Target | None) -> str:
    """What stands in the column ``target``; nothing for a rule that only counts."""
    match target:
        case None:
            return ""
        case Jump(chain=name) | AbsentChain(chain=name):
            return name
        case KeptTarget(text=text):
            return " ".join(text.split()[1:2])  # a line may be cut off behind -j
        case _:
            return target.column or target.name


def _protocol(given: Given[ProtocolNumber] | None, columns: Columns) -> str:
    number = given.value.number & 0xFF if given else 0  # the list has room for one byte
    name = str(ProtocolNumber(number))
    if columns.numeric:
        # only a line without columns keeps the few names that iptables knows by itself
        name = str(number) if columns.aligned else _CHAIN_PROTOCOLS.get(number, str(number))
    return _mark(given) + columns.padded(name, 4)


def _interfaces(header: Header, columns: Columns) -> str:
    into = _interface(header.in_interface, columns)
    out = _interface(header.out_interface, columns)
    if columns.aligned:
        return f" {into:<6} {out:<6} "
    return f"in {into} out {out} "


def _interface(given: Given[InterfaceName] | None, columns: Columns) -> str:
    if given is None:
        return "*" if columns.numeric else "any"
    return f"{'!' * given.negated}{given.value}"


def _addresses(header: Header, columns: Columns, family: Family) -> str:
    src, dst = (_address(given, columns, family) for given in (header.src, header.dst))
    if columns.aligned:
        return f"{_mark(header.src)}{src:<19} {_mark(header.dst)}{dst:<19} "
    return f"{_mark(header.src)}{src} {_mark(header.dst)}-> {dst}  "


def _address(given: Given[Network] | None, columns: Columns, family: Family) -> str:
    everything = "0.0.0.0/0" if family is Family.IPV4 else "::/0"
    if given is None or given.value.is_everything:
        return everything if columns.numeric else "anywhere"
    address, slash, mask = str(given.value).partition("/")
    if address == "::" and not columns.numeric:
        return "anywhere"
    whole = mask == str(family.bits)
    known = _ADDRESS_NAMES.get(address, address)
    named = columns.hosts.get(address, known) if whole else known
    name = address if columns.numeric else named
    return name if whole else f"{name}{slash}{mask}"


def _mark(given: object) -> str:
    """``!`` in front of what is negated, else a blank."""
    return "!" if isinstance(given, Given) and given.negated else " "
