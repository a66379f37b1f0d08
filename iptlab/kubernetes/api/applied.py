"""Manifests that somebody is about to apply: Services that the API server would refuse."""

from __future__ import annotations

from copy import deepcopy

from iptlab.errors import ManifestError
from iptlab.kubernetes.api.kinds import SERVICE
from iptlab.kubernetes.api.refusals import ApiError, Cause
from iptlab.kubernetes.api.resources import Resource
from iptlab.kubernetes.api.schema import check_fields, without_nulls
from iptlab.kubernetes.api.services import causes_in_new
from iptlab.kubernetes.documents import read_documents
from iptlab.kubernetes.manifests import objects_in


def refuse_services(text: str) -> None:
    """Refuse the first Service that the API server would not have, with the field and a cure.

    ``text`` has been read as a cluster before. What a running cluster prints needs no such
    check: its Services were let in once.
    """
    for document, content in read_documents(text):
        for place, one in objects_in(f"document {document}", content):
            if isinstance(one, dict) and one.get("kind") == SERVICE.name:
                _refuse(place, deepcopy(one))


def _refuse(place: str, values: dict[str, object]) -> None:
    service = Resource(SERVICE, values)
    place = f"{place}, Service {service.namespace or 'default'}/{service.name}"
    try:
        without_nulls(values)
        check_fields(SERVICE, values)
    except ApiError as error:
        raise ManifestError(error.message, place=place) from None
    for cause in causes_in_new(service):
        said = str(cause).removeprefix(f"{cause.field}: ")
        raise ManifestError(said, place=place, path=cause.field, cure=_cure(cause))


def _cure(cause: Cause) -> str:
    """What to write instead, where it is the type of the Service that forbids a field."""
    name = cause.field.rpartition(".")[2]
    types = _ALLOWED_BY.get(name)
    return f"Take {name} out, or write type: {types}." if types else ""


# the types of Services that have a field which others may not have
_ALLOWED_BY = {
    "nodePort": "NodePort or LoadBalancer",
    "externalTrafficPolicy": "NodePort or LoadBalancer",
    "healthCheckNodePort": "LoadBalancer with externalTrafficPolicy: Local",
    "LoadBalancerSourceRanges": "LoadBalancer",
    "allocateLoadBalancerNodePorts": "LoadBalancer",
    "loadBalancerClass": "LoadBalancer",
}
