"""What the engine and the linters are made from: Go modules and versions. Data only."""

from pathlib import Path

from tools.golang import Build, ModuleFile, Part

_MODULES = Path(__file__).resolve().parent

PULUMI_VERSION = "v3.200.0"
LANGUAGE_HOST_VERSION = "v3.79.0"

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PULUMI_VERSION_VARIABLE = f"{_PULUMI_SDK}/go/common/version.Version"

# Of the release that pulumi-kubernetes in requirements.txt is, too.
KUBERNETES_PROVIDER_VERSION = "4.25.0"
_KUBERNETES_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"


def _script(path: str) -> ModuleFile:
    return ModuleFile(_MODULES / "pulumi", _PULUMI_SDK, path, executable=True)


def _provider_file(name: str) -> ModuleFile:
    path = f"cmd/pulumi-resource-kubernetes/{name}"
    return ModuleFile(_MODULES / "pulumi-kubernetes", _KUBERNETES_PROVIDER, path)


# One folder: the engine and the language host look in their own folder for each other and for the
# scripts, which are the engine's version's.
PULUMI = Part(
    name="pulumi",
    builds=(
        Build(
            folder=_MODULES / "pulumi",
            packages={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
            variables={_PULUMI_VERSION_VARIABLE: PULUMI_VERSION},
        ),
        # The last SDK release that holds the language host is older than the engine, so it is a
        # module of its own.
        Build(
            folder=_MODULES / "language-host",
            packages={"pulumi-language-python": f"{_PULUMI_SDK}/python/cmd/pulumi-language-python"},
            variables={_PULUMI_VERSION_VARIABLE: LANGUAGE_HOST_VERSION},
        ),
    ),
    files=(
        _script("python/cmd/pulumi-language-python-exec"),
        _script("python/dist/pulumi-resource-pulumi-python"),
        _script("python/dist/pulumi-analyzer-policy-python"),
    ),
)

# The official plugin for Kubernetes. It stays out of `bin`: Pulumi prefers a plugin on PATH to that
# of a PULUMI_HOME, where previews without a cluster have another.
KUBERNETES_PROVIDER = Part(
    name="pulumi-kubernetes",
    builds=(
        Build(
            folder=_MODULES / "pulumi-kubernetes",
            packages={"pulumi-resource-kubernetes": "."},
            variables={f"{_KUBERNETES_PROVIDER}/pkg/version.Version": KUBERNETES_PROVIDER_VERSION},
            # Types of every resource, for components of the provider (Helm charts) only.
            unoptimized="github.com/pulumi/pulumi-kubernetes/sdk/v4/...",
        ),
    ),
    files=(_provider_file("schema.json"), _provider_file("terraform-mapping.json")),
)

# Checks the workflows in .github, for `make lint`.
ACTIONLINT = Part(
    name="actionlint",
    builds=(
        Build(
            folder=_MODULES / "actionlint",
            packages={"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"},
        ),
    ),
)
