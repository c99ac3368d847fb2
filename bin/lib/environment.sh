# Read by every script beside this folder: finds the project and makes its Python environment. Plain POSIX sh.
#
# prepare runtime|dev    makes .venv and installs what the pinned list requirements/<name>.txt names, and with dev, where
#                        there is npm, what package-lock.json names. When that is done already, it costs two
#                        comparisons of files and no process of Python.
# The variables `root` (the project's folder, absolute) and `python` (the environment's interpreter) are set.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
python=$root/.venv/bin/python

# Prints the first interpreter on the PATH that is Python 3.11 or later; the one that PYTHON names, if it is set, first.
find_python() {
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    echo "Heardback needs Python 3.11 or later, and there is none on the PATH. Install it, or name it in PYTHON." >&2
    return 1
}

is_installed() {
    [ -x "$python" ] && cmp -s "$root/requirements/$1.txt" "$root/.venv/installed-$1.txt" || return 1
    # Tests and examples that Node runs need its packages, where there is Node.
    [ "$1" != dev ] || ! command -v npm >/dev/null || cmp -s "$root/package-lock.json" "$root/node_modules/installed.json"
}

# The environment keeps a copy of each list it was filled from. The longer list contains the shorter one.
prepare() {
    if ! is_installed "$1"; then
        interpreter=$(find_python) || exit 1
        "$interpreter" -I "$root/bin/lib/environment.py" "$1" || exit 1
    fi
}
