"""What the toolchain is made of: programs, versions, packages. Data only."""

from sandbox.toolchain.golang import Build, Part, Script

KUBERNETES_VERSION = "v1.34.4"
PULUMI_VERSION = "v3.200.0"
LANGUAGE_HOST_VERSION = "v3.79.0"

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
            module="kubernetes",
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
COREDNS = Part(name="coredns", builds=(Build(module="coredns", packages={"coredns": "."}),))
PAUSE = Part(name="pause", builds=(Build(module="pause", packages={"pause": "."}),))

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PULUMI_VERSION_VARIABLE = f"{_PULUMI_SDK}/go/common/version.Version"

# One folder: the engine and the language host look beside themselves for each other and for the
# scripts, which are the engine's version's.
PULUMI = Part(
    name="pulumi",
    builds=(
        Build(
            module="pulumi",
            packages={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
            variables={_PULUMI_VERSION_VARIABLE: PULUMI_VERSION},
        ),
        # The last SDK release that holds the language host is older than the engine, so it is a
        # module of its own.
        Build(
            module="language-host",
            packages={"pulumi-language-python": f"{_PULUMI_SDK}/python/cmd/pulumi-language-python"},
            variables={_PULUMI_VERSION_VARIABLE: LANGUAGE_HOST_VERSION},
        ),
    ),
    scripts=(
        Script("pulumi", _PULUMI_SDK, "python/cmd/pulumi-language-python-exec"),
        Script("pulumi", _PULUMI_SDK, "python/dist/pulumi-resource-pulumi-python"),
        Script("pulumi", _PULUMI_SDK, "python/dist/pulumi-analyzer-policy-python"),
    ),
)

# No part of the sandbox: it checks the workflows in .github, for `make lint`.
ACTIONLINT = Part(
    name="actionlint",
    builds=(
        Build(
            module="actionlint",
            packages={"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"},
        ),
    ),
)

NODE_PARTS = (PAUSE, COREDNS, KUBERNETES)

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
