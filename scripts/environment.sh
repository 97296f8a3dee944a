# Sourced by the other scripts: the project's folder, the virtual environment and, for the sandbox,
# the variables with which pulumi, kubectl and boto3 find it.
# shellcheck shell=bash
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
STACK=${STACK:-sandbox}
cache=${DATAPIPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/datapipe}

# Tools and locked packages only; nothing of the sandbox is started. --runtime: without what only
# tests, linters and the sandbox need.
use_tools() {
  local exports
  exports=$(bash tools/bootstrap.sh "$@" tools env)
  eval "$exports"
}

# The bootstrap keeps uv in the cache; its own lock says which version.
use_uv() {
  local uv
  uv=$(find "$cache"/uv-*/bin -name uv | head -n 1)
  PATH=$(dirname "$uv"):$PATH
  export UV_CACHE_DIR=$cache/uv-cache UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
}

# Where the stack's own tools point: the sandbox's, or what the user's shell already says.
use_stack() {
  local exports
  if [ "$STACK" = sandbox ]; then
    exports=$(bash tools/bootstrap.sh sandbox env)
    eval "$exports"
  else
    use_tools --runtime
  fi
}

# The policy pack with the stack's settings; a stack without settings of its own has the defaults.
# shellcheck disable=SC2034  # used by the scripts that source this one
policies=(--policy-pack policies)
if [ -f "policies/configuration/$STACK.json" ]; then
  policies+=(--policy-pack-config "policies/configuration/$STACK.json")
fi

# PULUMI_SECRETS_PROVIDER: what encrypts a new stack's secrets, such as awskms://alias/pulumi; by
# default a passphrase does.
select_stack() {
  pulumi stack select --create "$STACK" \
    ${PULUMI_SECRETS_PROVIDER:+--secrets-provider "$PULUMI_SECRETS_PROVIDER"} >/dev/null
}

# Reports, during the update that follows, why a pod or a claim does not get on; ends with this process.
report_waiting_pods() {
  local context
  context=$(pulumi config get --path datapipe:cluster.context --stack "$STACK" 2>/dev/null) || context=
  python -m clients.waiting ${context:+--context "$context"} &
}

# What every stack runs on besides its cluster, checked before anything is created.
need() {
  command -v "$1" >/dev/null || {
    echo "make: $1 is not on PATH; $2" >&2
    exit 1
  }
}
