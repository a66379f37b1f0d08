"""Which fields objects have and of what type they are, so that others are refused.

Source: Kubernetes API reference v1.36. What a lesson on Services has no use for is taken as
it comes (``*``); its names are here, so that no name that exists is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iptlab.kubernetes.api.kinds import Kind
from iptlab.kubernetes.api.refusals import ApiError, bad_request
from iptlab.kubernetes.api.resources import Tree

# the types of JSON as Go's decoder calls them
_JSON_NAMES = {
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_GO_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int32": (int,),
    "int64": (int,),
    "bool": (bool,),
    "intstr": (int, str),
}


@dataclass(frozen=True)
class Struct:
    """A type of the API with the types of its fields; ``[]`` before a type means a list.

    Fields in ``always`` are empty words where a manifest leaves them out.
    """

    name: str
    fields: dict[str, str]
    always: tuple[str, ...] = ()


def _struct(name: str, text: str) -> Struct:
    """A type written as ``field:type`` words; several fields of one type stand before it.

    A field with ``!`` is always there.
    """
    found: dict[str, str] = {}
    always: list[str] = []
    for group in text.split():
        names, _, type_ = group.partition(":")
        found |= dict.fromkeys(names.replace("!", "").split(","), type_)
        always += [one[:-1] for one in names.split(",") if one.endswith("!")]
    return Struct(name, found, tuple(always))


_STRUCTS = {
    one.name: one
    for one in (
        _struct(
            "ObjectMeta",
            """
            name,generateName,namespace,selfLink,uid,resourceVersion:string
            creationTimestamp,deletionTimestamp:* labels,annotations:strings
            generation,deletionGracePeriodSeconds:int64 finalizers:[]string
            ownerReferences:[]OwnerReference managedFields:*
            """,
        ),
        _struct(
            "OwnerReference",
            "apiVersion!,kind!,name!,uid!:string blockOwnerDeletion,controller:bool",
        ),
        _struct(
            "Condition",
            """
            type!,status!,reason,message:string lastTransitionTime,lastProbeTime:string
            lastHeartbeatTime:string observedGeneration:int64
            """,
        ),
        _struct(
            "Service",
            "apiVersion,kind:string metadata:ObjectMeta spec:ServiceSpec status:ServiceStatus",
        ),
        _struct(
            "ServiceSpec",
            """
            ports:[]ServicePort selector:strings
            clusterIP,type,sessionAffinity,loadBalancerIP,externalName:string
            externalTrafficPolicy,internalTrafficPolicy,ipFamilyPolicy:string
            loadBalancerClass,trafficDistribution:string
            clusterIPs,externalIPs,loadBalancerSourceRanges,ipFamilies:[]string
            healthCheckNodePort:int32 sessionAffinityConfig:SessionAffinityConfig
            publishNotReadyAddresses,allocateLoadBalancerNodePorts:bool
            """,
        ),
        _struct("ServiceStatus", "loadBalancer:LoadBalancerStatus conditions:[]Condition"),
        _struct("LoadBalancerStatus", "ingress:[]LoadBalancerIngress"),
        _struct("LoadBalancerIngress", "ip,hostname,ipMode:string ports:*"),
        _struct("SessionAffinityConfig", "clientIP:ClientIPConfig"),
        _struct("ClientIPConfig", "timeoutSeconds:int32"),
        _struct(
            "ServicePort",
            "name,protocol,appProtocol:string port,nodePort:int32 targetPort:intstr",
        ),
        _struct(
            "EndpointSlice",
            """
            apiVersion,kind,addressType:string metadata:ObjectMeta
            endpoints:[]Endpoint ports:[]EndpointPort
            """,
        ),
        _struct(
            "Endpoint",
            """
            addresses:[]string conditions:EndpointConditions hostname,nodeName,zone:string
            targetRef:ObjectReference hints:EndpointHints deprecatedTopology:strings
            """,
        ),
        _struct(
            "ObjectReference",
            "kind,namespace,name,uid,apiVersion,resourceVersion,fieldPath:string",
        ),
        _struct("EndpointHints", "forZones:[]ForZone forNodes:[]ForNode"),
        _struct("ForZone", "name!:string"),
        _struct("ForNode", "name!:string"),
        _struct("EndpointConditions", "ready,serving,terminating:bool"),
        _struct("EndpointPort", "name,protocol,appProtocol:string port:int32"),
        _struct(
            "Deployment",
            "apiVersion,kind:string metadata:ObjectMeta spec:DeploymentSpec status:struct",
        ),
        _struct(
            "DeploymentSpec",
            """
            replicas,minReadySeconds,revisionHistoryLimit,progressDeadlineSeconds:int32
            selector:LabelSelector template:PodTemplateSpec strategy:DeploymentStrategy
            paused:bool
            """,
        ),
        _struct("DeploymentStrategy", "type:string rollingUpdate:RollingUpdateDeployment"),
        _struct("RollingUpdateDeployment", "maxSurge,maxUnavailable:intstr"),
        _struct(
            "ReplicaSet",
            "apiVersion,kind:string metadata:ObjectMeta spec:ReplicaSetSpec status:struct",
        ),
        _struct(
            "ReplicaSetSpec",
            "replicas,minReadySeconds:int32 selector:LabelSelector template:PodTemplateSpec",
        ),
        _struct("LabelSelector", "matchLabels:strings matchExpressions:*"),
        _struct("PodTemplateSpec", "metadata:ObjectMeta spec:PodSpec"),
        _struct("Pod", "apiVersion,kind:string metadata:ObjectMeta spec:PodSpec status:PodStatus"),
        _struct(
            "PodStatus",
            """
            conditions:[]Condition phase,podIP,hostIP,startTime,message,reason:string
            podIPs,hostIPs,containerStatuses,initContainerStatuses,nominatedNodeName:*
            ephemeralContainerStatuses,qosClass,resize,resourceClaimStatuses:*
            observedGeneration:int64
            """,
        ),
        _struct("PodReadinessGate", "conditionType!:string"),
        _struct(
            "PodSpec",
            """
            containers,initContainers:[]Container nodeName,restartPolicy,hostname:string
            nodeSelector:strings terminationGracePeriodSeconds:int64 hostNetwork:bool
            readinessGates:[]PodReadinessGate volumes,ephemeralContainers,dnsPolicy:*
            activeDeadlineSeconds:*
            serviceAccountName,serviceAccount,automountServiceAccountToken,hostPID,hostIPC:*
            shareProcessNamespace,securityContext,imagePullSecrets,subdomain,affinity:*
            schedulerName,tolerations,hostAliases,priorityClassName,priority,dnsConfig:*
            runtimeClassName,enableServiceLinks,preemptionPolicy,overhead:*
            topologySpreadConstraints,setHostnameAsFQDN,os,hostUsers,schedulingGates:*
            resourceClaims,resources:*
            """,
        ),
        _struct(
            "Container",
            """
            name,image,workingDir,imagePullPolicy,terminationMessagePath:string
            command,args:[]string ports:[]ContainerPort env:[]EnvVar envFrom,resources:*
            resizePolicy,restartPolicy,volumeMounts,volumeDevices,livenessProbe:*
            readinessProbe:Probe startupProbe,lifecycle,terminationMessagePolicy:*
            securityContext,stdin,stdinOnce,tty:*
            """,
        ),
        _struct("EnvVar", "name!,value:string valueFrom:*"),
        _struct("ContainerPort", "name,protocol,hostIP:string containerPort,hostPort:int32"),
        _struct(
            "Probe",
            """
            exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction grpc:*
            initialDelaySeconds,timeoutSeconds,periodSeconds,successThreshold:int32
            failureThreshold:int32 terminationGracePeriodSeconds:int64
            """,
        ),
        _struct("ExecAction", "command:[]string"),
        _struct("HTTPGetAction", "path,host,scheme:string port:intstr httpHeaders:*"),
        _struct("TCPSocketAction", "host:string port:intstr"),
        _struct("Namespace", "apiVersion,kind:string metadata:ObjectMeta spec,status:struct"),
        _struct(
            "Node", "apiVersion,kind:string metadata:ObjectMeta spec:NodeSpec status:NodeStatus"
        ),
        _struct(
            "NodeSpec",
            """
            podCIDR,providerID,externalID:string podCIDRs:[]string unschedulable:bool
            taints,configSource:*
            """,
        ),
        _struct(
            "NodeStatus",
            """
            addresses:[]NodeAddress conditions:[]Condition
            capacity,allocatable,phase,daemonEndpoints:*
            nodeInfo:struct images,volumesInUse,volumesAttached,config,runtimeHandlers,features:*
            """,
        ),
        _struct("NodeAddress", "type!,address!:string"),
        _struct("Endpoints", "apiVersion,kind:string metadata:ObjectMeta subsets:*"),
    )
}


def check_fields(kind: Kind, values: Tree) -> None:
    """Refuse values of a wrong type, then fields that the kind does not have."""
    unknown: list[str] = []
    for wrong in _wrong(_Place(kind.name, "", ""), kind.name, values, unknown):
        raise wrong.refusal(kind)
    if unknown:
        told = ", ".join(f'unknown field "{one}"' for one in unknown)
        raise _cannot_handle(kind, f"strict decoding error: {told}")


def without_nulls(value: object) -> None:
    """Take out what is null, for that is as good as missing."""
    if isinstance(value, dict):
        for name in [name for name, inner in value.items() if inner is None]:
            del value[name]
        for inner in value.values():
            without_nulls(inner)
    elif isinstance(value, list):
        value[:] = [inner for inner in value if inner is not None]
        for inner in value:
            without_nulls(inner)


@dataclass(frozen=True)
class _Place:
    """Where a value stands: in which type, its path with numbers, its path without."""

    struct: str
    path: str
    plain: str

    def field(self, struct: str, name: str) -> _Place:
        return _Place(struct, f"{self.path}.{name}".strip("."), f"{self.plain}.{name}".strip("."))

    def item(self, number: int) -> _Place:
        return _Place(self.struct, f"{self.path}[{number}]", self.plain)


@dataclass(frozen=True)
class _Wrong:
    """A value of a wrong type."""

    place: _Place
    value: object
    wanted: str

    def refusal(self, kind: Kind) -> ApiError:
        if self.wanted == "intstr":
            return _cannot_handle(kind, "json: cannot unmarshal into IntOrString")
        what = _JSON_NAMES[type(self.value)]
        if isinstance(self.value, float) and self.wanted in ("int32", "int64"):
            what = f"number {self.value}"
        where = f"{self.place.struct}.{self.place.plain}"
        go = _GO_NAMES.get(self.wanted, f"v1.{self.wanted}")
        return _cannot_handle(
            kind, f"json: cannot unmarshal {what} into Go struct field {where} of type {go}"
        )


_GO_NAMES = {**{one: one for one in _GO_TYPES}, "strings": "map[string]string"}


def _cannot_handle(kind: Kind, why: str) -> ApiError:
    version = kind.api_version.rpartition("/")[2]
    return bad_request(
        f'{kind.name} in version "{version}" cannot be handled as a {kind.name}: {why}'
    )


def _wrong(place: _Place, wanted: str, value: object, unknown: list[str]) -> Iterator[_Wrong]:
    """What is of a wrong type in a value; names of fields that are not known go to a list.

    What is always there is filled in on the way.
    """
    if value is None or wanted == "*":
        return
    if wanted.startswith("[]"):
        if not isinstance(value, list):
            go = wanted[2:] if wanted[2:] in _GO_TYPES else f"v1.{wanted[2:]}"
            yield _Wrong(place, value, f"[]{go}")
            return
        for number, one in enumerate(value):
            yield from _wrong(place.item(number), wanted[2:], one, unknown)
    elif wanted in _GO_TYPES:
        if type(value) not in _GO_TYPES[wanted]:
            yield _Wrong(place, value, wanted)
    elif not isinstance(value, dict):
        yield _Wrong(place, value, wanted)
    elif wanted == "struct":
        return
    elif wanted == "strings":
        for name, one in value.items():
            yield from _wrong(place.field(place.struct, name), "string", one, unknown)
    else:
        struct = _STRUCTS[wanted]
        value.update({name: "" for name in struct.always if name not in value})
        for name, one in value.items():
            inner = place.field(struct.name, name)
            if name not in struct.fields:
                unknown.append(inner.path)
            else:
                yield from _wrong(inner, struct.fields[name], one, unknown)
