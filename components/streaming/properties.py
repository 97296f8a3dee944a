"""Java properties files."""

from collections.abc import Mapping

# A properties file's keys and values, in the order in which they are written.
Properties = dict[str, str | int | bool]


def render_properties(properties: Mapping[str, str | int | bool]) -> str:
    """Return the text of a properties file. Raises ValueError for a value of several lines."""
    return "".join(f"{key}={_text(key, value)}\n" for key, value in properties.items())


def _text(key: str, value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if "\n" in text:
        raise ValueError(f"{key}: a property has one line, but this value has more: {text!r}")
    return text.replace("\\", "\\\\")
