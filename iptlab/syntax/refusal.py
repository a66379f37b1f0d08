"""What iptables refuses about names, and how a refused edit is told.

Source: iptables/xshared.c, iptables/iptables.c; libiptc/libiptc.c (iptc_strerror)
"""

from __future__ import annotations

from iptlab.errors import RulesetError, RuleSyntaxError
from iptlab.netfilter.extension import TARGETS
from iptlab.syntax.grammar import Place
from iptlab.syntax.tokens import Token, restore_words

# what the tool says of a failed edit besides the errors of the kernel, without its full stop
BAD_RULE = "Bad rule (does a matching rule exist in that chain?)"
BAD_POLICY = "Bad policy name"
BAD_BUILTIN = "Bad built-in chain name"

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
        column=columns[-1 if last else 0] if columns else int(bool(place.text)),
        word=word,
        text=place.text,
        cure=cure,
        tool=tool,
    )


def check_new_name(word: Token, place: Place) -> None:
    """Refuse a name that a new chain cannot have."""
    name = word.text
    if name.startswith(("-", "!")):
        cause = f"chain name not allowed to start with `{name[0]}'"
        raise place.error(word, cause, "Begin the name with a letter.")
    if name in TARGETS or not name:
        cause = "chain name may not clash with target name"
        cure = f"{name} is a target: choose another name." if name else "Give the chain a name."
        raise place.error(word, cause, cure)
    if any(letter.isspace() for letter in name):
        raise place.error(word, f"Invalid chain name `{name}'", "Leave the blanks out.")


def check_length(word: Token, place: Place) -> None:
    """Refuse a chain's name that no chain can have."""
    if len(word.text.encode()) > LONGEST:
        cause = f"chain name `{word.text}' too long (must be under {LONGEST + 1} chars)"
        raise place.error(word, cause, f"A chain name has 1 to {LONGEST} characters.")


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
