// The committed bundle, run as GitHub runs it, with the real runner and the quickstart.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const binaries = resolve(process.env.BINARIES ?? "../target/release");
const slow = "properties.shop-flags=--base-delay 60 --slowdown 10";
const minions = "scenarios.quickstart.minions=20";
const version = '[ "$1" = --version ] && echo qalipsis 0.1.0 && exit\n';

function place() {
  const folder = join(mkdtempSync(join(tmpdir(), "action-")), "Größe 10 é");
  mkdirSync(folder);
  for (const name of ["output", "state", "summary"]) {
    writeFileSync(join(folder, name), "");
  }
  return folder;
}

function start(folder, inputs, environment = {}) {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: join(folder, "output"),
    GITHUB_STATE: join(folder, "state"),
    GITHUB_STEP_SUMMARY: join(folder, "summary"),
    RUNNER_TEMP: folder,
    ...environment,
  };
  const all = { runner: join(binaries, "qalipsis"), executable: join(binaries, "quickstart"), configuration: minions, "working-directory": folder, ...inputs };
  for (const [name, value] of Object.entries(all)) {
    env[`INPUT_${name.toUpperCase()}`] = value;
  }
  const child = spawn(process.execPath, ["dist/main.mjs"], { env });
  const ended = { text: "" };
  child.stdout.on("data", (data) => (ended.text += data));
  child.stderr.on("data", (data) => (ended.text += data));
  return { child, end: new Promise((done) => child.on("close", (code) => done({ code, text: ended.text }))) };
}

const run = (folder, inputs, environment) => start(folder, inputs, environment).end;

/** The values of a file that @actions/core wrote. */
function values(file) {
  const found = {};
  for (const [, name, , value] of readFileSync(file, "utf8").matchAll(/^(.+?)<<(ghadelimiter_.+)\n([^]*?)\n\2$/gm)) {
    found[name] = value;
  }
  return found;
}

