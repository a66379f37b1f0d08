"""``ip rule``: which table is looked up for which packets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from iptlab.console.command import Output
from iptlab.console.complaint import ComplaintError
from iptlab.console.iproute.common import Call, invalid, netlink, prefix, subcommand
from iptlab.console.iproute.route_list import table
from iptlab.packet import Family
from iptlab.simulate.routing import Network, PolicyRule

# the rules that are always there
_LOCAL, _MAIN, _DEFAULT = 0, 32766, 32767
_ALWAYS = {_LOCAL: "local", _MAIN: "main", _DEFAULT: "default"}
_EVERY_BIT = 0xFFFFFFFF
_REFUSED = frozenset(
    (
        *("not", "oif", "tos", "dsfield", "uidrange", "ipproto", "sport", "dport", "goto", "nop"),
        *("prohibit", "blackhole", "unreachable", "nat", "type", "l3mdev"),
    )
)
_PREFERENCE = frozenset(("pref", "preference", "priority", "prio", "order"))


def _family(call: Call) -> Family:
    return Family(call.family or 4)


def _own(call: Call) -> list[PolicyRule]:
    """The rules that somebody added, in the order that they are asked."""
    own = (one for one in call.host.policy if one.family == _family(call))
    return sorted(own, key=lambda one: one.preference)


def _show(call: Call) -> Output:
    if call.words:
        raise call.refuse("a selection of rules", "Write: ip rule show.")
    family = _family(call)
    always = [PolicyRule(n, name, family) for n, name in _ALWAYS.items()]
    if family is Family.IPV6:
        always.pop()
    rules = sorted((*always, *_own(call)), key=lambda one: one.preference)
    return Output("".join(f"{_line(call, one)}\n" for one in rules))


def _line(call: Call, one: PolicyRule) -> str:
    words = ["from", _network(one.source) if one.source else "all"]
    words += ["to", _network(one.destination)] if one.destination else []
    if one.mark or one.mask:
        mask = f"/{one.mask:#x}" if one.mask != _EVERY_BIT else ""
        words += ["fwmark", f"{one.mark:#x}{mask}"]
    if one.in_interface:
        words += ["iif", one.in_interface]
        words += ["[detached]"] if one.in_interface not in call.host.by_name else []
    return f"{one.preference}:\t{' '.join([*words, 'lookup', one.table])}"


def _network(network: Network) -> str:
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)


def _read(call: Call) -> dict[str, object]:
    """What a rule says, by the names of its fields."""
    said: dict[str, object] = {}
    while call.words:
        word = call.next()
        if word in _REFUSED:
            raise call.refuse(f"ip rule {word}", "Known: from, to, fwmark, iif, pref, table.")
        if word in _PREFERENCE:
            said["preference"] = _number(call.value(), "preference value is invalid")
        elif word in ("from", "to"):
            said["source" if word == "from" else "destination"] = _end(call)
        elif word == "fwmark":
            mark, slash, mask = call.value().partition("/")
            wrong = "fwmark value is invalid"
            said["mark"] = _number(mark, wrong)
            said["mask"] = _number(mask, "fwmask value is invalid") if slash else _EVERY_BIT
        elif word in ("iif", "dev"):
            said["in_interface"] = call.value()
        elif word in ("table", "lookup"):
            said["table"] = table(call.value(), "invalid table ID")
        else:
            raise ComplaintError(
                f'Error: argument "{word}" is wrong: Failed to parse rule type', 255
            )
    return said


def _end(call: Call) -> Network | None:
    word = call.value()
    return None if word in ("all", "any", "default") else prefix(word, call.family)


def _number(word: str, wrong: str) -> int:
    try:
        return int(word, 0)
    except ValueError:
        raise invalid(word, wrong) from None


def _versions(said: dict[str, object]) -> Iterator[int]:
    for name in ("source", "destination"):
        network = said.get(name)
        if network is not None:
            yield network.version  # type: ignore[attr-defined]


def _add(call: Call) -> Output:
    """A rule; without a preference it is asked before all others but the one for local."""
    if not call.words:
        raise ComplaintError('"ip rule add" requires arguments.')
    said = {"table": "main", **_read(call)}
    call.family = next(_versions(said), call.family)
    others = [one.preference for one in _own(call)]
    preference = said.pop("preference", min([*others, _MAIN]) - 1)
    assert isinstance(preference, int)
    if not _LOCAL < preference < _MAIN:
        raise call.refuse(f"a rule at {preference}", f"Take a number from 1 to {_MAIN - 1}.")
    rule = replace(PolicyRule(preference, "main", _family(call)), **said)  # type: ignore[arg-type]
    if rule in call.host.policy:
        raise netlink("File exists")
    return call.configure(policy=(*call.host.policy, rule))


def _delete(call: Call) -> Output:
    """Take away the first rule that has what is said."""
    if not call.words:
        raise ComplaintError('"ip rule del" requires arguments.')
    said = _read(call)
    call.family = next(_versions(said), call.family)
    for one in _own(call):
        if all(getattr(one, name) == value for name, value in said.items()):
            left = list(call.host.policy)
            left.remove(one)
            return call.configure(policy=tuple(left))
    always = [{"preference": n, "table": name} for n, name in _ALWAYS.items()]
    if any(said.items() <= one.items() for one in always):
        raise call.refuse("deleting a rule that is always there")
    raise netlink("No such file or directory")


def _flush(call: Call) -> Output:
    instead = "It would take away main too; delete rules one by one: ip rule del pref NUMBER."
    raise call.refuse("flushing rules", instead)


_COMMANDS = {
    "list|lst|show": _show,
    "save|restore": _flush,
    "add": _add,
    "delete": _delete,
    "flush": _flush,
}


def rule(call: Call) -> Output:
    """Show policy rules, add one or take one away."""
    word = call.next() if call.words else "list"
    return subcommand(word, _COMMANDS, "rule")(call)
