#!/bin/sh
# Fetches schemathesis, which fuzzes APIs by their description, in a pinned version, into target/schemathesis.
set -eu
cd "$(dirname "$0")/../../.."
tools=target/schemathesis
[ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check --requirement tests/service/fuzz/requirements.txt
