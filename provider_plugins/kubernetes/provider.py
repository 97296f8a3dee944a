"""The resource provider: server-side apply, previewed by the API server's own dry run."""

from __future__ import annotations

import secrets
import threading
from typing import Final

from provider_plugins.diff import Changes, paths_touching
from provider_plugins.kubernetes.cluster import (
    ApiServerError,
    Cluster,
    Object,
    UnknownKindError,
    explain_conflict,
)
from provider_plugins.kubernetes.identity import kind_of, named_metadata, refuse_unsupported
from provider_plugins.kubernetes.immutable import (
    immutable_paths,
    needs_replacement,
    paths_refused,
)
from provider_plugins.kubernetes.manifest import (
    AUTONAMED,
    DELETION_PROPAGATION,
    PATCH_FORCE,
    annotation,
    drifted_inputs,
    imported_inputs,
    manifest_of,
    object_id,
    outputs_of,
    previewed_outputs,
    split_id,
    without_node_ports,
)
from provider_plugins.kubernetes.unknowns import (
    has_identity,
    is_about_unknowns,
    with_stand_ins,
)
from provider_plugins.kubernetes.waiting import NotReadyError, Waiter
from provider_plugins.provider import (
    Found,
    InitializationError,
    InvalidInputsError,
    Naming,
    Provider,
    ProviderError,
    Replacement,
    Resource,
)
from provider_plugins.wire import (
    Properties,
    Secret,
    Unknown,
    has_unknown,
    plain,
)

PORT_TAKEN: Final = "provided port is already allocated"
NAMESPACE_THAT_EXISTS: Final = "default"
"""Where a dry run is done for an object whose own namespace the same program makes."""

UNSUPPORTED_CONFIGURATION: Final = ("renderYamlToDirectory",)


