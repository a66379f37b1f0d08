"""Learn iptables, and how Kubernetes routes Services with it, on a simulator that explains."""

from iptlab.course import data, exercise
from iptlab.errors import (
    BadValueError,
    CheckFailedError,
    FileError,
    IptlabError,
    PacketError,
    RuleError,
    RulesetError,
    RuleSyntaxError,
)
from iptlab.grading import grade, read_rules
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.extension import register_match, register_target
from iptlab.netfilter.hooks import Hook, TableName, hooks_of, tables_at
from iptlab.notebook.check import check, hint
from iptlab.notebook.magics import attach, load_ipython_extension
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate.situation import Situation, trace
from iptlab.version import __version__, require

__all__ = [
    "BadValueError",
    "CheckFailedError",
    "FileError",
    "Hook",
    "IptlabError",
    "Packet",
    "PacketError",
    "RuleError",
    "RuleSyntaxError",
    "Ruleset",
    "RulesetError",
    "Situation",
    "TableName",
    "Verdict",
    "__version__",
    "check",
    "data",
    "exercise",
    "grade",
    "hint",
    "hooks_of",
    "load_ipython_extension",
    "read_rules",
    "register_match",
    "register_target",
    "require",
    "tables_at",
    "trace",
]

attach()
