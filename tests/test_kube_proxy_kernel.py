"""kube-proxy's rules loaded into a real kernel: both back ends save what we say they save."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_kube_proxy_golden import recordings

from iptlab.kubernetes.config import Config
from iptlab.kubernetes.fixed_rules import CANARY_TABLES, HOOKS
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.loading import load
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.names import CANARY
from iptlab.packet import Family
from iptlab.ruleset import Ruleset


def sample(family: Family) -> Iterator[list[tuple[str, str]]]:
    """Restore texts of recorded clusters, step by step, each with what we say is saved then.

    All clusters of several steps and every eighth other. Those with accounting objects are
    left out: no tool here can make them.
    """
    configs = {one: Config.parse(one.files["config.json"]) for one in recordings().values()}
    fit = [
        one for one, config in configs.items() if family in config.families and not config.nfacct
    ]
    for number, one in enumerate(fit):
        if len(one.steps()) == 1 and number % 8:
            continue
        proxy, rules = Proxy(configs[one], family), None
        texts = []
        for step in one.steps():
            done = proxy.sync(Manifests.parse(one.files[f"cluster{step}.yaml"]))
            rules = load(done, rules)
            texts.append((done.text, rules.save()))
        yield texts


def hooks() -> str:
    """The hooks as one restore text; kube-proxy makes them one command at a time."""
    lines = []
    for table in CANARY_TABLES:
        mine = [hook for hook in HOOKS if hook.table == table]
        chains = dict.fromkeys([CANARY, *(hook.target for hook in mine)])
        jumps = [f"-I {chain} {hook.rule()}" for hook in mine for chain in hook.chains]
        lines += [f"*{table}", *(f":{chain} - [0:0]" for chain in chains), *jumps, "COMMIT"]
    return "\n".join([*lines, ""])


@pytest.mark.kernel
@pytest.mark.parametrize("backend", ["legacy", "nft"])
@pytest.mark.parametrize("family", list(Family))
def test_the_kernel_saves_what_we_say(family: Family, backend: str, tmp_path: Path) -> None:
    tool = f"{'iptables' if family is Family.IPV4 else 'ip6tables'}-{backend}"
    for program in ("unshare", f"{tool}-restore"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    (tmp_path / "hooks").write_text(hooks())
    clusters = list(sample(family))
    assert len(clusters) >= 4
    for texts in clusters:
        for number, (text, _) in enumerate(texts):
            (tmp_path / str(number)).write_text(text)
        saved = real_saves(tool, len(texts), tmp_path)
        for (_, ours), theirs in zip(texts, saved, strict=True):
            assert tables(theirs, family) == tables(ours, family)


def real_saves(tool: str, count: int, place: Path) -> list[str]:
    """What the kernel holds after each of some texts, in a namespace of its own."""
    script = f"""
        {tool}-restore --noflush < hooks || exit 77
        for n in $(seq 0 {count - 1}); do
            {tool}-restore --noflush --counters < $n || exit 1
            {tool}-save > $n.saved
        done"""
    namespace = ["unshare", *["--map-root-user"] * (os.geteuid() != 0), "--net"]
    env = os.environ | {"XTABLES_LOCKFILE": str(place / "lock")}
    ran = subprocess.run(
        [*namespace, "sh", "-c", script], cwd=place, env=env, capture_output=True, timeout=60
    )
    if ran.returncode not in (0, 1) or b"unshare" in ran.stderr:
        pytest.skip(f"no network namespace: {ran.stderr.decode(errors='replace').strip()}")
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")
    return [(place / f"{number}.saved").read_text() for number in range(count)]


def tables(saved: str, family: Family) -> dict[str, str]:
    """The text of each table, without remarks and counters."""
    plain = re.sub(r"\[\d+:\d+\]", "[0:0]", re.sub(r"^#.*\n", "", saved, flags=re.M))
    assert Ruleset.parse(plain, family).save() == plain
    return {
        block.split("\n", 1)[0]: block
        for block in re.findall(r"^\*.*?^COMMIT$", plain, re.M | re.S)
    }
