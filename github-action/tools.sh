#!/bin/sh
# Fetches what the tests of the action need, in pinned versions, and checks the manifest and the workflow of the README.
set -eu
cd "$(dirname "$0")"
tools=../target/action-tools
[ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --requirement requirements.txt
npm ci --silent
npm run --silent check
mkdir -p ../target/action-lint/.github/workflows
sed -n '/^```yaml$/,/^```$/p' README.md | sed '/^```/d' > ../target/action-lint/.github/workflows/example.yml
"$tools/bin/actionlint" -shellcheck= -pyflakes= ../target/action-lint/.github/workflows/example.yml
