"""What the engine and the linters are made from: Go modules and versions. Data only."""

from pathlib import Path

from tools.golang import Build, Part, Script

_MODULES = Path(__file__).resolve().parent

PULUMI_VERSION = "v3.200.0"
LANGUAGE_HOST_VERSION = "v3.79.0"

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PULUMI_VERSION_VARIABLE = f"{_PULUMI_SDK}/go/common/version.Version"

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
    scripts=(
        Script(_MODULES / "pulumi", _PULUMI_SDK, "python/cmd/pulumi-language-python-exec"),
        Script(_MODULES / "pulumi", _PULUMI_SDK, "python/dist/pulumi-resource-pulumi-python"),
        Script(_MODULES / "pulumi", _PULUMI_SDK, "python/dist/pulumi-analyzer-policy-python"),
    ),
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
