"""What the kubernetes plugin asks of an API server, and makes of its answers."""

import base64
import json
from typing import Any

import pytest

from provider_plugins.kubernetes.cluster import (
    ApiServerError,
    explain_conflict,
    failure_from,
    load_kubeconfig,
    warnings_of,
)
from provider_plugins.kubernetes.identity import refuse_unsupported
from provider_plugins.kubernetes.immutable import needs_replacement, paths_refused
from provider_plugins.kubernetes.manifest import (
    drifted_inputs,
    imported_inputs,
    manifest_of,
    outputs_of,
    previewed_outputs,
)
from provider_plugins.kubernetes.provider import Kubernetes
from provider_plugins.kubernetes.unknowns import STAND_IN
from provider_plugins.provider import InvalidInputsError, Naming, ProviderError, Resource
from provider_plugins.wire import UNKNOWN, Properties, Secret, has_secret


def resource() -> Resource:
    return Resource("urn:pulumi:dev::project::kubernetes:core/v1:ConfigMap::config")


def config_map(**metadata: Any) -> Properties:
    metadata = {"name": "config", "namespace": "plugins", **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


class ApiServer:
    """An API server in memory: namespaces, objects by name, and refusals by rule."""

    def __init__(self, *namespaces: str) -> None:
        self.namespaces = {"default", *namespaces}
        self.objects: dict[tuple[str | None, str], Properties] = {}
        self.refusal: ApiServerError | None = None
        self.dry_runs: list[Properties] = []

    def api(self, obj: Properties) -> Any:
        return type("Api", (), {"namespaced": obj["kind"] != "Namespace"})

    def get(self, obj: Properties, name: str, namespace: str | None) -> Properties | None:
        return self.objects.get((namespace, name))

    def apply(
        self, obj: Properties, *, dry_run: bool = False, force: bool = False
    ) -> tuple[Properties, list[str]]:
        namespace, name = obj["metadata"].get("namespace"), obj["metadata"]["name"]
        if dry_run:
            self.dry_runs.append(obj)
        if namespace not in self.namespaces:
            raise ApiServerError(404, f'namespaces "{namespace}" not found')
        if self.refusal:
            self.refusal.message = self.refusal.message.replace("NAME", name)
            raise self.refusal
        live = {**obj, "metadata": {**obj["metadata"], "uid": "u-1", "generation": 1}}
        if not dry_run:
            self.objects[namespace, name] = live
        return live, []


@pytest.fixture
def server() -> ApiServer:
    return ApiServer("plugins")


@pytest.fixture
def plugin(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Kubernetes:
    plugin = Kubernetes()
    monkeypatch.setattr(plugin, "_cluster", server)
    return plugin


# Names and types


def test_an_object_without_a_name_gets_one_and_keeps_it(plugin: Kubernetes) -> None:
    unnamed = {"apiVersion": "v1", "kind": "ConfigMap"}
    first = plugin.check(resource(), {}, unnamed, Naming(seed=b"1"))
    assert first["metadata"]["name"].startswith("config-")
    assert first["metadata"]["namespace"] == "default"
    again = plugin.check(resource(), first, unnamed, Naming(seed=b"2"))
    assert again == first


def test_the_programs_name_is_never_touched(plugin: Kubernetes) -> None:
    assert plugin.check(resource(), {}, config_map(), Naming()) == config_map()


def test_a_cluster_wide_object_gets_no_namespace(plugin: Kubernetes) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    assert plugin.check(resource(), {}, namespace, Naming()) == namespace


def test_an_object_without_a_kind_is_refused(plugin: Kubernetes) -> None:
    with pytest.raises(InvalidInputsError, match="kind: is required"):
        plugin.check(resource(), {}, {"apiVersion": "v1"}, Naming())


@pytest.mark.parametrize(
    "token",
    [
        "kubernetes:core/v1:ConfigMapList",
        "kubernetes:core/v1:ConfigMapPatch",
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:yaml:ConfigFile",
    ],
)
def test_what_is_no_plain_object_is_refused_by_name(token: str) -> None:
    with pytest.raises(ProviderError, match=token):
        refuse_unsupported(token)


def test_a_kubeconfigs_text_is_kept_secret_and_its_change_replaces_nothing(
    plugin: Kubernetes,
) -> None:
    checked = plugin.check_configuration({"kubeconfig": "apiVersion: v1\nkind: Config\n"})
    assert isinstance(checked["kubeconfig"], Secret)
    assert plugin.check_configuration({"kubeconfig": "/path"}) == {"kubeconfig": "/path"}
    assert plugin.replacing_configuration == ()


def test_client_side_apply_is_refused(plugin: Kubernetes) -> None:
    with pytest.raises(InvalidInputsError, match="enableServerSideApply"):
        plugin.check_configuration({"enableServerSideApply": "false"})


def test_a_missing_kubeconfig_says_what_to_set(tmp_path: Any) -> None:
    with pytest.raises(ProviderError, match="set KUBECONFIG"):
        load_kubeconfig(str(tmp_path / "none"))


# Previews


def test_a_preview_is_a_dry_run_in_the_objects_own_place(
    plugin: Kubernetes, server: ApiServer
) -> None:
    outputs = plugin.preview_create(resource(), config_map())
    assert server.dry_runs == [config_map()]
    assert outputs["metadata"]["uid"] is UNKNOWN
    assert outputs["data"] == {"a": "1"}


def test_the_api_servers_refusal_is_the_previews_error(
    plugin: Kubernetes, server: ApiServer
) -> None:
    server.refusal = ApiServerError(422, 'ConfigMap "NAME" is invalid')
    with pytest.raises(ProviderError, match='"config" is invalid'):
        plugin.preview_create(resource(), config_map())


def test_before_its_namespace_exists_an_object_is_tried_in_one_that_does(
    plugin: Kubernetes, server: ApiServer
) -> None:
    outputs = plugin.preview_create(resource(), config_map(namespace="new"))
    assert server.dry_runs[-1]["metadata"]["namespace"] == "default"
    assert outputs["metadata"]["namespace"] == "new"
    assert outputs["metadata"]["name"] == "config"
    server.refusal = ApiServerError(500, 'failed: "NAME": field not declared')
    with pytest.raises(ProviderError, match='"config": field not declared'):
        plugin.preview_create(resource(), config_map(namespace="new"))


def test_a_replacement_is_tried_beside_the_old_object(
    plugin: Kubernetes, server: ApiServer
) -> None:
    server.apply(config_map())
    new = {**config_map(), "data": {"a": "2"}}
    plugin.replacement(resource(), config_map(), new, {"data.a": "update"})
    plugin.preview_create(resource(), new)
    assert server.dry_runs[-1]["metadata"]["name"].startswith("config-")


def test_what_is_known_is_tried_with_text_for_the_rest(
    plugin: Kubernetes, server: ApiServer
) -> None:
    inputs = {**config_map(), "data": {"a": UNKNOWN}}
    assert plugin.preview_create(resource(), inputs) == inputs
    assert [dry_run["data"] for dry_run in server.dry_runs] == [{"a": STAND_IN}]


def test_an_object_of_unknown_name_is_not_tried(plugin: Kubernetes, server: ApiServer) -> None:
    inputs = {**config_map(), "metadata": {"name": UNKNOWN, "namespace": "plugins"}}
    assert plugin.preview_create(resource(), inputs) == inputs
    assert server.dry_runs == []


def test_an_object_of_somebody_else_is_not_taken_over(
    plugin: Kubernetes, server: ApiServer
) -> None:
    server.apply({**config_map(), "data": {"whose": "theirs"}})
    plugin.preview_create(resource(), config_map())  # only warns: it may be gone by then
    with pytest.raises(ProviderError, match="import it"):
        plugin.create(resource(), config_map(), 0)
    assert server.objects["plugins", "config"]["data"] == {"whose": "theirs"}


# Replacement


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("StatefulSet", "spec.volumeClaimTemplates[0].spec.resources.requests.storage", True),
        ("StatefulSet", "spec.serviceName", True),
        ("StatefulSet", "spec.template.spec.containers[0].image", False),
        ("StatefulSet", "spec.replicas", False),
        ("Deployment", 'spec.selector.matchLabels["app"]', True),
        ("Job", "spec.template.spec.containers[0].image", True),
        ("Secret", "type", True),
        ("Secret", "stringData.password", False),
        ("RoleBinding", "roleRef.name", True),
        ("ConfigMap", "metadata.namespace", True),
        ("ConfigMap", "data.a", False),
        ("PersistentVolumeClaim", "spec.resources.requests.storage", False),
        ("PersistentVolumeClaim", "spec.storageClassName", True),
    ],
)
def test_the_table_of_immutable_fields(kind: str, path: str, expected: bool) -> None:
    assert needs_replacement(kind, [path]) is expected


