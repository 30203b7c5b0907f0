#!/bin/sh
# Fetches readers of JUnit files that Debian does not have, in pinned versions, into target/junit-readers.
set -eu
cd "$(dirname "$0")/../../../../.."
readers=target/junit-readers
[ -x "$readers/bin/pip" ] || python3 -m venv "$readers"
"$readers/bin/pip" install --quiet --disable-pip-version-check --requirement runner/crates/qalipsis-report/tests/readers/requirements.txt
