"""The gate that every object passes before it is stored: fields, defaults, checks."""

from __future__ import annotations

from iptlab.kubernetes.api import workloads
from iptlab.kubernetes.api.kinds import DEPLOYMENT, ENDPOINTS, NAMESPACE, POD, REPLICA_SET, SERVICE
from iptlab.kubernetes.api.kinds import SLICE as ENDPOINT_SLICE
from iptlab.kubernetes.api.pools import Pools
from iptlab.kubernetes.api.refusals import ApiError
from iptlab.kubernetes.api.resources import Resource
from iptlab.kubernetes.api.schema import check_fields, without_nulls
from iptlab.kubernetes.api.services import admit_service
from iptlab.kubernetes.api.store import Store

_GATES = {
    POD: workloads.admit_pod,
    DEPLOYMENT: workloads.admit_deployment,
    REPLICA_SET: workloads.admit_deployment,
    ENDPOINT_SLICE: workloads.admit_slice,
    NAMESPACE: workloads.admit_namespace,
}


def admit(one: Resource, before: Resource | None, store: Store, pools: Pools) -> None:
    """Fill in what an object leaves open; ApiError if the server would not have it."""
    without_nulls(one.values)
    check_fields(one.kind, one.values)
    if one.kind is ENDPOINTS:
        message = "Endpoints are made from Services here; write an EndpointSlice instead"
        raise ApiError("MethodNotAllowed", message)
    if one.kind is SERVICE:
        admit_service(one, before, store.list(SERVICE), pools)
    else:
        _GATES.get(one.kind, workloads.admit_plain)(one, before)
