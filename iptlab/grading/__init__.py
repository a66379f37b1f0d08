"""Exercises as data, and what is said about an answer."""

from iptlab.grading.exercise import Exercise, Misconception, answered, grade
from iptlab.grading.kinds import Goal, Predict, SupplyPacket, WriteRules, sends, treats
from iptlab.grading.reading import read_rules
from iptlab.grading.result import Result, Status

__all__ = [
    "Exercise",
    "Goal",
    "Misconception",
    "Predict",
    "Result",
    "Status",
    "SupplyPacket",
    "WriteRules",
    "answered",
    "grade",
    "read_rules",
    "sends",
    "treats",
]
