"""Refusing rows that are too large for Kafka in a connector's chain of transforms, by our own."""

from components.streaming.connectors.converters import AvroConverter, Converter, JsonConverter

# The transform's name in a connector's `transforms`.
LIMIT_ROW_SIZE = "limitRowSize"
# The property with the rows that pass without their largest values.
INCOMPLETE_ROWS = f"transforms.{LIMIT_ROW_SIZE}.incomplete.rows"


def limit_row_size(
    max_bytes: int, converter: Converter, topic_prefix: str, incomplete_rows: tuple[str, ...]
) -> dict[str, str]:
    """Return the properties of the transform, which comes after unwrapping.

    Raises ValueError for a converter whose records it can't measure.
    """
    if not isinstance(converter, JsonConverter | AvroConverter):
        raise ValueError(f"max_row_bytes: the size of {converter.converter_class} is not known")
    transform = f"transforms.{LIMIT_ROW_SIZE}"
    return {
        f"{transform}.type": "datapipe.connect.LimitRowSize",
        f"{transform}.max.bytes": str(max_bytes),
        f"{transform}.format": "json" if isinstance(converter, JsonConverter) else "avro",
        f"{transform}.topic.prefix": f"{topic_prefix}.",
        INCOMPLETE_ROWS: ",".join(incomplete_rows),
    }
