"""Adapts the pack's pure rules to Pulumi's policy SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pulumi_policy as sdk
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from policies import exceptions
from policies.finding import Finding, NotJudged, Violation, judge
from policies.resource import Resource, Unknown
from policies.settings import Schemas, Settings

ResourceRule = Callable[[Resource, Settings], Iterable[str | Finding]]
StackRule = Callable[[Sequence[Resource], Settings], Iterable[str | Finding]]

STACK_TYPE = "pulumi:pulumi:Stack"


class PartlyUnknownError(UnknownValueError):
    """Makes Pulumi show, as an advisory, the values that this preview could not judge."""

    def __init__(self, paths: Iterable[str]) -> None:
        super().__init__(UNKNOWN_STRING_VALUE, [])
        self.message = (
            "not judged yet, because these values are known only during the update: "
            + ", ".join(sorted(set(paths)))
        )


@dataclass(frozen=True)
class Policy:
    """A policy's name, description and settings."""

    name: str
    description: str
    settings: Schemas = field(default_factory=dict)
    """The JSON schema of each setting, with its default."""
    level: sdk.EnforcementLevel = sdk.EnforcementLevel.MANDATORY

    def schema(self) -> sdk.PolicyConfigSchema:
        """Return the schema of the settings and of the exceptions that every policy may have."""
        return sdk.PolicyConfigSchema({**self.settings, "exceptions": exceptions.SCHEMA})

    def settings_from(self, given: Settings) -> dict[str, Any]:
        """Return the given settings, and the defaults of the others."""
        defaults = {name: schema["default"] for name, schema in self.settings.items()}
        return {**defaults, "exceptions": [], **given}

    def unknown_settings(self, given: Settings) -> Iterator[Violation]:
        """Yield a violation for each setting that does not exist; the engine ignores these."""
        for name in sorted(set(given) - {*self.settings, "exceptions"}):
            known = ", ".join([*self.settings, "exceptions"])
            yield Violation(
                f"the configuration of {self.name} has no setting {name}; allowed: {known}"
            )


@dataclass(frozen=True)
class ResourcePolicy(Policy):
    """Judges one resource at a time, before it is created or changed."""

    rule: ResourceRule = field(kw_only=True)

    def findings(self, resource: Resource, given: Settings, today: date) -> Iterator[Finding]:
        """Yield what the rule finds in a resource that is not excepted."""
        if resource.type == STACK_TYPE:  # only one in a stack
            yield from self.unknown_settings(given)
        settings = self.settings_from(given)
        named = [
            e for e in exceptions.parse_exceptions(settings["exceptions"]) if e.names(resource)
        ]
        yield from (Violation(e.expiry_message()) for e in named if e.has_expired(today))
        if not exceptions.is_excepted(resource, named, today):
            yield from judge(self.rule, resource, settings)

    def for_pulumi(self) -> sdk.Policy:
        """Return the policy as an object of Pulumi's SDK."""

        def validate(args: sdk.ResourceValidationArgs, report: sdk.ReportViolation) -> None:
            resource = Resource(
                args.resource_type, args.name, plain(args.props, args.name), args.urn
            )
            report_findings(self.findings(resource, args.get_config(), _today()), report)

        return sdk.ResourceValidationPolicy(
            self.name, self.description, validate, self.level, self.schema()
        )


@dataclass(frozen=True)
class StackPolicy(Policy):
    """Judges all resources of the stack together, at the end of the preview and the update."""

    rule: StackRule = field(kw_only=True)

    def findings(
        self, resources: Sequence[Resource], given: Settings, today: date
    ) -> Iterator[Finding]:
        """Yield what the rule finds in the stack, except violations of excepted resources."""
        yield from self.unknown_settings(given)
        settings = self.settings_from(given)
        given_exceptions = exceptions.parse_exceptions(settings["exceptions"])
        yield from (Violation(e.expiry_message()) for e in given_exceptions if e.has_expired(today))
        marked = mark_excepted(resources, given_exceptions, today)
        excepted = {resource.urn for resource in marked if resource.excepted}
        for finding in judge(self.rule, marked, settings):
            if isinstance(finding, NotJudged) or finding.urn not in excepted:
                yield finding

    def for_pulumi(self) -> sdk.Policy:
        """Return the policy as an object of Pulumi's SDK."""

        def validate(args: sdk.StackValidationArgs, report: sdk.ReportViolation) -> None:
            resources = [_stack_resource(given) for given in args.resources]
            report_findings(self.findings(resources, args.get_config(), _today()), report)

        return sdk.StackValidationPolicy(
            self.name, self.description, validate, self.level, self.schema()
        )


def mark_excepted(
    resources: Sequence[Resource], given: Sequence[exceptions.PolicyException], today: date
) -> list[Resource]:
    """Return the resources, each marked whether an exception that has not expired names it."""
    return [
        replace(resource, excepted=exceptions.is_excepted(resource, given, today))
        for resource in resources
    ]


def report_findings(findings: Iterable[Finding], report: sdk.ReportViolation) -> None:
    """Report every violation; then raise PartlyUnknownError if something was not judged."""
    unknown: list[str] = []
    for finding in findings:
        if isinstance(finding, NotJudged):
            unknown.append(finding.path)
        else:
            report(finding.message, finding.urn or None)
    if unknown:
        raise PartlyUnknownError(unknown)


def plain(properties: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the SDK's guarded properties as plain data, without nulls."""
    found = {}
    for key in properties:
        value = _plain_entry(properties, key, f"{path}.{key}")
        if value is not None:
            found[key] = value
    return found


def _plain_entry(owner: Any, key: Any, path: str) -> Any:
    """Return an entry of the SDK's mapping or list; an unknown value as `Unknown`."""
    try:
        value = owner[key]
    except UnknownValueError:
        return Unknown(path)
    if isinstance(value, Mapping):
        return plain(value, path)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain_entry(value, index, f"{path}[{index}]") for index in range(len(value))]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _stack_resource(given: sdk.PolicyResource) -> Resource:
    used = {resource.urn for owners in given.property_dependencies.values() for resource in owners}
    return Resource(
        given.resource_type,
        given.name,
        plain(given.props, given.name),
        given.urn,
        frozenset(used),
    )


def _today() -> date:
    return datetime.now(UTC).date()
