"""Runs components without an engine and keeps what they register, with secrets marked."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, rpc

from components.security.credentials import PasswordProvider
from components.source.certificate import CertificateProvider
from components.streaming.access.certificates import (
    AccountCertificateProvider,
    AuthorityProvider,
)

SIGNATURE = rpc._special_sig_key
SECRET = rpc._special_secret_sig
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Registered:
    """A resource as it was registered."""

    type: str
    name: str
    inputs: dict[str, Any]
    secret_paths: frozenset[str]
    """e.g. stringData.postgres"""
    dependencies: frozenset[str]
    """names of the resources that must be there first, apart from the provider"""
    provider: str | None
    """the name of the provider that the program declares for it, which must be there first, too"""
    protect: bool
    retain_on_delete: bool
    replaced_on: tuple[str, ...]
    """paths of properties whose change replaces it, in addition to those that the provider names"""
    deleted_first: bool
    """whether a replacement is created after the deletion"""

    @property
    def object_name(self) -> str:
        """metadata.name of a Kubernetes object."""
        return str(self.inputs["metadata"]["name"])


@dataclass
class Deployment:
    """Everything that a program registered."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    """what the program returned, resolved; Secret(value) where secret"""

    def of_type(self, suffix: str) -> list[Registered]:
        """Resources whose type ends so, e.g. NetworkPolicy."""
        return [one for one in self.resources if one.type.endswith(f":{suffix}")]

    def one(self, suffix: str, name: str | None = None) -> Registered:
        """Return the only resource of a type, or the one of that name."""
        found = [one for one in self.of_type(suffix) if name in {None, one.name, _name_of(one)}]
        assert len(found) == 1, f"{suffix} {name}: {[one.name for one in self.of_type(suffix)]}"
        return found[0]

    def prerequisites(self, of: Registered) -> frozenset[str]:
        """Return the names of what a resource and its provider depend on."""
        if of.provider is None:
            return of.dependencies
        return (
            of.dependencies
            | self.one(f"providers:{of.type.partition(':')[0]}", of.provider).dependencies
        )


@dataclass(frozen=True)
class Secret:
    """A secret output's value."""

    value: Any


def deploy(program: Callable[[], dict[str, Any]], preview: bool = False) -> Deployment:
    """Run a program that declares components and returns outputs to resolve."""
    deployment = Deployment()
    monitor = _RecordingMonitor(deployment, preview)
    mocks.set_mocks(
        monitor.mocks, project="datapipe", stack="test", preview=preview, monitor=monitor
    )

    @mocks.test  # type: ignore[untyped-decorator]  # Pulumi's mocks are untyped
    def run() -> pulumi.Output[Any]:
        return _resolve(program(), deployment)

    run()
    return deployment


def _resolve(outputs: dict[str, Any], deployment: Deployment) -> pulumi.Output[Any]:
    async def resolve(name: str, output: pulumi.Output[Any]) -> None:
        value, secret = await output.future(), await output.is_secret()
        deployment.outputs[name] = Secret(value) if secret else value

    async def resolve_all() -> None:
        for name, value in outputs.items():
            await resolve(name, pulumi.Output.from_input(value))

    return pulumi.Output.from_input(resolve_all())


class _RecordingMonitor(mocks.MockMonitor):
    """Does what the engine does with secrets: outputs that are declared secret come back so."""

    def __init__(self, deployment: Deployment, preview: bool) -> None:
        super().__init__(_Provider(preview))
        self.deployment = deployment

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  name of the RPC
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # likewise
        if request.type == "pulumi:pulumi:Stack":
            return response
        raw = MessageToDict(request.object)
        self.deployment.resources.append(
            Registered(
                type=request.type,
                name=request.name,
                inputs=_plain(raw),
                secret_paths=frozenset(_secret_paths(raw)),
                dependencies=frozenset(urn.split("::")[-1] for urn in request.dependencies),
                provider=request.provider.split("::")[-2] if request.provider else None,
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                replaced_on=tuple(request.replaceOnChanges),
                deleted_first=request.deleteBeforeReplace,
            )
        )
        for name in request.additionalSecretOutputs:
            value = response.object.fields[name]
            wrapped = {SIGNATURE: SECRET, "value": MessageToDict(value)}
            value.struct_value.update(wrapped)
        return response


class _Provider(mocks.Mocks):
    """Outputs are the inputs, and what the real provider would compute where it matters."""

    def __init__(self, preview: bool) -> None:
        self.preview = preview

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"the program asks a provider for {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        inputs = {name: rpc.unwrap_rpc_secret(value) for name, value in args.inputs.items()}
        computed = _computed(args.typ.rsplit(":", 1)[-1], inputs)
        if self.preview and args.typ.startswith("kubernetes:"):
            computed["metadata"] = {**inputs["metadata"], "uid": rpc.UNKNOWN}
        return f"{args.name}-id", {**args.inputs, **computed}


def _computed(kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return what a provider adds to a resource's inputs."""
    compute: dict[str, Callable[[], Any]] = {
        "GeneratedPassword": lambda: PasswordProvider().create(inputs).outs,
        "ServerCertificate": lambda: CertificateProvider().create(inputs).outs,
        "KafkaAuthority": lambda: AuthorityProvider().create(inputs).outs,
        "AccountCertificate": lambda: AccountCertificateProvider().create(inputs).outs,
        "ExistingDatabase": lambda: {
            "captured": {"entries": "{}", "kept_in_state": True},
            "seen": {"described": described(inputs["source"]["tables"])},
        },
        "Bucket": lambda: {"arn": f"arn:aws:s3:::{inputs['bucket']}"},
        "CatalogDatabase": lambda: {
            "arn": f"arn:aws:glue:us-east-1:{ACCOUNT}:database/{inputs['name']}"
        },
        "Role": lambda: {"arn": f"arn:aws:iam::{ACCOUNT}:role/{inputs.get('name')}"},
        "AccessKey": lambda: {"secret": "a-secret-access-key"},
    }
    return dict(compute[kind]()) if kind in compute else {}


def described(tables: Iterable[str]) -> str:
    """Return what description.sql says of tables with the columns id, the key, and name."""
    columns = {"id": "integer", "name": "text"}
    return json.dumps({table: {"key": ["id"], "columns": columns} for table in tables})


def _name_of(resource: Registered) -> str | None:
    metadata = resource.inputs.get("metadata")
    return metadata.get("name") if isinstance(metadata, dict) else None


def _plain(value: Any) -> Any:
    """Without the marks of secrets, and with whole numbers whole."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _secret_paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            yield path
            return
        for key, item in value.items():
            yield from _secret_paths(item, f"{path}.{key}" if path else key)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secret_paths(item, f"{path}[{index}]")


def every_container(resource: Registered) -> Iterator[dict[str, Any]]:
    """Yield the containers of a workload's pods, init containers included."""
    pod = resource.inputs["spec"]["template"]["spec"]
    yield from pod.get("initContainers", [])
    yield from pod["containers"]


def visible_text(deployment: Deployment) -> str:
    """Return all registered values that are not secret, as one text without passwords."""
    shown = []
    for resource in deployment.resources:
        inputs = json.loads(json.dumps(resource.inputs))
        for path in resource.secret_paths:
            _remove(inputs, path)
        shown.append(json.dumps(inputs))
    return "\n".join(shown)


def _remove(inputs: Any, path: str) -> None:
    *parents, last = path.replace("[", ".[").split(".")
    for part in parents:
        inputs = inputs[int(part[1:-1])] if part.startswith("[") else inputs[part]
    if last.startswith("["):
        inputs[int(last[1:-1])] = None
    else:
        inputs[last] = None
