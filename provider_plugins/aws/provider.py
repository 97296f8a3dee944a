"""The resource provider: walks the resource types, which are data in the other modules."""

from __future__ import annotations

import json
from typing import Any, Final

from provider_plugins.aws import glue, iam, s3
from provider_plugins.aws.account import Account, AwsError, Settings
from provider_plugins.aws.functions import FUNCTIONS
from provider_plugins.aws.resource import ResourceType, same_policy
from provider_plugins.diff import Changes, changes_between, paths_touching, shape_like
from provider_plugins.provider import (
    Found,
    InvalidInputsError,
    Naming,
    Provider,
    ProviderError,
    Replacement,
    Resource,
)
from provider_plugins.wire import UNKNOWN, Properties, Secret, carry_secrets, has_unknown, plain

TYPES: Final[dict[str, ResourceType]] = {
    token: kind
    for kind in (*s3.RESOURCES, *iam.RESOURCES, *glue.RESOURCES)
    for token in kind.tokens
}


class Aws(Provider):
    """Stands in for pulumi-aws."""

    name = "aws"
    replacing_configuration = ("region",)

    def __init__(self) -> None:
        super().__init__()
        self._account: Account | None = None

    def configure(self, configuration: Properties) -> None:
        """Take region, credentials and endpoints; connects at the first call."""
        self._account = Account(Settings.parse(configuration))

    @property
    def account(self) -> Account:
        """The configured account."""
        if self._account is None:
            raise ProviderError("the provider's configuration is not known yet")
        return self._account

    def check(
        self, resource: Resource, old: Properties, new: Properties, naming: Naming
    ) -> Properties:
        """Refuse inputs that this plugin would ignore or AWS refuse; fill in the name."""
        kind = type_of(resource)
        inputs = {**new, **_automatic_name(kind, resource, plain(old), plain(new), naming)}
        inputs |= _policies_as_text(kind, inputs)
        known = plain(inputs)
        problems = [
            (key, f"is not supported by the sandbox's plugin for {resource.type}")
            for key in sorted(known.keys() - kind.inputs)
            if not key.startswith("__")
        ]
        problems += [(key, "is required") for key in sorted(kind.required - known.keys())]
        problems += [*kind.problems(known), *_policy_problems(kind, known)]
        if problems:
            raise InvalidInputsError(*problems)
        return inputs

    def changes(self, resource: Resource, old: Properties, new: Properties) -> Changes:
        """Return the differences, without those between two spellings of the same policy."""
        same = {
            key: old[key]
            for key in type_of(resource).policies
            if key in old and key in new and same_policy(old[key], new[key])
        }
        return changes_between(old, {**new, **same})

    def replacement(
        self, resource: Resource, old: Properties, new: Properties, changes: Changes
    ) -> Replacement:
        """Return what the type's table says; a new name lets the new one be made before."""
        kind = type_of(resource)
        renamed = kind.auto_name and paths_touching(changes, (kind.auto_name.property,))
        return Replacement(frozenset(kind.force_new), delete_first=not renamed)

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        """Return the inputs; every other output is unknown until AWS returns it."""
        return inputs

    def create(
        self, resource: Resource, inputs: Properties, timeout: float
    ) -> tuple[str, Properties]:
        """Make the resource and read it back."""
        kind, known = type_of(resource), plain(inputs)
        resource_id, once = kind.create(self.account, known)
        read = kind.read(self.account, resource_id, known) or {}
        outputs = {**known, **_in_own_words(kind, known, read), **once}
        return resource_id, carry_secrets(outputs, inputs)

    def read(
        self, resource: Resource, resource_id: str, outputs: Properties, inputs: Properties
    ) -> Found | None:
        """Return the resource now, and as inputs in the shape that the program gave them."""
        kind = type_of(resource)
        try:
            read = kind.read(self.account, resource_id, plain(outputs))
        except AwsError as error:
            if error.gone:
                return None
            raise
        if read is None:
            return None
        known = plain(inputs)
        live = _in_own_words(kind, known, read)
        found = _live_inputs(kind, known, live)
        return Found(
            resource_id,
            carry_secrets({**plain(outputs), **live}, outputs),
            carry_secrets(found, inputs),
        )

    def preview_update(
        self, resource: Resource, resource_id: str, outputs: Properties, new: Properties
    ) -> Properties:
        """Return the outputs with the new inputs over them."""
        tags = {"tagsAll": UNKNOWN} if "tagsAll" in outputs else {}
        return {**outputs, **tags, **new}

    def update(
        self,
        resource: Resource,
        resource_id: str,
        outputs: Properties,
        new: Properties,
        timeout: float,
    ) -> Properties:
        """Change the resource in place and read it back."""
        kind, known = type_of(resource), plain(new)
        kind.update(self.account, resource_id, known)
        read = kind.read(self.account, resource_id, {**plain(outputs), **known}) or {}
        told_once = {key: value for key, value in outputs.items() if isinstance(value, Secret)}
        result = {**told_once, **known, **_in_own_words(kind, known, read)}
        marked: Properties = carry_secrets(result, new)
        return marked

    def delete(
        self, resource: Resource, resource_id: str, outputs: Properties, timeout: float
    ) -> None:
        """Delete the resource."""
        try:
            type_of(resource).delete(self.account, resource_id, plain(outputs))
        except AwsError as error:
            if not error.gone:
                raise

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Call one of the functions."""
        function = FUNCTIONS.get(token)
        if function is None:
            return super().invoke(token, arguments)
        return function(self.account, arguments)


def type_of(resource: Resource) -> ResourceType:
    """Return the resource's type.

    Raises:
        ProviderError: this plugin does not know it.
    """
    kind = TYPES.get(resource.type)
    if kind is None:
        known = ", ".join(sorted(token.rpartition(":")[2] for token in TYPES))
        raise ProviderError(f"the sandbox's aws plugin has no {resource.type}; it has {known}")
    return kind


def _automatic_name(
    kind: ResourceType, resource: Resource, old: Properties, new: Properties, naming: Naming
) -> Properties:
    """Return the name that the program did not give, kept once it was made."""
    if kind.auto_name is None or kind.auto_name.property in new:
        return {}
    key, limit = kind.auto_name.property, kind.auto_name.limit
    prefix = new.get(f"{key}Prefix") or f"{resource.name}-"
    return {key: old.get(key) or naming.name(prefix, digits=7, limit=limit)}


def _policies_as_text(kind: ResourceType, inputs: Properties) -> Properties:
    """Policies that the program gives as an object, as the text that AWS takes."""
    return {
        key: json.dumps(inputs[key])
        for key in kind.policies
        if isinstance(inputs.get(key), dict) and not has_unknown(inputs[key])
    }


def _policy_problems(kind: ResourceType, known: Properties) -> list[tuple[str, str]]:
    problems = []
    for key in kind.policies:
        text = known.get(key)
        if not isinstance(text, str):
            continue
        try:
            json.loads(text)
        except ValueError as error:
            problems.append((key, f"is not JSON: {error}"))
    return problems


def _in_own_words(kind: ResourceType, known: Properties, read: Properties) -> Properties:
    """Return what was read, with each policy in the program's spelling if it is the same policy."""
    own = {
        key: known[key]
        for key in kind.policies
        if key in known and key in read and same_policy(known[key], read[key])
    }
    return {**read, **own}


def _live_inputs(kind: ResourceType, known: Properties, live: Properties) -> Properties:
    """Return the inputs that would make the resource as it is now."""
    if not known:
        return {key: value for key, value in live.items() if key in kind.inputs}
    found: dict[str, Any] = {
        key: shape_like(value, live[key]) if key in live else value
        for key, value in known.items()
        if key in live or key in kind.unreadable or key.startswith("__")
    }
    # What the program leaves to AWS is drift, too, once it is no longer as AWS sets it.
    unsaid = (kind.inputs & live.keys()) - known.keys() - kind.unreadable
    return found | {key: live[key] for key in unsaid if live[key] != kind.defaults.get(key)}
