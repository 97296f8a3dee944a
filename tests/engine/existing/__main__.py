"""The layers of existing databases without a cluster: quick to make and to destroy."""

import json

import pulumi

from components.config.existing_source import ExistingSource
from components.source.existing.layer import ExistingSourceArgs, ExistingSourceLayer
from components.source.existing.worker_place import WorkerPlace

captured = pulumi.ComponentResource("datapipe:test:CapturedTables", "captured-tables")
sources = json.loads(pulumi.Config().require("sources"))
layers = {
    name: ExistingSourceLayer(
        f"source-{name}",
        ExistingSourceArgs(
            name,
            ExistingSource.model_validate(source),
            avro_names=True,
            worker=WorkerPlace("engine-test"),
            captured=captured,
        ),
    )
    for name, source in sources.items()
}
pulumi.export("keys", layers["shop"].keys)
