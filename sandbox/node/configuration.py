"""The configuration files of containerd, its network and the Kubernetes programs.

All of them below the sandbox's own folders; nothing is read from or written to /etc.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from sandbox import paths
from sandbox.node import addresses, cgroups, pki
from sandbox.node.files import write_private
from sandbox.toolchain.install import cni_plugins
from tools import paths as tool_paths

CONTAINERD = paths.STATE / "containerd.toml"
KUBELET = paths.STATE / "kubelet.yaml"
KUBE_PROXY = paths.STATE / "kube-proxy.yaml"
POD_LOGS = paths.LOGS / "pods"
PAUSE_IMAGE = "localhost/datapipe/pause:1"
NETWORK_NAME = "datapipe-sandbox"

_CNI_FOLDER = paths.STATE / "cni"


def write_all() -> None:
    """Write every configuration file."""
    write_private(CONTAINERD, containerd())
    write_private(_CNI_FOLDER / "conf" / "10-pods.conflist", json.dumps(pod_network(), indent=2))
    write_private(KUBELET, yaml.safe_dump(kubelet(), sort_keys=False))
    write_private(KUBE_PROXY, yaml.safe_dump(kube_proxy(), sort_keys=False))


def containerd() -> str:
    """Return containerd's configuration, with folders and sockets of our own."""
    root, run = paths.STATE / "containerd", paths.RUN / "containerd"
    return f"""version = 2
root = "{root}"
state = "{run}"

[grpc]
address = "{paths.CONTAINERD_SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
path = "{root}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
netns_mounts_under_state_dir = true
# Without CAP_SYS_RESOURCE, as in many virtual machines, no container may be given a better
# score than containerd has itself.
restrict_oom_score_adj = true
# A profile would stay loaded in the kernel after the sandbox is gone.
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{cni_plugins()}"
conf_dir = "{_CNI_FOLDER}/conf"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{_snapshotter()}"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{tool_paths.binaries() / "runc"}"
Root = "{paths.RUN}/runc"
SystemdCgroup = false
"""


def pod_network() -> dict[str, Any]:
    """Return the CNI network: a routed point-to-point link per pod, no masquerading.

    Routed, not bridged, so that a Service's answer passes the host's connection tracking on its
    way back, and so that the host's filter sees all traffic between pods.
    """
    return {
        "cniVersion": "0.4.0",
        "name": NETWORK_NAME,
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(_CNI_FOLDER / "addresses"),
                    "ranges": [
                        [{"subnet": str(addresses.PODS), "gateway": str(addresses.NODE_ADDRESS)}]
                    ],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }


def kubelet() -> dict[str, Any]:
    """Return the kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(addresses.NODE_ADDRESS),
        "port": addresses.KUBELET_PORT,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": addresses.KUBELET_HEALTH_PORT,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.CA_CERTIFICATE)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki.KUBELET.certificate),
        "tlsPrivateKeyFile": str(pki.KUBELET.key),
        "clusterDNS": [str(addresses.CLUSTER_DNS)],
        "clusterDomain": addresses.CLUSTER_DOMAIN,
        "resolvConf": "",  # no upstream: pods have no way out
        "containerRuntimeEndpoint": f"unix://{paths.CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroups.NAME}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "cpuCFSQuota": True,
        "makeIPTablesUtilChains": False,  # leaves the machine's iptables alone
        "oomScoreAdj": 0,
        "podLogsDir": str(POD_LOGS),
        "volumePluginDir": str(paths.STATE / "kubelet" / "volume-plugins"),
        "containerLogMaxSize": "20Mi",
        "containerLogMaxFiles": 3,
        "maxPods": 60,
        # The machine is not the sandbox's alone: only real distress evicts a pod.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
        # Images can't be pulled again, so they are never collected.
        "imageGCHighThresholdPercent": 100,
        "imageMinimumGCAge": "8760h",
    }


def kube_proxy() -> dict[str, Any]:
    """Return kube-proxy's configuration, which leaves connection tracking's limits alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": str(addresses.PODS),
        "hostnameOverride": addresses.NODE_NAME,
        "nodePortAddresses": [f"{addresses.NODE_ADDRESS}/32"],
        "healthzBindAddress": f"127.0.0.1:{addresses.KUBE_PROXY_HEALTH_PORT}",
        "metricsBindAddress": f"127.0.0.1:{addresses.KUBE_PROXY_METRICS_PORT}",
        "oomScoreAdj": 0,
        "clientConnection": {"kubeconfig": str(paths.STATE / "kubeconfigs" / "kube-proxy.yaml")},
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _snapshotter() -> str:
    """Return overlayfs, or the slower native one where an overlay on an overlay is not possible."""
    filesystem = "unknown"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, source = line.partition(" - ")
        if paths.STATE.is_relative_to(mount.split()[4]):  # later lines lie deeper or on top
            filesystem = source.split()[0]
    return "native" if filesystem == "overlay" else "overlayfs"
