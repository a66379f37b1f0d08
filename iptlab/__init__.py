"""Learn iptables, and how Kubernetes routes Services with it, on a simulator that explains."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iptlab.console.lab import Lab as Lab
    from iptlab.course import data as data
    from iptlab.course import exercise as exercise
    from iptlab.english import explain as explain
    from iptlab.errors import BadValueError as BadValueError
    from iptlab.errors import CannotCompare as CannotCompare
    from iptlab.errors import CheckFailedError as CheckFailedError
    from iptlab.errors import FileError as FileError
    from iptlab.errors import IptlabError as IptlabError
    from iptlab.errors import ManifestError as ManifestError
    from iptlab.errors import PacketError as PacketError
    from iptlab.errors import RuleError as RuleError
    from iptlab.errors import RulesetError as RulesetError
    from iptlab.errors import RuleSyntaxError as RuleSyntaxError
    from iptlab.grading import grade as grade
    from iptlab.grading import read_rules as read_rules
    from iptlab.grading.compare import compare as compare
    from iptlab.grading.scope import Scope as Scope
    from iptlab.kernel.verify import Verification as Verification
    from iptlab.kernel.verify import verify as verify
    from iptlab.kubernetes.cluster import Cluster as Cluster
    from iptlab.kubernetes.kube_proxy import Proxy as Proxy
    from iptlab.kubernetes.manifests import Manifests as Manifests
    from iptlab.netfilter.actions import Verdict as Verdict
    from iptlab.netfilter.context import Owner as Owner
    from iptlab.netfilter.extension import register_match as register_match
    from iptlab.netfilter.extension import register_target as register_target
    from iptlab.netfilter.hooks import Hook as Hook
    from iptlab.netfilter.hooks import TableName as TableName
    from iptlab.netfilter.hooks import hooks_of as hooks_of
    from iptlab.netfilter.hooks import tables_at as tables_at
    from iptlab.notebook.check import check as check
    from iptlab.notebook.check import hint as hint
    from iptlab.notebook.check import progress as progress
    from iptlab.notebook.check import reset as reset
    from iptlab.notebook.check import review as review
    from iptlab.notebook.check import score as score
    from iptlab.notebook.check import solution as solution
    from iptlab.notebook.costs import Costs as Costs
    from iptlab.notebook.load_balancing import LoadBalancing as LoadBalancing
    from iptlab.notebook.magics import load_ipython_extension as load_ipython_extension
    from iptlab.notebook.selftest import selftest as selftest
    from iptlab.notebook.widgets.chain_graph import ChainGraph as ChainGraph
    from iptlab.notebook.widgets.conntrack_timeline import ConntrackTimeline as ConntrackTimeline
    from iptlab.notebook.widgets.exercise_panel import ExercisePanel as ExercisePanel
    from iptlab.notebook.widgets.packet_builder import PacketBuilder as PacketBuilder
    from iptlab.notebook.widgets.packet_flow import PacketFlow as PacketFlow
    from iptlab.notebook.widgets.quiz import Quiz as Quiz
    from iptlab.notebook.widgets.rule_table import RuleTable as RuleTable
    from iptlab.notebook.widgets.ruleset_editor import RulesetEditor as RulesetEditor
    from iptlab.notebook.widgets.service_map import ServiceMap as ServiceMap
    from iptlab.notebook.widgets.tables_and_hooks import TablesAndHooks as TablesAndHooks
    from iptlab.packet import Packet as Packet
    from iptlab.ruleset import Ruleset as Ruleset
    from iptlab.simulate.host import Host as Host
    from iptlab.simulate.host import Interface as Interface
    from iptlab.simulate.journey import Fate as Fate
    from iptlab.simulate.journey import Journey as Journey
    from iptlab.simulate.machine import Machine as Machine
    from iptlab.simulate.situation import Situation as Situation
    from iptlab.simulate.situation import trace as trace
    from iptlab.version import __version__ as __version__
    from iptlab.version import require as require

# Where each public name lives; its module is imported when the name is first used, so that
# ``import iptlab`` itself costs next to nothing. The imports above are for type checkers.
_HOMES = {
    "console.lab": ("Lab",),
    "course": ("data", "exercise"),
    "english": ("explain",),
    "errors": (
        *("BadValueError", "CannotCompare", "CheckFailedError", "FileError", "IptlabError"),
        *("ManifestError", "PacketError", "RuleError", "RuleSyntaxError", "RulesetError"),
    ),
    "grading": ("grade", "read_rules"),
    "grading.compare": ("compare",),
    "grading.scope": ("Scope",),
    "kernel.verify": ("Verification", "verify"),
    "kubernetes.cluster": ("Cluster",),
    "kubernetes.kube_proxy": ("Proxy",),
    "kubernetes.manifests": ("Manifests",),
    "netfilter.actions": ("Verdict",),
    "netfilter.context": ("Owner",),
    "netfilter.extension": ("register_match", "register_target"),
    "netfilter.hooks": ("Hook", "TableName", "hooks_of", "tables_at"),
    "notebook.check": ("check", "hint", "progress", "reset", "review", "score", "solution"),
    "notebook.costs": ("Costs",),
    "notebook.load_balancing": ("LoadBalancing",),
    "notebook.magics": ("load_ipython_extension",),
    "notebook.selftest": ("selftest",),
    "notebook.widgets.chain_graph": ("ChainGraph",),
    "notebook.widgets.conntrack_timeline": ("ConntrackTimeline",),
    "notebook.widgets.exercise_panel": ("ExercisePanel",),
    "notebook.widgets.packet_builder": ("PacketBuilder",),
    "notebook.widgets.packet_flow": ("PacketFlow",),
    "notebook.widgets.quiz": ("Quiz",),
    "notebook.widgets.rule_table": ("RuleTable",),
    "notebook.widgets.ruleset_editor": ("RulesetEditor",),
    "notebook.widgets.service_map": ("ServiceMap",),
    "notebook.widgets.tables_and_hooks": ("TablesAndHooks",),
    "packet": ("Packet",),
    "ruleset": ("Ruleset",),
    "simulate.host": ("Host", "Interface"),
    "simulate.journey": ("Fate", "Journey"),
    "simulate.machine": ("Machine",),
    "simulate.situation": ("Situation", "trace"),
    "version": ("__version__", "require"),
}
_HOME = {name: f"iptlab.{module}" for module, names in _HOMES.items() for name in names}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'iptlab' has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(_HOME[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


if "IPython" in sys.modules:
    import_module("iptlab.notebook.magics").attach()