class Kubernetes(Provider):
    """Stands in for pulumi-kubernetes."""

    name = "kubernetes"

    def __init__(self) -> None:
        super().__init__()
        self._cluster = Cluster()
        self._default_namespace = "default"
        self._patch_force = False
        self._upsert = False
        self._known_objects: dict[str, str] = {}
        self._warned_of_adoption = threading.Event()

    @property
    def _waiter(self) -> Waiter:
        return Waiter(self._cluster, self.engine, self.cancelled)

    def check_configuration(self, inputs: Properties) -> Properties:
        """Refuse what this plugin cannot do; keep a kubeconfig's text, with its key, secret."""
        configuration = plain(inputs)
        if configuration.get("enableServerSideApply") in (False, "false"):
            raise InvalidInputsError(
                ("enableServerSideApply", "the sandbox's plugin knows no other way")
            )
        for key in UNSUPPORTED_CONFIGURATION:
            if configuration.get(key):
                raise InvalidInputsError((key, "is not supported by the sandbox's plugin"))
        kubeconfig = inputs.get("kubeconfig")
        if isinstance(kubeconfig, str) and "\n" in kubeconfig:
            return {**inputs, "kubeconfig": Secret(kubeconfig)}
        return inputs

    def configure(self, configuration: Properties) -> None:
        """Take the kubeconfig, its context, the default namespace and the switches."""
        self._cluster = Cluster(configuration.get("kubeconfig"), configuration.get("context"))
        self._default_namespace = configuration.get("namespace") or "default"
        self._patch_force = configuration.get("enablePatchForce") is True
        self._upsert = configuration.get("upsertExistingObjects") is True

    def check(
        self, resource: Resource, old: Properties, new: Properties, naming: Naming
    ) -> Properties:
        """Refuse what is no plain object; fill in the name and the namespace."""
        refuse_unsupported(resource.type)
        wanted = plain(new)
        missing = [(key, "is required") for key in ("apiVersion", "kind") if not wanted.get(key)]
        if missing:
            raise InvalidInputsError(*missing)
        metadata = new.get("metadata")
        if isinstance(metadata, Unknown):
            return new
        if isinstance(metadata, Secret):
            metadata = metadata.value
        named = named_metadata(metadata or {}, plain(old).get("metadata") or {}, resource, naming)
        if "namespace" not in plain(named) and self._is_namespaced(wanted):
            named["namespace"] = self._default_namespace
        return {**new, "metadata": named}

    def _is_namespaced(self, obj: Object) -> bool:
        if has_unknown(obj["apiVersion"]) or has_unknown(obj["kind"]):
            return True
        try:
            return bool(self._cluster.api(obj).namespaced)
        except UnknownKindError:
            return True  # most kinds are; its definition is made by the same program

    def replacement(
        self, resource: Resource, old: Properties, new: Properties, changes: Changes
    ) -> Replacement:
        """The table's immutable fields, and those that a dry run of the update refuses."""
        self._known_objects[resource.urn] = object_id(old)
        kind = new["kind"]
        if not changes or isinstance(kind, Unknown) or isinstance(new.get("metadata"), Unknown):
            return Replacement()
        paths = set(immutable_paths(kind))
        if not needs_replacement(kind, changes) and not has_unknown(new):
            paths |= self._refused_in_place(new, changes)
        named_by_program = annotation(new, AUTONAMED) != "true"
        renamed = bool(paths_touching(changes, ("metadata.name", "metadata.namespace")))
        return Replacement(paths, delete_first=named_by_program and not renamed)

    def _refused_in_place(self, new: Properties, changes: Changes) -> set[str]:
        try:
            # Forced: who owns a field is the update's business, not the question here.
            self._cluster.apply(manifest_of(new), dry_run=True, force=True)
        except ApiServerError as failure:
            return paths_refused(failure, changes)
        except UnknownKindError:
            return set()
        return set()

    # Preview

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        """What the API server would make of the object; its refusal is the preview's error."""
        obj = manifest_of(inputs)
        try:
            if has_unknown(obj):
                self._validate_what_is_known(resource, obj)
                return inputs
            dry = self._dry_run_create(resource, obj)
        except UnknownKindError as error:
            self.engine.info(resource.urn, f"not validated yet: {error}")
            return inputs
        return previewed_outputs(dry, inputs)

    def _validate_what_is_known(self, resource: Resource, obj: Object) -> None:
        """A dry run with text for what the preview can't know; its answer is of no other use."""
        if not has_identity(obj):
            return
        try:
            self._dry_run_create(resource, with_stand_ins(obj))
        except ApiServerError as failure:
            if not is_about_unknowns(failure, obj):
                raise

    def _dry_run_create(self, resource: Resource, obj: Object) -> Object:
        """A dry run where the object will stand, or beside it where it cannot be done there."""
        metadata = obj["metadata"]
        if self._cluster.get(obj, metadata["name"], metadata.get("namespace")):
            to_be_replaced = self._known_objects.get(resource.urn) == object_id(obj)
            if not to_be_replaced:
                self._warn_of_adoption(resource, obj)
            return self._dry_run_beside(resource, obj, metadata.get("namespace"))
        try:
            return self._apply(resource, obj, dry_run=True)
        except ApiServerError as failure:
            if not failure.missing_namespace:
                raise
        return self._dry_run_beside(resource, obj, NAMESPACE_THAT_EXISTS)

    def _dry_run_beside(self, resource: Resource, obj: Object, namespace: str | None) -> Object:
        """A dry run under a name that is free, told as if it were the object's own."""
        metadata = obj["metadata"]
        stand_in = f"{metadata['name'][:40]}-{secrets.token_hex(4)}"
        moved = {**obj, "metadata": {**metadata, "name": stand_in}}
        if namespace:
            moved["metadata"]["namespace"] = namespace
        try:
            dry = self._apply(resource, moved, dry_run=True)
        except ApiServerError as failure:
            if PORT_TAKEN in failure.message and "nodePort" in str(obj):
                return self._dry_run_beside(resource, without_node_ports(obj), namespace)
            failure.message = failure.message.replace(stand_in, metadata["name"])
            raise
        dry["metadata"] |= {key: metadata[key] for key in ("name", "namespace") if key in metadata}
        return dry

    def preview_update(
        self, resource: Resource, resource_id: str, outputs: Properties, new: Properties
    ) -> Properties:
        """What the API server would make of the object as it is."""
        obj = manifest_of(new)
        if has_unknown(obj):
            self._validate_what_is_known(resource, obj)
            return new
        return previewed_outputs(self._apply(resource, obj, dry_run=True), new)

    # The real thing

    def create(
        self, resource: Resource, inputs: Properties, timeout: float
    ) -> tuple[str, Properties]:
        """Apply an object that does not exist yet and wait until it is ready."""
        obj = manifest_of(inputs)
        metadata = obj["metadata"]
        try:
            self._cluster.api(obj)
        except UnknownKindError:
            self._cluster.forget_kinds()  # its definition may be a minute old
        if self._cluster.get(obj, metadata["name"], metadata.get("namespace")):
            self._refuse_adoption(obj)
        live = self._apply(resource, obj)
        outputs = self._ready_outputs(resource, live, inputs, timeout)
        return object_id(live), outputs

    def update(
        self,
        resource: Resource,
        resource_id: str,
        outputs: Properties,
        new: Properties,
        timeout: float,
    ) -> Properties:
        """Apply the changed object and wait until it is ready again."""
        live = self._apply(resource, manifest_of(new))
        return self._ready_outputs(resource, live, new, timeout)

    def read(
        self, resource: Resource, resource_id: str, outputs: Properties, inputs: Properties
    ) -> Found | None:
        """The object as it is, and as inputs: the program's own text wherever nothing drifted."""
        refuse_unsupported(resource.type)
        known = plain(outputs) if outputs.get("apiVersion") else plain(inputs)
        kind = known if known.get("apiVersion") else kind_of(resource.type)
        namespace, name = split_id(resource_id)
        try:
            live = self._cluster.get(kind, name, namespace)
        except UnknownKindError:
            return None  # with its definition, the object is gone too
        if live is None:
            return None
        if not inputs:
            imported = imported_inputs(live)
            return Found(resource_id, outputs_of(live, imported), imported)
        drifted = drifted_inputs(inputs, live, self._reapplied(inputs))
        found = Found(resource_id, outputs_of(live, drifted), drifted)
        state = self._waiter.current(live)
        if not state.ready:
            reason = f"{live['kind']} {resource_id} is not ready: {state.reason}"
            raise InitializationError(resource_id, found.outputs, found.inputs, [reason])
        return found

    def _reapplied(self, inputs: Properties) -> Object | None:
        try:
            reapplied, _ = self._cluster.apply(manifest_of(inputs), dry_run=True, force=True)
        except ApiServerError:
            return None  # an immutable field drifted: then the values are compared as they stand
        return reapplied

    def delete(
        self, resource: Resource, resource_id: str, outputs: Properties, timeout: float
    ) -> None:
        """Delete the object with what belongs to it, and wait until it is gone."""
        obj = plain(outputs)
        namespace, name = split_id(resource_id)
        propagation = annotation(obj, DELETION_PROPAGATION) or "Foreground"
        try:
            live = self._cluster.get(obj, name, namespace)
        except UnknownKindError:
            return  # with its definition, the object is gone too
        if live and self._cluster.delete(obj, name, namespace, propagation.capitalize()):
            self._waiter.until_gone(resource, live, timeout)

    def _apply(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Apply, passing the API server's warnings on and explaining a conflict."""
        force = self._patch_force or annotation(obj, PATCH_FORCE) == "true"
        try:
            live, warnings = self._cluster.apply(obj, dry_run=dry_run, force=force)
        except ApiServerError as failure:
            if failure.status == 409 and "conflict" in failure.message:
                raise explain_conflict(failure, f"{obj['kind']} {object_id(obj)}") from failure
            raise
        for warning in warnings:
            self.engine.warning(resource.urn, warning)
        return live

    def _ready_outputs(
        self, resource: Resource, live: Object, inputs: Properties, timeout: float
    ) -> Properties:
        try:
            return outputs_of(self._waiter.until_ready(resource, live, timeout), inputs)
        except NotReadyError as error:
            outputs = outputs_of(error.live, inputs)
            raise InitializationError(object_id(live), outputs, inputs, [error.reason]) from error

    def _warn_of_adoption(self, resource: Resource, obj: Object) -> None:
        """Say once in a preview what `create` will say; the object may be gone by then."""
        if not self._upsert and not self._warned_of_adoption.is_set():
            self._warned_of_adoption.set()
            self.engine.warning(
                resource.urn,
                f"{obj['kind']} {object_id(obj)} exists already and is not in this stack's state "
                "(others may, too): as things stand, up will refuse to take it over",
            )

    def _refuse_adoption(self, obj: Object) -> None:
        """An object that exists but is not in the stack's state is somebody's: say so."""
        if self._upsert:
            return
        what = f"{obj['kind']} {object_id(obj)}"
        raise ProviderError(
            f"{what} exists already and is not in this stack's state: import it (pulumi import), "
            "delete it, or let the provider take it over with upsertExistingObjects"
        )
