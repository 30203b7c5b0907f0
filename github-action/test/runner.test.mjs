// Where the runner comes from: a path, PATH, a release on a web server, the sources.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createStream } from "node:net";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { binaries, error, gone, place, run, standIn, start, temporary, until, values, version } from "./support.mjs";

/** The archives that `cargo xtask release` made. */
const archives = resolve(process.env.ARCHIVES ?? "../target/release-archives");
const released = "0.1.0";

/** A web server whose answers are those of `answer`; it notes what it was asked for. */
async function server(t, answer) {
  const asked = [];
  const http = createServer((request, response) => {
    asked.push(request.url);
    answer(request.url, response);
  });
  await new Promise((ready) => http.listen(0, "127.0.0.1", ready));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return { base: `http://127.0.0.1:${http.address().port}/files`, asked };
}

/** Serves releases as GitHub does; `change` may replace a file's content. */
const releases = (t, change = (_, content) => content) =>
  server(t, (url, response) => {
    const name = /^\/files\/v0\.1\.0\/(qalipsis-0\.1\.0-[a-z0-9_-]+\.tar\.gz(\.sha256)?)$/.exec(url)?.[1];
    if (name === undefined || !existsSync(join(archives, name))) {
      response.writeHead(404).end("no such file");
    } else {
      response.end(change(name, readFileSync(join(archives, name))));
    }
  });

const asked = (base, version = released) => ({ runner: "", version, "download-url": base });

test("a version is downloaded once, verified and run", async (t) => {
  const folder = place(t);
  const { base, asked: urls } = await releases(t);
  // A slash at the end of the address and a v before the version are as good.
  const first = await run(folder, asked(`${base}/`, `v${released}`));
  assert.equal(first.code, 0, first.text);
  assert.equal(values(join(folder, "output")).status, "SUCCESSFUL");
  assert.equal(urls.length, 2, urls.join("\n"));
  assert.ok(urls[0].endsWith("-linux-gnu.tar.gz.sha256") && urls[1].endsWith("-linux-gnu.tar.gz"), urls.join("\n"));
  const second = await run(folder, asked(base));
  assert.equal(second.code, 0, second.text);
  assert.equal(urls.length, 2, "the second run takes the runner of the first");
  const kept = join(folder, "tools/qalipsis", released, process.arch, "qalipsis");
  assert.equal(execFileSync(kept, ["--version"], { encoding: "utf8" }), `qalipsis ${released}\n`);
  assert.deepEqual(readdirSync(join(folder, "temp")).filter((name) => name.includes("download")), []);
});

test("an archive that cannot be had or trusted is an error of one line, and not kept", async (t) => {
  const folder = place(t);
  const { base, asked: urls } = await releases(t);
  assert.match(await error(folder, asked(base, "9.9.9")), /^version 9\.9\.9 is not released for this machine: there is no http.*\/v9\.9\.9\/qalipsis-9\.9\.9-/);
  assert.equal(urls.length, 1, "what is not there is not asked for again");
  const damaged = await releases(t, (name, content) => (name.endsWith(".gz") ? content.subarray(0, content.length - 1) : content));
  assert.match(await error(folder, asked(damaged.base)), /tar\.gz is damaged or was changed: its SHA-256 is [0-9a-f]{64}, and [0-9a-f]{64} was expected$/);
  const foreign = await releases(t, (name, content) => (name.endsWith(".sha256") ? `${"0".repeat(64)}  other.tar.gz\n` : content));
  assert.match(await error(folder, asked(foreign.base)), /\.sha256 is no checksum of qalipsis-0\.1\.0-.*\.tar\.gz$/);
  const forbidden = await server(t, (_, response) => response.writeHead(403).end());
  assert.match(await error(folder, asked(forbidden.base)), /could not be downloaded: the server answered 403$/);
  assert.equal(existsSync(join(folder, "tools/qalipsis")), false);
  assert.deepEqual(readdirSync(join(folder, "temp")), []);
});

