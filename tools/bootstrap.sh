#!/usr/bin/env bash
# Makes the project's virtual environment and runs one of its modules in it.
#
#   bash tools/bootstrap.sh [--runtime] MODULE [ARGUMENT …]
#
#   bash tools/bootstrap.sh sandbox up       the embedded sandbox (python -m sandbox --help)
#   bash tools/bootstrap.sh tools engine     Pulumi's engine and the linters (python -m tools --help)
#
# --runtime: an environment that has what the program and its commands run on (requirements.txt),
# and neither the tests' packages nor the sandbox's.
#
# Needs python3 (3.11 or newer) with pip or venv. Everything else, uv included, comes from the
# locked requirements, with hashes, into ${DATAPIPE_CACHE:-~/.cache/datapipe}; a second run with
# the same locks and the same Python installs nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${DATAPIPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/datapipe}
uv_lock=$root/tools/bootstrap-requirements.txt

fail() {
  echo "bootstrap: $*" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  fail "Python 3.11 or newer is needed; install it (Debian: apt-get install python3 python3-venv)"
}

# Where Python must not write bytecode next to its modules, as in many containers, each start compiles
# them again: a preview took 10 s instead of 4. It may write it into the cache.
keep_bytecode() {
  if [ -n "${PYTHONDONTWRITEBYTECODE:-}" ]; then
    unset PYTHONDONTWRITEBYTECODE
    export PYTHONPYCACHEPREFIX=${PYTHONPYCACHEPREFIX:-$cache/bytecode}
  fi
}

# Called under the lock. pip alone is enough; without it venv brings one.
install_uv() {
  local python=$1 target=$2 work=$2.new
  rm -rf "$work"
  if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
      --require-hashes --requirement "$uv_lock" --target "$work"
  elif "$python" -m venv "$work" 2>/dev/null; then
    "$work/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
      --only-binary :all: --require-hashes --requirement "$uv_lock"
  else
    fail "$python has neither pip nor venv (Debian: apt-get install python3-venv)"
  fi
  rm -rf "$target"
  mv "$work" "$target"
}

# Called under the lock. The stamp is written last: an environment without it is half made.
install_environment() {
  local python=$1 target=$2 uv_home uv
  shift 2
  uv_home=$cache/uv-$(sha256sum "$uv_lock" | cut -c1-12)
  uv=$uv_home/bin/uv
  export PIP_ROOT_USER_ACTION=ignore
  export UV_CACHE_DIR=$cache/uv-cache UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
  [ -x "$uv" ] || install_uv "$python" "$uv_home"
  echo "bootstrap: installing the locked Python packages into $target" >&2
  rm -rf "$target"
  "$uv" venv --quiet --python "$python" "$target"
  "$uv" pip sync --quiet --require-hashes --python "$target/bin/python" "$@"
  touch "$target/.complete"
}

main() {
  local python key environment lock
  local locks=("$root/requirements.txt") link=venv-runtime
  if [ "${1:-}" = --runtime ]; then
    shift
  else
    locks+=("$root/requirements-dev.txt" "$root/sandbox/requirements.txt")
    link=venv
  fi
  python=$(find_python)
  key=$({
    cat "${locks[@]}" | sha256sum
    "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
  } | sha256sum | cut -c1-12)
  environment=$cache/venv-$key
  if [ ! -e "$environment/.complete" ]; then
    mkdir -p "$cache"
    exec {lock}>"$cache/venv.lock"
    flock "$lock"
    [ -e "$environment/.complete" ] || install_environment "$python" "$environment" "${locks[@]}"
    exec {lock}>&-
  fi
  ln -sfn "venv-$key" "$cache/$link"
  cd "$root"
  keep_bytecode
  export PATH=$environment/bin:$PATH # for the programs that the packages bring
  exec "$environment/bin/python" -m "$@"
}

main "$@"
