"""What the last lesson puts before a learner: broken clusters, and an unknown node's dump."""

from __future__ import annotations

from iptlab.console.lab import Lab
from iptlab.course.broken import CASES, Stranger
from iptlab.errors import IptlabError
from iptlab.notebook.session import seed
from iptlab.ruleset import Ruleset


def broken(number: int) -> Lab:
    """The learner's own broken cluster of that number; what people complain about is printed."""
    if number not in range(1, len(CASES) + 1):
        raise IptlabError(f"there is no broken cluster {number}; there are 1 to {len(CASES)}")
    case = CASES[number - 1](seed())
    print(case.says)
    return case.lab()


def stranger() -> Ruleset:
    """The rules of a node that the learner has never seen."""
    return Stranger(seed()).rules
