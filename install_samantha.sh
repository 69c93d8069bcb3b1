#!/bin/sh
# Finds a Python and lets install.py do the work; every argument is passed on.
here=$(cd "$(dirname "$0")" && pwd)

look() {
    for python in "$here/.venv/bin/python" python3.13 python3.12 python3.11 python3 python; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null && return
    done
    return 1
}

if ! look && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "- no Python here: installing Debian's" >&2
    { apt-get update -q && apt-get install -q -y --no-install-recommends python3 python3-venv; } >&2
fi
look || {
    echo "Samantha needs Python 3.11, 3.12 or 3.13: install one, from python.org or with" >&2
    echo "\`sudo apt-get install python3 python3-venv\`, and start again." >&2
    exit 1
}
exec "$python" "$here/install.py" --system "$@"