function standIn(folder, script) {
  const file = join(folder, "stand-in");
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

test("a healthy system is green", async () => {
  const folder = place();
  const { code, text } = await run(folder, {});
  assert.equal(code, 0, text);
  const outputs = values(join(folder, "output"));
  assert.equal(outputs.status, "SUCCESSFUL");
  assert.equal(outputs["exit-code"], "0");
  assert.equal(outputs["failed-steps"], "");
  assert.ok(existsSync(join(outputs["junit-path"], "TEST-quickstart.xml")), text);
  assert.ok(existsSync(outputs["report-html"]) && existsSync(outputs["summary-json"]));
  assert.match(readFileSync(join(folder, "summary"), "utf8"), /20 minions, 80 executions/);
});

test("a service that is ten times slower fails the job, which names step and criterion", async () => {
  const folder = place();
  const { code, text } = await run(folder, { configuration: `${minions}\n${slow}`, summary: "on-failure" });
  assert.equal(code, 1, text);
  assert.match(text, /^::error::the campaign FAILED: quickstart › place: .*response time.*250 ms/m);
  const outputs = values(join(folder, "output"));
  assert.equal(outputs["exit-code"], "3");
  assert.equal(outputs["failed-steps"], "quickstart › place");
  assert.match(readFileSync(join(outputs["junit-path"], "TEST-quickstart.xml"), "utf8"), /type="latency"/);
  assert.match(readFileSync(join(folder, "summary"), "utf8"), /quickstart › place/);
});

test("annotations stop at the number asked for", async () => {
  const folder = place();
  const { text } = await run(folder, { configuration: `${minions}\n${slow}`, "annotations-max": "0", summary: "never" });
  assert.equal(values(join(folder, "output"))["exit-code"], "3");
  assert.equal(text.match(/^::error file=/gm), null, text);
  assert.equal(readFileSync(join(folder, "summary"), "utf8"), "");
});

test("missing, crashed and killed runners and wrong keys are told in one line each", async () => {
  const folder = place();
  const error = async (inputs) => (await run(folder, inputs)).text.match(/^::error::.*$/gm);
  assert.match((await error({ runner: "no-such-runner" }))[0], /the runner no-such-runner was not found/);
  assert.match((await error({ runner: standIn(folder, `${version}echo out of luck >&2; exit 101`) }))[0], /crashed with exit code 101: out of luck/);
  assert.match((await error({ runner: standIn(folder, `${version}kill -9 $$`) }))[0], /killed by SIGKILL/);
  assert.match((await error({ configuration: "campaign.nmae=x" }))[0], /refused the configuration, nothing was started: .*campaign\.name/);
});

test("the pull request has one comment, which the next run replaces", async () => {
  const calls = [];
  const comments = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => (body += data)).on("end", () => {
      calls.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      if (request.method === "POST") {
        comments.push({ id: 7, body: JSON.parse(body).body });
      } else if (request.method === "PATCH") {
        comments[0].body = JSON.parse(body).body;
      }
      response.end(JSON.stringify(request.method === "GET" ? comments : comments[0]));
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    const folder = place();
    writeFileSync(join(folder, "event"), JSON.stringify({ pull_request: { number: 12 } }));
    const environment = {
      GITHUB_API_URL: `http://127.0.0.1:${server.address().port}`,
      GITHUB_REPOSITORY: "us/shop",
      GITHUB_EVENT_PATH: join(folder, "event"),
    };
    const inputs = { "pr-comment": "always", "github-token": "t0ken" };
    await run(folder, { ...inputs, configuration: `${minions}\n${slow}` }, environment);
    assert.match(comments[0].body, /FAILED/);
    await run(folder, inputs, environment);
    assert.equal(comments.length, 1);
    assert.match(comments[0].body, /SUCCESSFUL/);
    assert.deepEqual(calls, [
      "GET /repos/us/shop/issues/12/comments?per_page=100&page=1 Bearer t0ken",
      "POST /repos/us/shop/issues/12/comments Bearer t0ken",
      "GET /repos/us/shop/issues/12/comments?per_page=100&page=1 Bearer t0ken",
      "PATCH /repos/us/shop/issues/comments/7 Bearer t0ken",
    ]);
    await run(folder, { ...inputs, "pr-comment": "on-failure" }, environment);
    assert.equal(calls.length, 4);
  } finally {
    server.close();
  }
});

async function until(what, condition) {
  for (const end = Date.now() + 60_000; !condition(); ) {
    assert.ok(Date.now() < end, what);
    await new Promise((next) => setTimeout(next, 50));
  }
}

/** Starts a long campaign and gives its processes: the runner and its factory. */
async function long(folder, inputs = {}) {
  const started = start(folder, { configuration: "scenarios.quickstart.minions=20000", ...inputs });
  const pid = () => values(join(folder, "state")).pid;
  const children = () => readFileSync(`/proc/${pid()}/task/${pid()}/children`, "utf8").trim().split(" ");
  await until("the factory starts", () => pid() && existsSync(`/proc/${pid()}`) && children()[0] !== "");
  return { ...started, pids: [pid(), ...children()] };
}

const gone = (pids) => pids.every((pid) => !existsSync(`/proc/${pid}`));

test("a cancelled step ends its campaign", async () => {
  const folder = place();
  const { child, end, pids } = await long(folder);
  child.kill("SIGINT");
  const { text } = await end;
  // The runner was told and ended by itself: its code of an aborted campaign.
  assert.equal(values(join(folder, "output"))["exit-code"], "5", text);
  await until("no process is left", () => gone(pids));
});

test("the post step ends what a killed step left, and runs nothing else", async () => {
  const folder = place();
  // Its output goes to a file: the end of the step must not end it by a broken pipe.
  const runner = standIn(folder, `exec "${join(binaries, "qalipsis")}" "$@" > "${join(folder, "log")}" 2>&1`);
  const { child, end, pids } = await long(folder, { runner });
  child.kill("SIGKILL");
  await end;
  assert.ok(!gone(pids), "the campaign goes on");
  const post = await run(folder, {}, { STATE_started: "true", STATE_pid: pids[0] });
  assert.equal(post.code, 0, post.text);
  await until("no process is left", () => gone(pids));
  const idle = await run(folder, {}, { STATE_started: "true" });
  assert.deepEqual([idle.code, idle.text], [0, ""]);
});

for (const [name, flags, expected] of [["green", "", 0], ["red", slow, 1]]) {
  test(`a real workflow is ${name}`, async () => {
    // act itself cannot work below a path with blanks.
    const folder = mkdtempSync(join(tmpdir(), "workflow-"));
    cpSync("action.yml", join(folder, "action.yml"));
    cpSync("dist", join(folder, "dist"), { recursive: true });
    mkdirSync(join(folder, ".github/workflows"), { recursive: true });
    writeFileSync(
      join(folder, ".github/workflows/test.yml"),
      [
        "on: push",
        "jobs:",
        "  test:",
        "    runs-on: ubuntu-latest",
        "    steps:",
        "      - uses: actions/checkout@v5",
        "      - uses: ./",
        "        id: campaign",
        "        with:",
        `          runner: ${join(binaries, "qalipsis")}`,
        `          executable: ${join(binaries, "quickstart")}`,
        "          configuration: |",
        `            ${minions}`,
        ...(flags === "" ? [] : [`            ${flags}`]),
        "      - if: always()",
        "        env:",
        "          STATUS: ${{ steps.campaign.outputs.status }}/${{ steps.campaign.outputs.failed-steps }}/",
        '        run: echo "told $STATUS"',
      ].join("\n"),
    );
    const git = (...words) => execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...words], { cwd: folder });
    git("init", "--quiet");
    git("add", "--all");
    git("commit", "--quiet", "--message", "workflow");
    const act = spawn(
      process.env.ACT === undefined ? "act" : resolve(process.env.ACT),
      ["push", "-P", "ubuntu-latest=-self-hosted", "--pull=false"],
      { cwd: folder, env: { ...process.env, XDG_CACHE_HOME: mkdtempSync(join(tmpdir(), "act-")) } },
    );
    let text = "";
    act.stdout.on("data", (data) => (text += data));
    act.stderr.on("data", (data) => (text += data));
    const code = await new Promise((done) => act.on("close", done));
    assert.equal(code, expected, text);
    assert.match(text, name === "green" ? /told SUCCESSFUL\/\// : /told FAILED\/quickstart › place\//);
  });
}
