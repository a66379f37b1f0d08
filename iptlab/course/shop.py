"""The cluster of a small bicycle shop, which grows from lesson 09 to lesson 13."""

from __future__ import annotations

from functools import cache

from iptlab.console.lab import Lab
from iptlab.course.files import notebooks
from iptlab.kubernetes.kubectl.commands import kubectl
from iptlab.ruleset import read_text
from iptlab.simulate.machine import Machine


def node(name: str, *files: str) -> Machine:
    """A copy of a node after ``kubectl apply`` of these files, ``web`` for web.yaml."""
    return _built(files)[name].copy()


@cache
def _built(names: tuple[str, ...]) -> Lab:
    lab = Lab.kubernetes("")
    assert lab.plane
    for name in names:
        text = read_text(notebooks() / "data" / "shop" / f"{name}.yaml")
        kubectl(lab.plane, ("apply", "-f", "-"), text)
    return lab
