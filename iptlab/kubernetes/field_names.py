"""What the fields of manifests are called, read by iptlab or not, so that a slip is found.

Source: Kubernetes API reference v1.36; kubernetes/pkg/proxy/apis/config/v1alpha1/types.go
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


METADATA = _names("""
    annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers
    generateName generation labels managedFields name namespace ownerReferences
    resourceVersion selfLink uid
""")
SERVICE_SPEC = _names("""
    allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalName
    externalTrafficPolicy healthCheckNodePort internalTrafficPolicy ipFamilies ipFamilyPolicy
    loadBalancerClass loadBalancerIP loadBalancerSourceRanges ports publishNotReadyAddresses
    selector sessionAffinity sessionAffinityConfig trafficDistribution type
""")
SERVICE_PORT = _names("appProtocol name nodePort port protocol targetPort")
SLICE = _names("addressType apiVersion endpoints kind metadata ports")
SLICE_PORT = _names("appProtocol name port protocol")
ENDPOINT = _names("""
    addresses conditions deprecatedTopology hints hostname nodeName targetRef zone
""")
CONDITIONS = _names("ready serving terminating")

PROXY_CONFIGURATION = _names("""
    apiVersion bindAddress bindAddressHardFail clientConnection clusterCIDR configSyncPeriod
    conntrack detectLocal detectLocalMode enableProfiling featureGates healthzBindAddress
    hostnameOverride iptables ipvs kind logging metricsBindAddress mode nftables
    nodePortAddresses oomScoreAdj portRange showHiddenMetricsForVersion winkernel
    windowsRunAsService
""")
PROXY_IPTABLES = _names("""
    localhostNodePorts masqueradeAll masqueradeBit minSyncPeriod syncPeriod
""")
