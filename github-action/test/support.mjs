// What the tests share: the committed bundle, run as GitHub runs it, in folders that go with the test.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const binaries = resolve(process.env.BINARIES ?? "../target/debug");
export const slow = "properties.shop-flags=--base-delay 60 --slowdown 10";
export const minions = "scenarios.quickstart.minions=20";
/** The start of a stand-in for the runner. */
export const version = '[ "$1" = --version ] && echo qalipsis 0.1.0 && exit\n';

/** A folder that goes with the test. */
export function temporary(t) {
  const folder = mkdtempSync(join(tmpdir(), "action-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A job's folder, whose name is no easy one. */
export function place(t) {
  const folder = join(temporary(t), "Größe 10 é");
  for (const name of ["", "tmp", "temp", "tools"]) {
    mkdirSync(join(folder, name));
  }
  for (const name of ["output", "state", "summary"]) {
    writeFileSync(join(folder, name), "");
  }
  return folder;
}

/** Starts the action, with the real runner and the quickstart by default. */
export function start(folder, inputs, environment = {}) {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: join(folder, "output"),
    GITHUB_STATE: join(folder, "state"),
    GITHUB_STEP_SUMMARY: join(folder, "summary"),
    RUNNER_TEMP: join(folder, "temp"),
    RUNNER_TOOL_CACHE: join(folder, "tools"),
    TMPDIR: join(folder, "tmp"),
    ...environment,
  };
  const all = { runner: join(binaries, "qalipsis"), executable: join(binaries, "quickstart"), configuration: minions, "working-directory": folder, ...inputs };
  for (const [name, value] of Object.entries(all)) {
    env[`INPUT_${name.toUpperCase()}`] = value;
  }
  const child = spawn(process.execPath, [environment.MAIN ?? "dist/main.mjs"], { env });
  const ended = { text: "" };
  child.stdout.on("data", (data) => (ended.text += data));
  child.stderr.on("data", (data) => (ended.text += data));
  return { child, end: new Promise((done) => child.on("close", (code) => done({ code, text: ended.text }))) };
}

export const run = (folder, inputs, environment) => start(folder, inputs, environment).end;

/** The one message of an action that must fail. */
export async function error(folder, inputs, environment) {
  const { code, text } = await run(folder, inputs, environment);
  assert.equal(code, 1, text);
  const messages = text.match(/^::error::.*$/gm);
  assert.equal(messages?.length, 1, text);
  return messages[0].slice("::error::".length);
}

/** The values of a file that @actions/core wrote. */
export function values(file) {
  const found = {};
  for (const [, name, , value] of readFileSync(file, "utf8").matchAll(/^(.+?)<<(ghadelimiter_.+)\n([^]*?)\n\2$/gm)) {
    found[name] = value;
  }
  return found;
}

export function standIn(folder, script, name = "stand-in") {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

export async function until(what, condition) {
  for (const end = Date.now() + 60_000; !condition(); ) {
    assert.ok(Date.now() < end, what);
    await new Promise((next) => setTimeout(next, 50));
  }
}

export const gone = (pids) => pids.every((pid) => !existsSync(`/proc/${pid}`));

/** Runs the workflow in a fresh repository of these files through act, a local runner of GitHub's workflows. */
export async function workflow(folder, lines, flags = [], environment = {}) {
  mkdirSync(join(folder, ".github/workflows"), { recursive: true });
  writeFileSync(join(folder, ".github/workflows/test.yml"), lines.join("\n"));
  const git = (...words) => execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...words], { cwd: folder });
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "--message", "workflow");
  const act = spawn(
    process.env.ACT === undefined ? "act" : resolve(process.env.ACT),
    ["push", "-P", "ubuntu-latest=-self-hosted", "--pull=false", ...flags],
    { cwd: folder, env: { ...process.env, ...environment } },
  );
  let text = "";
  act.stdout.on("data", (data) => (text += data));
  act.stderr.on("data", (data) => (text += data));
  const code = await new Promise((done) => act.on("close", done));
  return { code, text };
}
