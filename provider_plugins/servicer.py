"""The gRPC side of a plugin: requests decoded, handed to a `Provider`, answers encoded."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent import futures
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from provider_plugins.diff import Change, Changes, paths_touching
from provider_plugins.provider import (
    InitializationError,
    InvalidInputsError,
    Naming,
    Provider,
    ProviderError,
    Replacement,
    Resource,
)
from provider_plugins.wire import Properties, decode_properties, encode_properties, plain

# The engine requests all resources that are ready in parallel; most threads wait for an API.
THREADS = 64

# Bytes; the engine's own limit.
MESSAGE_LIMIT = 400 * 1024 * 1024

_KIND = provider_pb2.PropertyDiff
_DIFF_KINDS: dict[Change, tuple[Any, Any]] = {
    "add": (_KIND.ADD, _KIND.ADD_REPLACE),
    "delete": (_KIND.DELETE, _KIND.DELETE_REPLACE),
    "update": (_KIND.UPDATE, _KIND.UPDATE_REPLACE),
}

Answer = TypeVar("Answer")


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one provider. The methods' names are the protocol's."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    # What the plugin is

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._provider.engine.connect(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=True
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        schema = {"name": self._provider.name, "version": self._provider.version}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._provider.cancelled.set()
        return empty_pb2.Empty()

    # Its configuration

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return _checked(context, request, self._provider.check_configuration)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        def diff() -> Any:
            old, new = plain(decode_properties(request.old_inputs)), plain(_news(request))
            changes = Provider.changes(self._provider, Resource(request.urn), old, new)
            replacing = frozenset(self._provider.replacing_configuration)
            return diff_response(changes, Replacement(replacing))

        return _answer(context, diff)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        def configure() -> Any:
            configuration = plain(decode_properties(request.args))
            self._provider.configure(parse_nested_json(configuration))
            return provider_pb2.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
            )

        return _answer(context, configure)

    # A resource's life

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        def check(new: Properties) -> Properties:
            old = decode_properties(request.olds)
            return self._provider.check(Resource(request.urn), old, new, naming_of(request))

        return _checked(context, request, check)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        def diff() -> Any:
            resource = Resource(request.urn)
            old, new = plain(decode_properties(request.old_inputs)), plain(_news(request))
            changes = self._provider.changes(resource, old, new)
            replacement = self._provider.replacement(resource, old, new, changes)
            return diff_response(changes, replacement)

        return _answer(context, diff)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        def create() -> Any:
            resource, inputs = Resource(request.urn), decode_properties(request.properties)
            if request.preview:
                outputs = self._provider.preview_create(resource, inputs)
                return provider_pb2.CreateResponse(properties=encode_properties(outputs))
            resource_id, outputs = self._provider.create(resource, inputs, request.timeout)
            return provider_pb2.CreateResponse(
                id=resource_id, properties=encode_properties(outputs)
            )

        return _answer(context, create)

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        def read() -> Any:
            outputs, inputs = (
                decode_properties(request.properties),
                decode_properties(request.inputs),
            )
            found = self._provider.read(Resource(request.urn), request.id, outputs, inputs)
            if found is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=found.resource_id,
                properties=encode_properties(found.outputs),
                inputs=encode_properties(found.inputs),
            )

        return _answer(context, read)

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        def update() -> Any:
            resource, outputs = Resource(request.urn), decode_properties(request.olds)
            new = _news(request)
            if request.preview:
                result = self._provider.preview_update(resource, request.id, outputs, new)
            else:
                result = self._provider.update(resource, request.id, outputs, new, request.timeout)
            return provider_pb2.UpdateResponse(properties=encode_properties(result))

        return _answer(context, update)

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        def delete() -> Any:
            outputs = decode_properties(request.properties)
            self._provider.delete(Resource(request.urn), request.id, outputs, request.timeout)
            return empty_pb2.Empty()

        return _answer(context, delete)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        def invoke() -> Any:
            result = self._provider.invoke(request.tok, plain(decode_properties(request.args)))
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(encode_properties(result))  # a keyword of Python
            return response

        return _answer(context, invoke)


def _news(request: Any) -> Properties:
    return decode_properties(request.news)


def _checked(context: Any, request: Any, check: Callable[[Properties], Properties]) -> Any:
    def answer() -> Any:
        try:
            inputs = encode_properties(check(_news(request)))
        except InvalidInputsError as error:
            failures = [
                provider_pb2.CheckFailure(property=path, reason=reason)
                for path, reason in error.failures
            ]
            return provider_pb2.CheckResponse(inputs=request.news, failures=failures)
        return provider_pb2.CheckResponse(inputs=inputs)

    return _answer(context, answer)


def _answer(context: Any, produce: Callable[[], Answer]) -> Answer:
    """Return the answer, or the failure in the form that the engine shows to the user."""
    try:
        return produce()
    except InitializationError as error:
        _abort_with_state(context, error)
    except (ProviderError, InvalidInputsError, ValueError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    except Exception as error:
        traceback.print_exc()  # a fault of the plugin: the engine shows its standard error
        context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
    raise AssertionError("context.abort always raises")


def _abort_with_state(context: Any, error: InitializationError) -> NoReturn:
    """Fail, and let the engine keep the resource in the state with the reasons."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id,
            properties=encode_properties(error.outputs),
            inputs=encode_properties(error.inputs),
            reasons=error.reasons,
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, str(error))
    raise AssertionError("context.abort always raises")


def naming_of(request: Any) -> Naming:
    """Return the engine's wishes for an automatic name."""
    if not request.HasField("autonaming"):
        return Naming(seed=request.randomSeed)
    options = request.autonaming
    disabled = options.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE
    return Naming(seed=request.randomSeed, proposed=options.proposed_name, disabled=disabled)


def parse_nested_json(configuration: Properties) -> Properties:
    """Parse booleans, numbers, lists and objects in the provider's configuration."""
    return {key: _parse_if_json(value) for key, value in configuration.items()}


def _parse_if_json(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("[", "{", "true", "false")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def diff_response(changes: Changes, replacement: Replacement) -> Any:
    """Return the engine's form of a difference, each path with its kind."""
    replaces = paths_touching(changes, replacement.paths)
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if changes else response.DIFF_NONE,
        replaces=sorted(replaces),
        diffs=sorted({path.split(".")[0].split("[")[0] for path in changes}),
        hasDetailedDiff=True,
        detailedDiff={
            path: provider_pb2.PropertyDiff(
                kind=_DIFF_KINDS[change][path in replaces], inputDiff=True
            )
            for path, change in changes.items()
        },
        deleteBeforeReplace=bool(replaces) and replacement.delete_first,
    )


def serve(provider: Provider) -> None:
    """Serve the provider until the engine ends; the port goes to standard output, as asked."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=THREADS),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_LIMIT),
            ("grpc.max_send_message_length", MESSAGE_LIMIT),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


def _exit_with_parent(parent: int) -> None:
    """End this process once the engine is gone: one that was killed cannot say goodbye."""
    while os.getppid() == parent:
        time.sleep(2)
    os._exit(0)
