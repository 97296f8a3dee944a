"""The chain of transforms in a connector's configuration."""

from collections.abc import Mapping


def with_first(config: Mapping[str, str], name: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the configuration with a transform before all others, which replaces its namesake."""
    plain = without(config, name)
    return {
        **plain,
        "transforms": ",".join([name, *filter(None, [plain.get("transforms")])]),
        **{f"transforms.{name}.{key}": value for key, value in settings.items()},
    }


def without(config: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the configuration without a transform and its settings."""
    own = f"transforms.{name}."
    kept = {key: value for key, value in config.items() if not key.startswith(own)}
    chain = [each for each in kept.pop("transforms", "").split(",") if each not in {"", name}]
    return {**kept, "transforms": ",".join(chain)} if chain else kept
