"""What a plugin is: the base class of the three, and what its methods take and raise."""

from __future__ import annotations

import hashlib
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from importlib.metadata import version

from provider_plugins.diff import Changes, changes_between
from provider_plugins.engine import Engine
from provider_plugins.wire import Properties


class ProviderError(Exception):
    """A failure that the user can understand; its text is shown as it is."""


class InvalidInputsError(Exception):
    """Inputs that cannot be right, as (property path, reason) pairs; shown before anything runs."""

    def __init__(self, *failures: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {reason}" for path, reason in failures))
        self.failures = failures


class InitializationError(Exception):
    """The resource exists but did not become ready: it stays in the state, and the update fails."""

    def __init__(
        self, resource_id: str, outputs: Properties, inputs: Properties, reasons: list[str]
    ) -> None:
        super().__init__("; ".join(reasons))
        self.resource_id = resource_id
        self.outputs = outputs
        self.inputs = inputs
        self.reasons = reasons


@dataclass(frozen=True)
class Resource:
    """Which resource a request is about."""

    urn: str

    @property
    def type(self) -> str:
        """The type token, such as ``kubernetes:apps/v1:StatefulSet``."""
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        """The name in the program."""
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True)
class Naming:
    """How the engine wants a resource named that the program did not name."""

    seed: bytes = b""
    proposed: str = ""
    disabled: bool = False

    def name(self, prefix: str, digits: int, limit: int = 253) -> str:
        """`prefix` and some hexadecimal digits, the same for the same seed.

        Raises:
            ProviderError: automatic naming is switched off in the stack's configuration.
        """
        if self.disabled:
            raise ProviderError("automatic naming is disabled for this stack: set the name")
        if self.proposed:
            return self.proposed
        source = self.seed + prefix.encode() if self.seed else secrets.token_bytes(16)
        suffix = hashlib.sha256(source).hexdigest()[:digits]
        return prefix[: limit - digits] + suffix


@dataclass(frozen=True)
class Replacement:
    """Which property paths force a replacement, and whether the old resource must go first."""

    paths: AbstractSet[str] = field(default_factory=frozenset)
    delete_first: bool = False


@dataclass(frozen=True)
class Found:
    """What a read found: outputs, and the inputs that would produce them."""

    resource_id: str
    outputs: Properties
    inputs: Properties


class Provider(ABC):
    """One plugin. Its methods run in many threads at the same time."""

    name: str
    """The package's name for Pulumi; the Python package is ``pulumi_<name>``."""
    replacing_configuration: tuple[str, ...] = ()
    """Configuration keys whose change replaces every resource of the provider."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.cancelled = threading.Event()

    @property
    def version(self) -> str:
        """The version of the official package whose place this plugin takes."""
        return version(f"pulumi_{self.name}")

    def check_configuration(self, inputs: Properties) -> Properties:
        """Return the provider's configuration, checked; raises `InvalidInputsError`."""
        return inputs

    @abstractmethod
    def configure(self, configuration: Properties) -> None:
        """Take the configuration; must not connect yet, since a preview may need no connection."""

    @abstractmethod
    def check(
        self, resource: Resource, old: Properties, new: Properties, naming: Naming
    ) -> Properties:
        """Return the inputs, checked and named; raises `InvalidInputsError`."""

    def changes(self, resource: Resource, old: Properties, new: Properties) -> Changes:
        """Return what differs between two sets of inputs, without secret wrappers."""
        return changes_between(old, new)

    @abstractmethod
    def replacement(
        self, resource: Resource, old: Properties, new: Properties, changes: Changes
    ) -> Replacement:
        """Return which of the changes cannot be made in place."""

    @abstractmethod
    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        """Return the outputs as far as they are known before the resource exists."""

    @abstractmethod
    def create(
        self, resource: Resource, inputs: Properties, timeout: float
    ) -> tuple[str, Properties]:
        """Make the resource and return its id and outputs. `timeout` in seconds, 0 for default."""

    @abstractmethod
    def read(
        self, resource: Resource, resource_id: str, outputs: Properties, inputs: Properties
    ) -> Found | None:
        """Return the resource now; None if it is gone. On import both properties are empty."""

    @abstractmethod
    def preview_update(
        self, resource: Resource, resource_id: str, outputs: Properties, new: Properties
    ) -> Properties:
        """Return the outputs as far as they are known before the update."""

    @abstractmethod
    def update(
        self,
        resource: Resource,
        resource_id: str,
        outputs: Properties,
        new: Properties,
        timeout: float,
    ) -> Properties:
        """Change the resource in place and return its outputs."""

    @abstractmethod
    def delete(
        self, resource: Resource, resource_id: str, outputs: Properties, timeout: float
    ) -> None:
        """Delete the resource; one that is already gone is not an error."""

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Call a function of the package."""
        raise ProviderError(f"the sandbox's {self.name} plugin has no function {token}")
