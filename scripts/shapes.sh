#!/usr/bin/env bash
# Deploys the dev stack's layout in the sandbox, with images in the shape of Confluent's and of
# postgres:alpine, in place of the sandbox's own; runs the demo, then kills every broker and deletes
# every pod under load, and counts what is lost. `make up` brings the sandbox's images back.
. "$(dirname "$0")/environment.sh"

STACK=sandbox
bash tools/bootstrap.sh sandbox up
use_stack
python -m images load-shapes
select_stack
pulumi up --yes --stack "$STACK" --config-file tests/shapes/Pulumi.sandbox.yaml "${policies[@]}"
bin/datapipe demo
exec bin/datapipe chaos --fault all-brokers-killed --fault postgresql-killed --fault pods-restarted
