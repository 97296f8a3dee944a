"""What the node's programs are made from: Go modules, versions, Debian packages. Data only."""

from pathlib import Path

from tools.golang import Build, Part

_MODULES = Path(__file__).resolve().parent

KUBERNETES_VERSION = "v1.34.4"

_KUBERNETES_MAJOR, _KUBERNETES_MINOR, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
_COMPONENT_BASE = "k8s.io/component-base/version"
_KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
)

KUBERNETES = Part(
    name="kubernetes",
    builds=(
        Build(
            folder=_MODULES / "kubernetes",
            packages={
                "kube": "./cmd/kube",
                "local-path-provisioner": "./cmd/local-path-provisioner",
            },
            variables={
                f"{_COMPONENT_BASE}.gitVersion": KUBERNETES_VERSION,
                f"{_COMPONENT_BASE}.gitMajor": _KUBERNETES_MAJOR,
                f"{_COMPONENT_BASE}.gitMinor": _KUBERNETES_MINOR,
                f"{_COMPONENT_BASE}.gitTreeState": "clean",
            },
        ),
    ),
    links=dict.fromkeys(_KUBERNETES_PROGRAMS, "kube"),
)
COREDNS = Part(
    name="coredns", builds=(Build(folder=_MODULES / "coredns", packages={"coredns": "."}),)
)
PAUSE = Part(name="pause", builds=(Build(folder=_MODULES / "pause", packages={"pause": "."}),))

PARTS = (PAUSE, COREDNS, KUBERNETES)

# Unpacked into the cache, never installed. The libraries are those that nft links besides the C
# library; what the others link is on every machine that has apt.
DEBIAN_PACKAGES = (
    "containerd",
    "containernetworking-plugins",
    "etcd-server",
    "libbsd0",
    "libedit2",
    "libgmp10",
    "libjansson4",
    "libmd0",
    "libmnl0",
    "libnftables1",
    "libnftnl11",
    "libtinfo6",
    "libxtables12",
    "nftables",
    "runc",
)

# Programs of those packages by their path in them, each given a place in the cache's `bin`.
DEBIAN_PROGRAMS = (
    "usr/bin/containerd",
    "usr/bin/containerd-shim-runc-v2",
    "usr/bin/ctr",
    "usr/bin/etcd",
    "usr/sbin/runc",
)
# The same, for programs that find their libraries in the unpacked packages only.
DEBIAN_PROGRAMS_WITH_LIBRARIES = ("usr/sbin/nft",)
CNI_PLUGINS = "usr/lib/cni"
