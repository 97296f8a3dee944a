# Sourced by the other scripts: the project's folder, the virtual environment and, for the sandbox,
# the variables with which pulumi, kubectl and boto3 find it.
# shellcheck shell=bash
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
STACK=${STACK:-sandbox}

# Tools and locked packages only; nothing of the sandbox is started.
use_tools() {
  local exports
  exports=$(bash sandbox/bootstrap.sh env --tools-only)
  eval "$exports"
}

# Where the stack's own tools point: the sandbox's, or what the user's shell already says.
use_stack() {
  local exports
  if [ "$STACK" = sandbox ]; then
    exports=$(bash sandbox/bootstrap.sh env)
    eval "$exports"
  else
    use_tools
  fi
}

# The policy pack with the stack's settings; a stack without settings of its own has the defaults.
# shellcheck disable=SC2034  # used by the scripts that source this one
policies=(--policy-pack policies)
if [ -f "policies/configuration/$STACK.json" ]; then
  policies+=(--policy-pack-config "policies/configuration/$STACK.json")
fi

select_stack() {
  pulumi stack select --create "$STACK" >/dev/null
}

# What every stack runs on besides its cluster, checked before anything is created.
need() {
  command -v "$1" >/dev/null || {
    echo "make: $1 is not on PATH; $2" >&2
    exit 1
  }
}
