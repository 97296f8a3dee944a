#!/usr/bin/env bash
# Deploys two Connect workers and five brokers in the sandbox, runs the demo, then kills workers, brokers
# and pods under load, and counts what is lost. Start it on a sandbox without a stack: the number of
# brokers can't change. `make down` ends it.
. "$(dirname "$0")/environment.sh"

STACK=sandbox
bash tools/bootstrap.sh sandbox up
use_stack
python -m images load
select_stack
report_waiting_pods
pulumi up --yes --stack "$STACK" --config-file tests/several/Pulumi.sandbox.yaml "${policies[@]}"
bin/datapipe status
bin/datapipe demo
exec bin/datapipe chaos --fault connect-killed --fault broker-killed --fault two-brokers-killed \
  --fault all-brokers-killed --fault pods-restarted