def test_a_dry_runs_refusal_replaces_what_it_names() -> None:
    refusal = ApiServerError(422, "spec.x: Invalid value: field is immutable", ("spec.x",))
    assert paths_refused(refusal, {"spec.x": "update", "spec.y": "update"}) == {"spec.x"}


def test_a_refusal_for_another_reason_replaces_nothing() -> None:
    refusal = ApiServerError(422, "spec.x: Invalid value: must be positive", ("spec.x",))
    assert paths_refused(refusal, {"spec.x": "update"}) == set()


@pytest.mark.parametrize(
    ("annotations", "changes", "delete_first"),
    [
        ({}, {"data.a": "update"}, True),
        ({"pulumi.com/autonamed": "true"}, {"data.a": "update"}, False),
        ({}, {"metadata.name": "update"}, False),
    ],
)
def test_the_old_object_goes_first_only_if_it_holds_the_name(
    plugin: Kubernetes, annotations: Properties, changes: Any, delete_first: bool
) -> None:
    old = config_map(annotations=annotations)
    assert plugin.replacement(resource(), old, old, changes).delete_first is delete_first


# Secrets, outputs, drift


def secret(**more: Any) -> Properties:
    metadata = {"name": "s", "namespace": "plugins"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **more}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_string_data_is_applied_as_data() -> None:
    inputs = secret(stringData={"password": Secret("hunter2")}, data={"other": "eA=="})
    applied = manifest_of(inputs)
    assert applied["data"] == {"other": "eA==", "password": encoded("hunter2")}
    assert "stringData" not in applied


