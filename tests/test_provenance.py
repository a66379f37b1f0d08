"""Whom a rule serves and why, and what a change of the cluster does to rules."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from kube_proxy_golden import Scenario
from test_kube_proxy_golden import recordings

from iptlab.errors import ManifestError
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.difference import difference
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.lines import Reason
from iptlab.kubernetes.loading import load
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import Endpoint
from iptlab.kubernetes.provenance import Provenance
from iptlab.kubernetes.sync import Sync
from iptlab.syntax.grammar import Place
from iptlab.syntax.rule import read_command
from iptlab.syntax.tokens import restore_words


def recorded(name: str) -> tuple[Manifests, Config]:
    """A recorded cluster and its configuration."""
    files = recordings()[f"kube-proxy-golden/{name}"].files
    return Manifests.parse(files["cluster.yaml"]), Config.parse(files["config.json"])


def told(name: str) -> tuple[Provenance, Sync]:
    """The rules of a recorded cluster with their origins, and the sync that wrote them."""
    manifests, config = recorded(name)
    proxy = Proxy(config, config.families[0])
    done = proxy.sync(manifests)
    return Provenance.of(proxy), done


SOME = [f"designed/{name}" for name in ("15-lb-source-ranges", "46-showcase-shop")]
SOME += [f"random/{number:03}" for number in range(3, 150, 30)]


@pytest.mark.parametrize("name", SOME)
def test_every_rule_of_the_kernel_has_an_origin_at_its_place(name: str) -> None:
    origins, done = told(name)
    kernel = load(done)
    count = 0
    for table in kernel.tables.values():
        for chain in table.ordered():
            for number, rule in enumerate(chain.rules, start=1):
                origin = origins.rule(table.name, chain.name, number)
                words = restore_words(origin.text)
                place = Place(1, origin.text)
                read = read_command(words, place, kernel.family, table.chains)
                assert (read.chain, read.rules) == (chain.name, (rule,))
                assert origin.why.endswith(".")
                assert "{" not in origin.why
                count += 1
    assert count == len(origins.rules)


@pytest.mark.parametrize("name", SOME)
def test_every_rule_that_is_written_has_an_origin_in_the_same_order(name: str) -> None:
    origins, done = told(name)
    written = [line for line in done.text.splitlines() if line.startswith("-A")]
    known = {table: [] for table in ("filter", "nat")}  # type: ignore[var-annotated]
    for rule in origins.rules:
        if rule.reason is not Reason.HOOK:
            known[rule.table].append(rule.text)
    assert known["filter"] + known["nat"] == written


@pytest.mark.parametrize("name", SOME)
def test_every_chain_has_an_origin(name: str) -> None:
    origins, done = told(name)
    for table in load(done).tables.values():
        for chain in table.chains.values():
            if chain.policy is None:
                assert origins.chain(chain.name, table.name).why


def test_a_chain_tells_its_service_endpoint_and_users() -> None:
    origins, _ = told("designed/46-showcase-shop")
    chain = origins.chain("KUBE-SEP-OG3B3EYEIHMUPF5L")
    assert chain.port
    assert chain.port.name == "ingress/gateway:http"
    assert chain.backend
    assert chain.backend.text == "10.244.1.20:8080"
    assert chain.users == ("KUBE-SVC-PI3OIIXCL2NYF3DE", "KUBE-SVL-PI3OIIXCL2NYF3DE")
    assert str(chain) == (
        "KUBE-SEP-OG3B3EYEIHMUPF5L translates packets to ingress/gateway:http to its endpoint "
        "10.244.1.20:8080; used by KUBE-SVC-PI3OIIXCL2NYF3DE, KUBE-SVL-PI3OIIXCL2NYF3DE."
    )


def test_chains_of_others_have_no_origin() -> None:
    origins, _ = told("designed/46-showcase-shop")
    for name in ("INPUT", "KUBE-SEP-AAAAAAAAAAAAAAAA", "DOCKER"):
        with pytest.raises(ManifestError, match=f"makes no chain {name}"):
            origins.chain(name)
    with pytest.raises(ManifestError, match="It has 1 rules there"):
        origins.rule("nat", "KUBE-MARK-MASQ", 2)


def test_a_service_and_an_endpoint_tell_their_rules() -> None:
    origins, _ = told("designed/46-showcase-shop")
    rules = origins.of_service("shop/cart")
    assert rules == origins.of_service("shop/cart:grpc")
    assert {rule.chain.rsplit("-", 1)[0] for rule in rules} == {"KUBE", "KUBE-SVC", "KUBE-SEP"}
    assert [rule.reason for rule in origins.of_endpoint("10.244.3.31:7070")] == [
        Reason.STICKY,
        Reason.BALANCE,
        Reason.HAIRPIN,
        Reason.REMEMBER,
    ]
    assert origins.of_endpoint("10.244.3.31") == origins.of_endpoint("10.244.3.31:7070")
    assert origins.of_service("shop/none") == ()


def test_the_page_tells_every_rule_with_its_reason() -> None:
    origins, _ = told("designed/46-showcase-shop")
    page = str(origins)
    for rule in origins.rules:
        assert f"  {rule.number}. {rule.text}\n     {rule.why}\n" in page


# --- what a change does ---


def without(manifests: Manifests, address: str, **fields: bool) -> Manifests:
    """The cluster with other conditions of one endpoint."""

    def changed(one: Endpoint) -> Endpoint:
        return replace(one, **fields) if one.address == address else one  # type: ignore[arg-type]

    slices = tuple(
        replace(one, endpoints=tuple(map(changed, one.endpoints))) for one in manifests.slices
    )
    return replace(manifests, slices=slices)


def test_an_endpoint_that_becomes_unready_takes_its_rules_and_raises_the_other_shares() -> None:
    manifests, config = recorded("designed/46-showcase-shop")
    change = difference(manifests, without(manifests, "10.244.2.30", ready=False), config)
    assert {rule.backend.text for rule in change.gone if rule.backend} == {"10.244.2.30:3000"}
    assert [rule.reason for rule in change.gone] == [
        Reason.BALANCE,
        Reason.HAIRPIN,
        Reason.TRANSLATE,
    ]
    assert change.come == ()
    third, half = Fraction(1, 3), Fraction(1, 2)
    assert [(one.after.backend.text, one.shares) for one in change.shares if one.after.backend] == [
        ("10.244.1.30:3000", (third, half)),
        ("10.244.3.30:3000", (third, half)),
    ]
    assert "10.244.1.30:3000 of shop/frontend:http" in str(change)
    assert "1/3 before, 1/2 now" in str(change)


def test_the_last_endpoint_that_goes_brings_a_refusal() -> None:
    manifests, config = recorded("designed/46-showcase-shop")
    change = difference(manifests, without(manifests, "10.244.2.50", ready=False), config)
    assert Reason.NO_ENDPOINT in {rule.reason for rule in change.come}
    assert Reason.GUARDED_IP in {rule.reason for rule in change.gone}
    back = difference(without(manifests, "10.244.2.50", ready=False), manifests, config)
    assert {rule.text for rule in back.come} == {rule.text for rule in change.gone}


def test_no_change_is_no_difference() -> None:
    manifests, config = recorded("designed/46-showcase-shop")
    same = difference(manifests, manifests, config)
    assert not same
    assert str(same) == "Nothing changes."


def test_connections_to_an_endpoint_that_is_gone_are_told() -> None:
    one: Scenario = recordings()["kube-proxy-golden/designed/45-conntrack-udp-cleanup"]
    config = Config.parse(one.files["config.json"])
    before, after = (Manifests.parse(one.files[f"cluster{step}.yaml"]) for step in ("", "-2"))
    change = difference(before, after, config, connections=config.connections[:1])
    assert "udp 10.244.1.50:40001 -> 10.96.0.10:53, answered by 10.244.1.5:53" in str(change)
    assert len(change.connections) == 1
