#!/bin/sh
# Fetches what the tests of the action need, in pinned versions, and checks the manifest and the pipelines of the documentation.
set -eu
cd "$(dirname "$0")"
tools=../target/action-tools
[ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --requirement requirements.txt
npm ci --silent
npm run --silent check
lint=../target/action-lint
mkdir -p "$lint/.github/workflows"
sed -n '/^```yaml$/,/^```$/p' README.md | sed '/^```/d' > "$lint/.github/workflows/example.yml"
for workflow in "$lint/.github/workflows/example.yml" ../runner/docs/ci/github.yml; do
    "$tools/bin/actionlint" -shellcheck= -pyflakes= "$workflow"
done
"$tools/bin/check-jsonschema" --quiet --builtin-schema vendor.github-actions action.yml
"$tools/bin/check-jsonschema" --quiet --builtin-schema vendor.gitlab-ci ../runner/docs/ci/gitlab.yml
# Whether it is Groovy. The linter that knows Jenkins' own words is part of a running Jenkins.
cp ../runner/docs/ci/Jenkinsfile "$lint/Jenkinsfile.groovy"
java -cp /usr/share/java/groovy-all.jar org.codehaus.groovy.tools.FileSystemCompiler -d "$lint/classes" "$lint/Jenkinsfile.groovy"