def test_an_unknown_password_stays_unknown() -> None:
    assert manifest_of(secret(stringData={"p": UNKNOWN}))["data"] == {"p": UNKNOWN}


def test_a_secrets_values_are_secret_even_if_the_program_forgot() -> None:
    live = secret(data={"password": encoded("hunter2")})
    outputs = outputs_of(live, secret(stringData={"password": "hunter2"}))
    assert isinstance(outputs["data"], Secret)
    assert isinstance(outputs["stringData"], Secret)


def test_what_the_program_marked_secret_is_secret_in_the_outputs() -> None:
    inputs = {**config_map(), "data": {"a": Secret("1")}}
    assert has_secret(outputs_of(config_map(uid="u"), inputs)["data"])


def test_a_previewed_service_has_no_address_and_no_chosen_port_yet() -> None:
    inputs: Properties = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"type": "NodePort", "ports": [{"port": 1, "nodePort": 30001}, {"port": 2}]},
    }
    ports = [{"port": 1, "nodePort": 30001}, {"port": 2, "nodePort": 31234}]
    dry = {**inputs, "spec": {"type": "NodePort", "clusterIP": "10.0.0.9", "ports": ports}}
    spec = previewed_outputs(dry, inputs)["spec"]
    assert spec["clusterIP"] is UNKNOWN
    assert [port["nodePort"] for port in spec["ports"]] == [30001, UNKNOWN]


def test_another_spelling_of_the_same_value_is_no_drift() -> None:
    inputs = {**config_map(), "spec": {"limits": {"cpu": "1000m"}}}
    live = {**config_map(uid="u"), "spec": {"limits": {"cpu": "1"}, "defaulted": True}}
    assert drifted_inputs(inputs, live, reapplied=live) == inputs


def test_drift_shows_the_live_value() -> None:
    live = {**config_map(uid="u"), "data": {"a": "by hand"}}
    reapplied = config_map(uid="u")
    assert drifted_inputs(config_map(), live, reapplied)["data"] == {"a": "by hand"}


def test_without_a_dry_run_the_values_are_compared_as_they_stand() -> None:
    live = {**config_map(uid="u"), "data": {"a": "by hand", "b": "added"}}
    assert drifted_inputs(config_map(), live, None)["data"] == {"a": "by hand"}


def test_a_changed_password_drifts_in_the_property_that_the_program_uses() -> None:
    inputs = secret(stringData={"password": Secret("hunter2")})
    live = secret(data={"password": encoded("changed")})
    drifted = drifted_inputs(inputs, live, manifest_of(inputs))
    assert drifted["stringData"] == {"password": Secret("changed")}
    assert "data" not in drifted


def test_an_import_leaves_out_what_the_server_made() -> None:
    live = {**config_map(uid="u", resourceVersion="1", labels={"a": "b"}), "status": {}}
    assert imported_inputs(live) == config_map(labels={"a": "b"})


# The API server's answers


def test_a_conflict_names_the_owner_the_field_and_the_way_out() -> None:
    message = (
        'Apply failed with 2 conflicts: conflicts with "kubectl" using apps/v1:\n'
        "- .spec.replicas\n- .spec.paused"
    )
    text = str(explain_conflict(ApiServerError(409, message), "StatefulSet n/kafka"))
    assert "StatefulSet n/kafka" in text
    assert "kubectl owns .spec.replicas, .spec.paused" in text
    assert "pulumi.com/patchForce" in text


def test_a_single_conflict_is_understood_too() -> None:
    message = 'Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .data.a'
    text = str(explain_conflict(ApiServerError(409, message), "ConfigMap n/c"))
    assert "kubectl-patch owns .data.a." in text


def test_a_status_is_read_for_its_message_and_fields() -> None:
    body = {
        "message": "spec.x: immutable",
        "details": {"causes": [{"field": "spec.x"}], "retryAfterSeconds": 3},
    }
    failure = failure_from(422, json.dumps(body).encode())
    assert str(failure) == "spec.x: immutable (HTTP 422)"
    assert failure.fields == ("spec.x",)
    assert failure.retry_after == 3


def test_an_answer_that_is_no_status_is_shown_as_it_is() -> None:
    assert str(failure_from(502, b"Bad Gateway")) == "Bad Gateway (HTTP 502)"


def test_warnings_are_read_from_the_header() -> None:
    header = r'299 - "would violate \"restricted\"", 299 - "deprecated"'
    assert warnings_of(header) == ['would violate "restricted"', "deprecated"]
    assert warnings_of(None) == []