test("a server that is silent, stops in the middle or fails is asked three times", async (t) => {
  const folder = place(t);
  const quick = (base) => ({ ...asked(base), "download-timeout": "0.3" });
  const silent = await server(t, () => {});
  assert.match(await error(folder, quick(silent.base)), /could not be downloaded in 3 attempts: the server broke off, or was silent for 0\.3 s$/);
  assert.equal(silent.asked.length, 3);
  // Unlike a server of HTTP, it also goes on when the other side has hung up.
  const half = createStream({ allowHalfOpen: true }, (socket) => socket.on("error", () => {}).write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
  await new Promise((ready) => half.listen(0, "127.0.0.1", ready));
  t.after(() => half.close());
  assert.match(
    await error(folder, quick(`http://127.0.0.1:${half.address().port}`)),
    /could not be downloaded in 3 attempts: the server broke off, or was silent for 0\.3 s$/,
  );
  let failures = 0;
  const recovering = await releases(t);
  const shaky = await server(t, (url, response) =>
    ++failures === 1 ? response.writeHead(503).end() : response.writeHead(302, { location: new URL(url, recovering.base).href }).end(),
  );
  const { code, text } = await run(folder, asked(shaky.base));
  assert.equal(code, 0, text);
  assert.match(text, /the server answered 503; again in 1 s/);
});

test("a machine without released runners is an error", async (t) => {
  const folder = place(t);
  const other = (platform, arch) => ({
    NODE_OPTIONS: `--import "data:text/javascript,for(const[name,value]of[['platform','${platform}'],['arch','${arch}']])Object.defineProperty(process,name,{value})"`,
  });
  const message = /^there is no released runner for freebsd on x64, only for linux on x64 and arm64: /;
  assert.match(await error(folder, asked("http://127.0.0.1:9"), other("freebsd", "x64")), message);
  assert.match(await error(folder, asked("http://127.0.0.1:9"), other("linux", "s390x")), /for linux on s390x/);
});

test("an archive with another version in it is refused", async (t) => {
  const folder = place(t);
  const name = readdirSync(archives).find((file) => file.endsWith(".tar.gz")).replace(/\.tar\.gz$/, "").replace(released, "0.2.0");
  mkdirSync(join(folder, name));
  standIn(join(folder, name), version, "qalipsis");
  execFileSync("tar", ["--create", "--gzip", "--file", "archive", name], { cwd: folder });
  const content = readFileSync(join(folder, "archive"));
  const sum = `${createHash("sha256").update(content).digest("hex")}  ${name}.tar.gz\n`;
  const { base } = await server(t, (url, response) => response.end(url.endsWith(".sha256") ? sum : content));
  assert.equal(await error(folder, asked(base, "0.2.0")), "the runner that was downloaded for version 0.2.0 says that it is 0.1.0");
});

test("the pipelines of the documentation get the runner as they say", async (t) => {
  const { base } = await releases(t);
  const docs = "../runner/docs/ci";
  const gitlab = /before_script:\n((?:    - .*\n)+)/.exec(readFileSync(join(docs, "gitlab.yml"), "utf8"))[1].replace(/^    - /gm, "");
  const jenkins = /sh '''\n([^]*?)'''/.exec(readFileSync(join(docs, "Jenkinsfile"), "utf8"))[1];
  for (const [script, runner] of [[gitlab, "./$name/qalipsis"], [jenkins, "./qalipsis"]]) {
    const env = { PATH: process.env.PATH, RUNNER_VERSION: released, RELEASES: base };
    const sh = spawn("sh", ["-euc", `${script}\n${runner} --version`], { cwd: temporary(t), env });
    let text = "";
    sh.stdout.on("data", (data) => (text += data));
    sh.stderr.on("data", (data) => (text += data));
    assert.equal(await new Promise((done) => sh.on("close", done)), 0, text);
    assert.ok(text.endsWith(`: OK\nqalipsis ${released}\n`), text);
  }
});

test("a runner that is missing, foreign, too old or silent is an error of one line", async (t) => {
  const folder = place(t);
  // Runs beside the others, as it takes its time.
  const muted = error(place(t), { runner: standIn(folder, `echo $$ > "${join(folder, "pid")}"; exec sleep 600`, "mute") });
  assert.match(await error(folder, { runner: "no-such-runner" }), /^the runner no-such-runner was not found on PATH: set the input version/);
  assert.match(await error(folder, { runner: "./no-such-runner" }), /^the runner .*no-such-runner does not exist or cannot be executed: check the input runner$/);
  assert.match(await error(folder, { runner: standIn(folder, "echo qalipsis 0.0.9") }), /is too old: this action needs 0\.1\.0 or later, and it is 0\.0\.9$/);
  assert.match(await error(folder, { runner: standIn(folder, "echo GNU bash") }), /is not the runner of QALIPSIS: asked for its version, it said "GNU bash"$/);
  assert.match(await error(folder, { runner: standIn(folder, "exit 127") }), /is not the runner of QALIPSIS: asked for its version, it said nothing$/);
  assert.match(await muted, /did not print its version within 20 s$/);
  await until("no process is left", () => gone([readFileSync(join(folder, "pid"), "utf8").trim()]));
});

test("a runner on PATH is used when none is named", async (t) => {
  const folder = place(t);
  mkdirSync(join(folder, "bin"));
  symlinkSync(join(binaries, "qalipsis"), join(folder, "bin/qalipsis"));
  const { code, text } = await run(folder, { runner: "" }, { PATH: `${join(folder, "bin")}:${process.env.PATH}` });
  assert.equal(code, 0, text);
});

test("without any, the runner is built from the checkout of the action, once", async (t) => {
  const folder = place(t);
  // The target folder of this checkout has been built already.
  const environment = { CARGO_TARGET_DIR: resolve("../target"), RUSTUP_HOME: process.env.RUSTUP_HOME ?? "" };
  const first = await run(folder, { runner: "" }, environment);
  assert.equal(first.code, 0, first.text);
  assert.match(first.text, /no cache: this machine offers none[^]*building the runner[^]*Installing[^]*SUCCESSFUL/);
  const second = await run(folder, { runner: "", version: "source" }, environment);
  assert.equal(second.code, 0, second.text);
  assert.doesNotMatch(second.text, /building the runner/);
  assert.deepEqual(readdirSync(join(folder, "temp")).filter((name) => name.includes("build")), []);
});

test("a build that fails or is cancelled is an error, and leaves no process", async (t) => {
  const folder = place(t);
  const checkout = temporary(t);
  cpSync("dist", join(checkout, "github-action/dist"), { recursive: true });
  const environment = { MAIN: join(checkout, "github-action/dist/main.mjs"), PATH: `${folder}:${process.env.PATH}` };
  assert.match(await error(folder, { runner: "" }, environment), /^the runner qalipsis was not found on PATH/);
  assert.match(await error(folder, { runner: "", version: "source" }, environment), /neither the action nor the job has a checkout of QALIPSIS$/);

  mkdirSync(join(checkout, "runner/crates/qalipsis-runner"), { recursive: true });
  for (const name of ["Cargo.toml", "Cargo.lock", "runner/crates/qalipsis-runner/Cargo.toml"]) {
    copyFileSync(join("..", name), join(checkout, name));
  }
  standIn(folder, "exit 101", "cargo");
  assert.match(await error(folder, { runner: "" }, environment), /^the runner could not be built: cargo ended with exit code 101, see above$/);
  rmSync(join(folder, "cargo"));
  const pids = () => readFileSync(join(folder, "pids"), "utf8").trim().split(/\s+/);
  standIn(folder, `sleep 600 & echo $$ $! > "${join(folder, "pids")}"; wait`, "cargo");
  const { child, end } = start(folder, { runner: "" }, environment);
  await until("cargo runs", () => existsSync(join(folder, "pids")) && pids().length === 2);
  child.kill("SIGINT");
  const { code, text } = await end;
  assert.equal(code, 1);
  assert.match(text, /::error::the runner could not be built: cargo ended with/);
  await until("no process is left", () => gone(pids()));
});
