"""What the toolchain is made of: programs, versions, packages. Data only."""

from sandbox.toolchain.golang import GoPart

KUBERNETES_VERSION = "v1.34.4"
PULUMI_VERSION = "v3.200.0"
LANGUAGE_HOST_VERSION = "v3.79.0"

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_COMPONENT_BASE = "k8s.io/component-base/version"

KUBERNETES = GoPart(
    name="kubernetes",
    packages={
        "kube": "./cmd/kube",
        "local-path-provisioner": "./cmd/local-path-provisioner",
    },
    links={
        program: "kube"
        for program in (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
            "kubelet",
            "kubectl",
        )
    },
    variables={
        f"{_COMPONENT_BASE}.gitVersion": KUBERNETES_VERSION,
        f"{_COMPONENT_BASE}.gitMajor": KUBERNETES_VERSION[1:].split(".")[0],
        f"{_COMPONENT_BASE}.gitMinor": KUBERNETES_VERSION[1:].split(".")[1],
        f"{_COMPONENT_BASE}.gitTreeState": "clean",
    },
)
COREDNS = GoPart(name="coredns", packages={"coredns": "."})
PAUSE = GoPart(name="pause", packages={"pause": "."})

PULUMI = GoPart(
    name="pulumi",
    packages={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
    variables={f"{_PULUMI_SDK}/go/common/version.Version": PULUMI_VERSION},
    # The engine looks for these beside itself: dynamic providers, policy packs, program runner.
    scripts=(
        (_PULUMI_SDK, "python/dist/pulumi-resource-pulumi-python"),
        (_PULUMI_SDK, "python/dist/pulumi-analyzer-policy-python"),
        (_PULUMI_SDK, "python/cmd/pulumi-language-python-exec"),
    ),
)
# A module of its own: the last SDK release that holds the language host is older than the engine.
LANGUAGE_HOST = GoPart(
    name="language-host",
    packages={"pulumi-language-python": f"{_PULUMI_SDK}/python/cmd/pulumi-language-python"},
    variables={f"{_PULUMI_SDK}/go/common/version.Version": LANGUAGE_HOST_VERSION},
)

NODE_PARTS = (PAUSE, COREDNS, KUBERNETES)
PULUMI_PARTS = (PULUMI, LANGUAGE_HOST)

# Unpacked into the cache, never installed. The libraries are those that nft links beside the C
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
