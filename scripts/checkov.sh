#!/usr/bin/env bash
# Runs checkov on the Kubernetes objects of the stacks named as arguments, rendered without a cluster.
# It has its own environment (policies/checkov/requirements.in says why).
. "$(dirname "$0")/environment.sh"

install_checkov() {
  rm -rf "$environment"
  uv venv --quiet --python "$(command -v python)" "$environment"
  uv pip sync --quiet --require-hashes --python "$environment/bin/python" "$requirements"
  touch "$environment/.complete"
}

use_tools
use_uv
requirements=policies/checkov/requirements.txt
environment=$cache/checkov-$(sha256sum "$requirements" | cut -c1-12)
exec {lock}>"$cache/checkov.lock"
flock "$lock"
[ -e "$environment/.complete" ] || install_checkov
exec {lock}>&-

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python -m review manifests --output "$work" "$@"
reports=()
for stack in "$@"; do
  # --soft-fail: `review.checkov` below decides which failures count
  "$environment/bin/checkov" --skip-download --soft-fail --framework kubernetes \
    --file "$work/$stack.yaml" --output json >"$work/$stack.json"
  reports+=("$stack=$work/$stack.json")
done
python -m review.checkov "${reports[@]}"
