# shellcheck shell=bash
# The environment that every script here needs. To be sourced.
#
#   set_up NAME EXTRAS   makes .venv if need be, and installs both distributions into it, the server's with these
#                        extras, unless that was done since one of their project files last changed
#   $root                the folder of the repository
#   $venv, $python       the environment, and its interpreter

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv="$root/.venv"
python="$venv/bin/python"

set_up() {
    local name=$1 extras=$2 stamp="$venv/.installed-$1" wanted
    make_venv
    wanted=$(fingerprint "$extras")
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        install "$extras"
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

make_venv() {
    if "$python" -c 'import pip' 2>/dev/null || "$python" -m ensurepip >/dev/null 2>&1; then
        return
    fi
    local base
    base=$(find_python) || fail "Python 3.11 or newer, with venv, is needed (on Debian and Ubuntu: apt install python3-venv)."
    say "Making .venv with $("$base" --version)"
    "$base" -m venv --clear "$venv" || fail "$base could not make $venv."
}

# The first interpreter that is new enough and can make environments.
find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3.14 python3 python; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# What is installed depends on these files, and an environment that has been moved does not work.
fingerprint() {
    "$python" - "$root" "$1" <<'PYTHON'
import hashlib, pathlib, sys

root, extras = sys.argv[1:]
files = ("setup.cfg", "pyproject.toml", "eva01/pyproject.toml", "eva01/version.txt")
texts = [pathlib.Path(root, name).read_bytes() for name in files]
print(hashlib.sha256(b"\0".join([root.encode(), extras.encode(), sys.version.encode(), *texts])).hexdigest())
PYTHON
}

install() {
    local log="$venv/setup.log"
    say "Installing EVA-01 into .venv: minutes the first time (PyTorch is large), seconds later. Log: $log"
    if ! "$python" -m pip install --disable-pip-version-check --no-input \
        -e "$root/eva01" -e "${root}[$1]" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "The installation failed; the lines above are the end of $log."
    fi
}

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}
