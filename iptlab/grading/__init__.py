"""Exercises as data, and what is said about an answer.

How to write one of each kind stands in ``iptlab.grading.kinds``.
"""

from iptlab.grading.exercise import Exercise, Misconception, Variants, answered, grade
from iptlab.grading.kinds import (
    FATES,
    Arrange,
    EditManifest,
    FindLine,
    Flow,
    Goal,
    KubeProxyRules,
    LogRules,
    Predict,
    SupplyPacket,
    WriteRules,
    blames,
    decider,
    ends,
    lists,
    omits,
    reaches,
    sends,
    treats,
    writes,
)
from iptlab.grading.reading import read_rules
from iptlab.grading.result import Result, Status
from iptlab.grading.scope import Aspect, Logs, Scope

__all__ = [
    "FATES",
    "Arrange",
    "Aspect",
    "EditManifest",
    "Exercise",
    "FindLine",
    "Flow",
    "Goal",
    "KubeProxyRules",
    "LogRules",
    "Logs",
    "Misconception",
    "Predict",
    "Result",
    "Scope",
    "Status",
    "SupplyPacket",
    "Variants",
    "WriteRules",
    "answered",
    "blames",
    "decider",
    "ends",
    "grade",
    "lists",
    "omits",
    "reaches",
    "read_rules",
    "sends",
    "treats",
    "writes",
]
