#!/bin/sh
# Installs what is missing, the tools too, then checks style, types, imports and all tests; arguments go to pytest.
cd "$(dirname "$0")" || exit 1
sh install_samantha.sh --dev || exit 1

failed=0
for check in "ruff check ." mypy lint-imports; do
    echo "- $check"
    .venv/bin/$check || { failed=1; echo "*** $check failed ***"; }
done
# pytest comes last, so that its closing line is the last one.
.venv/bin/python -m pytest -n 2 "$@" || exit
exit $failed
