"""The engine's side of the protocol, spoken to a provider over a real connection."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from polling.lines import LineReader
from provider_plugins.diff import Changes
from provider_plugins.install import MissingPackageError, install
from provider_plugins.provider import (
    Found,
    InvalidInputsError,
    Naming,
    Provider,
    ProviderError,
    Replacement,
    Resource,
)
from provider_plugins.servicer import Servicer, parse_nested_json
from provider_plugins.wire import (
    UNKNOWN,
    Properties,
    Secret,
    decode_properties,
    encode_properties,
)

URN = "urn:pulumi:dev::project::parent:Type$aws:s3/bucket:Bucket::name::with::colons"


class Recorder(Provider):
    """A provider whose resources are their own inputs."""

    name = "aws"

    def __init__(self) -> None:
        super().__init__()
        self.configuration: Properties = {}
        self.deleted: list[str] = []

    def configure(self, configuration: Properties) -> None:
        self.configuration = configuration

    def check(
        self, resource: Resource, old: Properties, new: Properties, naming: Naming
    ) -> Properties:
        if "wrong" in new:
            raise InvalidInputsError(("wrong", "is wrong"))
        return {**new, "name": naming.name(f"{resource.name}-", 7)}

    def replacement(
        self, resource: Resource, old: Properties, new: Properties, changes: Changes
    ) -> Replacement:
        return Replacement(frozenset({"fixed"}), delete_first=True)

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        return {**inputs, "made": UNKNOWN}

    def create(
        self, resource: Resource, inputs: Properties, timeout: float
    ) -> tuple[str, Properties]:
        if "refused" in inputs:
            raise ProviderError("refused: ask someone")
        return f"{resource.type} {timeout:.0f}", inputs

    def read(
        self, resource: Resource, resource_id: str, outputs: Properties, inputs: Properties
    ) -> Found | None:
        return None if resource_id == "gone" else Found(resource_id, outputs, inputs)

    def preview_update(
        self, resource: Resource, resource_id: str, outputs: Properties, new: Properties
    ) -> Properties:
        return {**new, "previewed": True}

    def update(
        self,
        resource: Resource,
        resource_id: str,
        outputs: Properties,
        new: Properties,
        timeout: float,
    ) -> Properties:
        return {**outputs, **new}

    def delete(
        self, resource: Resource, resource_id: str, outputs: Properties, timeout: float
    ) -> None:
        self.deleted.append(resource_id)


@pytest.fixture
def provider() -> Recorder:
    return Recorder()


@pytest.fixture
def engine(provider: Recorder) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(None).wait(60)


def failure_of(request: Callable[[], object]) -> Any:
    """Return the error with which a request ends."""
    with pytest.raises(grpc.RpcError) as failure:
        request()
    return failure.value


def test_secrets_and_unknowns_pass_through_a_preview(
    engine: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    inputs = encode_properties({"password": Secret("x")})
    answer = engine.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs, preview=True))
    assert answer.id == ""
    assert decode_properties(answer.properties) == {"password": Secret("x"), "made": UNKNOWN}


def test_a_creation_gets_the_type_and_the_timeout(
    engine: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    answer = engine.Create(provider_pb2.CreateRequest(urn=URN, timeout=90))
    assert answer.id == "aws:s3/bucket:Bucket 90"


def test_a_failure_is_told_in_the_providers_words(
    engine: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    properties = encode_properties({"refused": True})
    failure = failure_of(
        lambda: engine.Create(provider_pb2.CreateRequest(urn=URN, properties=properties))
    )
    assert failure.details() == "refused: ask someone"


def test_a_wrong_input_is_named(engine: provider_pb2_grpc.ResourceProviderStub) -> None:
    news = encode_properties({"wrong": 1})
    answer = engine.Check(provider_pb2.CheckRequest(urn=URN, news=news))
    assert [(one.property, one.reason) for one in answer.failures] == [("wrong", "is wrong")]


def test_the_same_seed_gives_the_same_name(
    engine: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    def name(seed: bytes) -> str:
        answer = engine.Check(provider_pb2.CheckRequest(urn=URN, randomSeed=seed))
        return str(decode_properties(answer.inputs)["name"])

    assert name(b"one") == name(b"one") != name(b"two")
    assert name(b"one").startswith("name::with::colons-")


def test_a_disabled_automatic_name_is_an_error(
    engine: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions
    failure = failure_of(
        lambda: engine.Check(
            provider_pb2.CheckRequest(urn=URN, autonaming=options(mode=options.DISABLE))
        )
    )
    assert "set the name" in failure.details()


def test_a_difference_says_which_paths_replace(
    engine: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    answer = engine.Diff(
        provider_pb2.DiffRequest(
            urn=URN,
            old_inputs=encode_properties({"fixed": {"a": 1}, "loose": 1}),
            news=encode_properties({"fixed": {"a": 2}, "loose": 2}),
        )
    )
    kinds = provider_pb2.PropertyDiff
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == ["fixed.a"]
    assert answer.detailedDiff["fixed.a"].kind == kinds.UPDATE_REPLACE
    assert answer.detailedDiff["loose"].kind == kinds.UPDATE
    assert answer.deleteBeforeReplace


def test_a_change_that_replaces_nothing_deletes_nothing_first(
    engine: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    same, new = encode_properties({"loose": 1}), encode_properties({"loose": 2})
    changed = engine.Diff(provider_pb2.DiffRequest(urn=URN, old_inputs=same, news=new))
    assert not changed.replaces
    assert not changed.deleteBeforeReplace
    unchanged = engine.Diff(provider_pb2.DiffRequest(urn=URN, old_inputs=same, news=same))
    assert unchanged.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_what_is_gone_reads_as_nothing(engine: provider_pb2_grpc.ResourceProviderStub) -> None:
    assert engine.Read(provider_pb2.ReadRequest(urn=URN, id="gone")).id == ""
    assert engine.Read(provider_pb2.ReadRequest(urn=URN, id="here")).id == "here"


def test_a_preview_of_an_update_updates_nothing(
    engine: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    request = provider_pb2.UpdateRequest(urn=URN, news=encode_properties({"a": 1}), preview=True)
    assert decode_properties(engine.Update(request).properties) == {"a": 1, "previewed": True}


def test_delete_and_cancel_reach_the_provider(
    engine: provider_pb2_grpc.ResourceProviderStub, provider: Recorder
) -> None:
    engine.Delete(provider_pb2.DeleteRequest(urn=URN, id="old"))
    engine.Cancel(empty_pb2.Empty())
    assert provider.deleted == ["old"]
    assert provider.cancelled.is_set()


def test_nested_configuration_arrives_as_json_text() -> None:
    parsed = parse_nested_json(
        {"endpoints": '[{"s3":"http://x"}]', "flag": "true", "name": "trueish", "kubeconfig": "{x"}
    )
    assert parsed == {
        "endpoints": [{"s3": "http://x"}],
        "flag": True,
        "name": "trueish",
        "kubeconfig": "{x",
    }


KUBERNETES = Path("/cache/pulumi-resource-kubernetes")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return install(tmp_path_factory.mktemp("pulumi"), Path(sys.prefix), KUBERNETES)


def test_the_kubernetes_plugin_is_the_official_one_in_its_packages_version(
    installed: list[Path],
) -> None:
    executable = installed[-1]
    assert executable.readlink() == KUBERNETES
    assert executable.parent.name == f"resource-kubernetes-v{version('pulumi_kubernetes')}"


def test_the_installed_plugins_run_and_report_the_official_version(installed: list[Path]) -> None:
    for executable in installed[:-1]:
        name = executable.name.removeprefix("pulumi-resource-")
        official = version(f"pulumi_{name}")
        assert executable.parent.name == f"resource-{name}-v{official}"
        with (
            subprocess.Popen(
                [executable, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, cwd="/"
            ) as process,
            ExitStack() as stack,
        ):
            stack.callback(process.kill)  # in any case: the block waits for its end
            assert process.stdout is not None
            port = LineReader(process.stdout).next_line(60)
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                info = stub.GetPluginInfo(empty_pb2.Empty(), timeout=20)
        assert info.version == official


def test_installing_twice_changes_nothing_and_spares_official_plugins(tmp_path: Path) -> None:
    *first, kubernetes = install(tmp_path, Path(sys.prefix), KUBERNETES)
    texts = [path.read_text() for path in first]
    official = first[0]
    official.write_text("an official plugin")
    assert install(tmp_path, Path(sys.prefix), KUBERNETES) == [*first[1:], kubernetes]
    assert official.read_text() == "an official plugin"
    assert [path.read_text() for path in first[1:]] == texts[1:]
    assert all(os.access(path, os.X_OK) for path in first)
    kubernetes.unlink()
    kubernetes.write_text("a downloaded plugin")
    assert install(tmp_path, Path(sys.prefix), KUBERNETES) == first[1:]
    assert kubernetes.read_text() == "a downloaded plugin"


def test_a_wrong_virtual_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingPackageError, match=r"requirements\.txt"):
        install(tmp_path / "home", tmp_path / "venv", KUBERNETES)
