"""What iptables refuses about names, and how a refused edit is told.

Source: iptables/xshared.c, iptables/iptables.c; libiptc/libiptc.c (iptc_strerror)
"""

from __future__ import annotations

from iptlab.errors import RulesetError, RuleSyntaxError
from iptlab.netfilter.extension import TARGETS
from iptlab.netfilter.hooks import TableName
from iptlab.syntax.grammar import Command, Place
from iptlab.syntax.tokens import restore_words
from iptlab.targets.unmodelled import NAMES as UNMODELLED_TARGETS

# what the tool says of a failed edit, without its final full stop
NO_SUCH = "No chain/target/match by that name"
BAD_RULE = "Bad rule (does a matching rule exist in that chain?)"
INVALID = "Invalid argument"
BAD_POLICY = "Bad policy name"
BAD_BUILTIN = "Bad built-in chain name"

# the verdicts, which no chain may be called
VERDICTS = ("ACCEPT", "DROP", "QUEUE", "RETURN")
# how many characters a chain name may have
LONGEST = 28


def refusal(
    place: Place, word: str, cause: str, cure: str, tool: str, *, last: bool = False
) -> RulesetError:
    """What the kernel or the rule set does not allow, with the guilty word's column.

    ``last``: the word is a target or an extension, so it stands behind a chain's name.
    """
    columns = [found.column for found in restore_words(place.text) if found.text == word]
    return RulesetError(
        cause,
        line=place.line,
        column=columns[-1 if last else 0] if columns else bool(place.text),
        word=word,
        text=place.text,
        cure=cure,
        tool=tool,
    )


def check_command(command: Command, place: Place, table: TableName) -> None:
    """What iptables refuses about a command's names before it opens the table.

    Source: iptables/xshared.c (parse_chain, do_parse), iptables.c (do_command4)
    """
    if command.operation == "-N":
        _check_new_name(command.chain, place)
    if len(command.chain.encode()) > LONGEST:
        raise _bad_name(
            place,
            command.chain,
            f"chain name `{command.chain}' too long (must be under {LONGEST + 1} chars)",
            "A chain name has 1 to 28 characters.",
        )
    for rule in command.rules[:1]:
        if rule.target and rule.target.name == "DROP" and table is TableName.NAT:
            raise nat_drop(place)


def _check_new_name(name: str, place: Place) -> None:
    if name.startswith(("-", "!")):
        cause = f"chain name not allowed to start with `{name[0]}'"
        raise _bad_name(place, name, cause, "Begin the name with a letter.")
    if name in TARGETS or name in UNMODELLED_TARGETS or not name:
        cause = "chain name may not clash with target name"
        cure = f"{name} is a target: choose another name." if name else "Give the chain a name."
        raise _bad_name(place, name, cause, cure)
    if any(letter.isspace() for letter in name):
        raise _bad_name(place, name, f"Invalid chain name `{name}'", "Leave the blanks out.")


def _bad_name(place: Place, name: str, cause: str, cure: str) -> RuleSyntaxError:
    token = next((word for word in restore_words(place.text) if word.text == name), None)
    return place.error(token, cause, cure)


def nat_drop(place: Place) -> RuleSyntaxError:
    """DROP in the nat table, which the tool refuses by itself."""
    token = next((word for word in restore_words(place.text) if word.text == "DROP"), None)
    return place.error(
        token,
        "the nat table is not for filtering: DROP is refused there",
        "Drop in table filter, or in mangle or raw if it must be early.",
        '\nThe "nat" table is not intended for filtering, the use of DROP is therefore '
        "inhibited.\n\n",
    )
