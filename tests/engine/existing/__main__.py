"""The layer of an existing database without a cluster: quick to make and to destroy."""

import json

import pulumi

from components.config.existing_source import ExistingSource
from components.source.existing.layer import ExistingSourceArgs, ExistingSourceLayer
from components.source.existing.worker_place import WorkerPlace

source = ExistingSource.model_validate(json.loads(pulumi.Config().require("source")))
args = ExistingSourceArgs(
    "shop",
    source,
    avro_names=True,
    worker=WorkerPlace("engine-test"),
    captured=pulumi.ComponentResource("datapipe:test:CapturedTables", "captured-tables"),
)
layer = ExistingSourceLayer("source-shop", args)
pulumi.export("keys", layer.keys)
