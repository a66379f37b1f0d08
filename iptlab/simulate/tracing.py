"""The lines that the kernel log shows of a packet once ``-j TRACE`` has marked it.

Kernel: net/ipv4/netfilter/ip_tables.c (trace_packet, get_chainname_rulenum)
"""

from __future__ import annotations

from collections.abc import Iterator

from iptlab.netfilter.rules import NOTHING, Rule
from iptlab.netfilter.values import Flag
from iptlab.simulate.logline import log_line
from iptlab.simulate.trace import Asked, Ended, How, TableVisit
from iptlab.targets.log import Log, Prefix
from iptlab.targets.trace import Trace

# targets that are verdicts of the kernel itself, as the end of every chain is one
_VERDICTS = ("ACCEPT", "DROP", "RETURN")


def marks(visit: TableVisit) -> bool:
    """Whether a TRACE rule matched there."""
    return any(isinstance(step.rule.target, Trace) for step in visit.matched())


def trace_lines(visit: TableVisit, *, traced: bool, destination_mac: str) -> Iterator[str]:
    """What is logged of a walk; ``traced`` is whether the packet is marked when it begins."""
    for record in visit.records:
        for place in _places(record, visit) if traced else ():
            yield log_line(_as_log(place), record.packet, record.context, destination_mac)
        if isinstance(record, Asked) and record.answer is True:
            rule = record.chain.rules[record.number - 1]
            traced = traced or isinstance(rule.target, Trace)


def _places(record: Asked | Ended, visit: TableVisit) -> Iterator[str]:
    """Table, chain, kind and number of the rules that the kernel took there.

    It stores the end of a chain as one more rule, and tells rules without any condition from
    such an end only by their number.
    """
    match record:
        case Asked(chain, number, answer=True):
            end = "policy" if chain.policy else "return"
            kind = end if _is_bare(chain.rules[number - 1]) else "rule"
            yield f"{visit.table}:{chain.name}:{kind}:{number}"
        case Ended(chain, how=how, back=back):
            if how is How.END and not chain.policy:
                yield f"{visit.table}:{chain.name}:return:{len(chain.rules) + 1}"
            if back is None:
                first = visit.records[0].chain
                yield f"{visit.table}:{first.name}:policy:{len(first.rules) + 1}"


def _is_bare(rule: Rule) -> bool:
    """Whether the rule is a verdict for every packet."""
    verdict = rule.target is not None and rule.target.name in _VERDICTS
    return verdict and rule.header == NOTHING and not rule.matches


def _as_log(place: str) -> Log:
    """TRACE logs as LOG does with all its options."""
    flag, prefix = Flag(), Prefix(f"TRACE: {place} ")
    return Log(prefix, tcp_sequence=flag, tcp_options=flag, ip_options=flag, uid=flag)
