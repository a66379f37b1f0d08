"""Clusters that are broken in ways people meet, and a node that nobody has seen before.

``CASES`` are the five clusters of lesson 13. Which of several things is broken in one, and
where, depends on the learner's seed; ``Repair`` is the exercise of mending it by commands.
``Stranger`` is a node with Services made up from a seed, and ``Fates`` asks what becomes of
packets there.
"""

from iptlab.course.broken.blame import BlameNode
from iptlab.course.broken.cases import CASES, Case
from iptlab.course.broken.fates import Fates
from iptlab.course.broken.repair import Probe, Question, Repair, leaves
from iptlab.course.broken.stranger import Stranger

__all__ = [
    "CASES",
    "BlameNode",
    "Case",
    "Fates",
    "Probe",
    "Question",
    "Repair",
    "Stranger",
    "leaves",
]
