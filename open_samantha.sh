#!/bin/sh
# Installs what is missing, then opens the workbench; with arguments, runs the `samantha` command with them.
exec sh "$(dirname "$0")/install_samantha.sh" --open "$@"
