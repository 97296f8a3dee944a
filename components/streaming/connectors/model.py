"""A Kafka Connect connector as a typed object that renders to the properties Connect takes.

Each field names its property in `serialization_alias`; a subclass per connector kind adds fields,
defaults and rules. What no field covers goes through `extra`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kafka_connect.status import SETTLE_SECONDS

# Keys of properties whose values are secrets.
SECRET_KEY = re.compile(
    r"password|passwd|secret|user\.info|token|api[.-]?key|access[.-]key|private[.-]key|jaas\.config"
)

# A value that Connect's EnvVarConfigProvider reads from the worker's environment.
REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")

CREDENTIALS_IN_URL = re.compile(r"://[^/\s:@]+:[^/\s@]+@")

PROPERTY_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.$-]*")


def environment(name: str) -> str:
    """Return the reference that Connect replaces by the worker's environment variable `name`."""
    return f"${{env:{name}}}"


def render(value: object) -> str:
    """Return a typed value as Connect spells it in a property."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ",".join(render(item) for item in value)
    return str(value)


class PropertyGroup(BaseModel):
    """Fields that render to properties; frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def properties(self, prefix: str = "") -> dict[str, str]:
        """Return the properties of this group, each key after `prefix`, without unset fields."""
        rendered = dict(self.fixed_properties())
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is None or field.exclude:
                continue
            key = field.serialization_alias or ""
            if isinstance(value, PropertyGroup):
                rendered.update(value.properties(key))
            else:
                rendered[key] = render(value)
        return {prefix + key: value for key, value in rendered.items()}

    def fixed_properties(self) -> Mapping[str, str]:
        """Properties that follow from the kind alone, with no field to set them."""
        return {}

    def owner_of(self, key: str) -> str | None:
        """Return the field of the property `key`, set or not; None if no field has it."""
        for name, field in type(self).model_fields.items():
            own, value = field.serialization_alias or "", getattr(self, name)
            if isinstance(value, PropertyGroup):
                inner = value.owner_of(key.removeprefix(own)) if key.startswith(own) else None
                if inner:
                    return f"{name}.{inner}"
            elif own == key and not field.exclude:
                return name
        return "kind" if key in self.fixed_properties() else None


class Connector(PropertyGroup):
    """Any connector. Subclasses fix the class and type its properties.

    Raises pydantic.ValidationError, one line per field, for values that contradict each other.
    """

    name: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$", exclude=True)
    connector_class: str = Field(serialization_alias="connector.class", min_length=1)
    tasks_max: int = Field(default=1, ge=1, serialization_alias="tasks.max")
    extra: Mapping[str, str] = Field(
        default_factory=dict,
        exclude=True,
        description="properties that no field covers, exactly as Connect spells them",
    )

    def properties(self, prefix: str = "") -> dict[str, str]:
        """Return the connector's configuration for Connect's REST API."""
        extra = {prefix + key: value for key, value in self.extra.items()}
        return {**super().properties(prefix), **extra}

    def named_topics(self) -> frozenset[str]:
        """Topics that it reads or writes, by their names."""
        return frozenset()

    def require_topics(self, available: Collection[str]) -> None:
        """Raise ValueError where a topic is not among those of the stack: nothing creates it."""
        if missing := sorted(self.named_topics().difference(available)):
            raise ValueError(
                f"connector {self.name}: the stack has no topic {missing[0]}, and topics are not"
                " made by themselves; declare it, or name another"
            )

    def settle_seconds(self) -> float:
        """Return for how many seconds tasks must be RUNNING before the connector has started."""
        return SETTLE_SECONDS

    def referenced_environment(self) -> frozenset[str]:
        """Names of the worker's environment variables that the properties refer to."""
        return frozenset(
            name for value in self.properties().values() for name in REFERENCE.findall(value)
        )

    def require_environment(self, available: Collection[str]) -> None:
        """Raise ValueError where a `${env:NAME}` is not in the worker's environment.

        Connect would pass the reference on as if it were the value itself.
        """
        if missing := sorted(self.referenced_environment() - set(available)):
            raise ValueError(
                f"connector {self.name}: ${{env:{missing[0]}}} is not in the worker's environment;"
                f" it has {', '.join(sorted(available)) or 'nothing'}"
            )

    @field_validator("extra")
    @classmethod
    def _keys_are_legal(cls, extra: Mapping[str, str]) -> Mapping[str, str]:
        for key in extra:
            if not PROPERTY_KEY.fullmatch(key) or key == "name":
                raise ValueError(
                    f"extra: {key!r} is not a valid property; allowed: letters, digits, . _ $ -,"
                    " and not `name`"
                )
        return dict(extra)

    @model_validator(mode="after")
    def _extra_adds_only(self) -> "Connector":
        for key in self.extra:
            if field := self.owner_of(key):
                raise ValueError(f"extra: {key} is set by the field {field}; set it there")
        return self

    @model_validator(mode="after")
    def _secrets_are_references(self) -> "Connector":
        for key in literal_secrets(self.properties()):
            raise ValueError(
                f"{key} must not be a literal secret; put it into the worker's environment and use"
                " ${env:NAME}"
            )
        return self


def literal_secrets(properties: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of properties that hold a secret itself instead of a reference to one."""
    for key, value in properties.items():
        literal = REFERENCE.sub("", str(value))
        if CREDENTIALS_IN_URL.search(str(value)):
            yield key
        elif SECRET_KEY.search(key.lower()):
            # user:password pairs are written as two references with a colon between them.
            spoken_for = REFERENCE.search(str(value)) if "jaas.config" in key else not literal
            if not spoken_for and literal != ":":
                yield key
