// Whole workflows through a local runner of them.

import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { binaries, minions, slow, standIn, temporary, workflow } from "./support.mjs";

/** A repository whose name is an easy one, as act demands, with the action in `github-action`. */
function repository(t) {
  const folder = temporary(t);
  const action = join(folder, "repository/github-action");
  mkdirSync(action, { recursive: true });
  cpSync("action.yml", join(action, "action.yml"));
  cpSync("dist", join(action, "dist"), { recursive: true });
  return { folder, root: join(folder, "repository"), own: { HOME: folder, XDG_CACHE_HOME: join(folder, "cache"), TMPDIR: folder } };
}

const job = (inputs, more = []) => [
  "on: push",
  "jobs:",
  "  test:",
  "    runs-on: ubuntu-latest",
  "    steps:",
  "      - uses: actions/checkout@v5",
  "      - uses: ./github-action",
  "        id: campaign",
  "        with:",
  ...Object.entries({ executable: join(binaries, "quickstart"), ...inputs }).map(([name, value]) => `          ${name}: ${JSON.stringify(value)}`),
  "      - if: always()",
  "        env:",
  "          STATUS: ${{ steps.campaign.outputs.status }}/${{ steps.campaign.outputs.failed-steps }}/",
  '        run: echo "status $STATUS"',
  ...more,
];

const port = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

test("red: the job fails, and what was asked for is uploaded", async (t) => {
  const { folder, root, own } = repository(t);
  const inputs = { runner: join(binaries, "qalipsis"), configuration: `${minions}\n${slow}`, "upload-artifacts": "true" };
  const store = join(folder, "artifacts");
  const flags = ["--artifact-server-path", store, "--artifact-server-addr", "127.0.0.1", "--artifact-server-port", `${await port()}`];
  const { code, text } = await workflow(root, job(inputs), flags, own);
  assert.equal(code, 1, text);
  assert.match(text, /status FAILED\/quickstart › place\//);
  const files = readdirSync(store, { recursive: true });
  assert.ok(files.some((file) => /qalipsis-\d{8}-\d{6}-[a-z0-9]+/.test(file)), `${files}\n${text}`);
});

test("green: built once, the runner comes from the cache of the workflow, and nothing is uploaded", async (t) => {
  const { folder, root, own } = repository(t);
  mkdirSync(join(root, "runner/crates/qalipsis-runner"), { recursive: true });
  for (const name of ["Cargo.toml", "Cargo.lock", "runner/crates/qalipsis-runner/Cargo.toml"]) {
    writeFileSync(join(root, name), readFileSync(join("..", name)));
  }
  // Stands for a build of some minutes, and gives what it would give; a true one is in runner.test.mjs.
  mkdirSync(join(folder, "bin"));
  standIn(join(folder, "bin"), `mkdir -p "$6/bin" && cp "${join(binaries, "qalipsis")}" "$6/bin/" && echo built >> "${join(folder, "builds")}"`, "cargo");
  const environment = { ...own, RUSTUP_HOME: process.env.RUSTUP_HOME ?? join(process.env.HOME, ".rustup"), PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  const store = join(folder, "artifacts");
  const flags = ["--cache-server-path", join(folder, "caches"), "--cache-server-addr", "127.0.0.1", "--artifact-server-path", store, "--artifact-server-addr", "127.0.0.1", "--artifact-server-port", `${await port()}`];
  for (const from of [/building the runner/, /the runner comes from the cache qalipsis-linux-/]) {
    // Another machine, which has no tools yet.
    rmSync(join(folder, "cache/act/tool_cache"), { recursive: true, force: true });
    const { code, text } = await workflow(root, job({ configuration: minions }), flags, environment);
    assert.equal(code, 0, text);
    assert.match(text, /status SUCCESSFUL\/\//);
    assert.match(text, from);
    assert.equal(readFileSync(join(folder, "builds"), "utf8"), "built\n");
  }
  assert.ok(!existsSync(store) || readdirSync(store).length === 0, "nothing is uploaded unless asked for");
});
