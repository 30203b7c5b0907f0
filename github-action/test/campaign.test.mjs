// One campaign with the real runner and the quickstart: verdict, outputs, messages, comment, cancellation.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { binaries, error, gone, minions, place, run, slow, standIn, start, until, values, version } from "./support.mjs";

test("a healthy system is green", async (t) => {
  const folder = place(t);
  const { code, text } = await run(folder, {});
  assert.equal(code, 0, text);
  const outputs = values(join(folder, "output"));
  assert.equal(outputs.status, "SUCCESSFUL");
  assert.equal(outputs["exit-code"], "0");
  assert.equal(outputs["failed-steps"], "");
  assert.ok(existsSync(join(outputs["junit-path"], "TEST-quickstart.xml")), text);
  assert.ok(existsSync(outputs["report-html"]) && existsSync(outputs["summary-json"]));
  assert.match(readFileSync(join(folder, "summary"), "utf8"), /20 minions, 80 executions/);
  // Nothing stays but the reports, which go with the job.
  assert.deepEqual(readdirSync(join(folder, "tmp")), []);
});

test("a service that is ten times slower fails the job, which names step and criterion", async (t) => {
  const folder = place(t);
  const { code, text } = await run(folder, { configuration: `${minions}\n${slow}`, summary: "on-failure" });
  assert.equal(code, 1, text);
  assert.match(text, /^::error::the campaign FAILED: quickstart › place: .*response time.*250 ms/m);
  const outputs = values(join(folder, "output"));
  assert.equal(outputs["exit-code"], "3");
  assert.equal(outputs["failed-steps"], "quickstart › place");
  assert.match(readFileSync(join(outputs["junit-path"], "TEST-quickstart.xml"), "utf8"), /type="latency"/);
  assert.match(readFileSync(join(folder, "summary"), "utf8"), /quickstart › place/);
});

test("annotations stop at the number asked for", async (t) => {
  const folder = place(t);
  const { text } = await run(folder, { configuration: `${minions}\n${slow}`, "annotations-max": "0", summary: "never" });
  assert.equal(values(join(folder, "output"))["exit-code"], "3");
  assert.equal(text.match(/^::error file=/gm), null, text);
  assert.equal(readFileSync(join(folder, "summary"), "utf8"), "");
});

test("a regression against the baselines fails the job where no criterion does", async (t) => {
  const folder = place(t);
  // Nobody has written a limit: that of the scenario is out of the way.
  const criterion = "criteria:\n  - { scenario: quickstart, step: place, measure: response-time.p95, below: 60s }\n";
  writeFileSync(join(folder, "qalipsis.yml"), criterion);
  const delayed = (ms, more = "") => `scenarios.quickstart.minions=40\nproperties.shop-flags=--base-delay ${ms}${more}`;
  // Far from each other, so that a busy machine is within what is known.
  for (const ms of [20, 40, 60, 80, 100]) {
    const words = ["--autostart", `--executable=${join(binaries, "quickstart")}`, "--save-baseline=baselines/"];
    const settings = delayed(ms).split("\n").map((line) => `--configuration=${line}`);
    execFileSync(join(binaries, "qalipsis"), [...words, ...settings], { cwd: folder, env: { ...process.env, TMPDIR: join(folder, "tmp") }, stdio: "pipe" });
  }
  const healthy = await run(folder, { baseline: "baselines", configuration: delayed(60) });
  assert.equal(healthy.code, 0, healthy.text);
  assert.equal(values(join(folder, "output"))["exit-code"], "0");
  const message = await error(folder, { baseline: "baselines", configuration: delayed(60, " --slowdown 10") });
  assert.match(message, /^the campaign is worse than its baseline: quickstart › place: .*response time/);
  const outputs = values(join(folder, "output"));
  assert.equal(outputs["exit-code"], "4");
  assert.equal(outputs["failed-steps"], "quickstart › place");
  assert.match(readFileSync(join(outputs["junit-path"], "TEST-quickstart.xml"), "utf8"), /<failure[^>]*type="regression"/);
  assert.match(readFileSync(join(folder, "summary"), "utf8"), /baseline/);
});

test("whatever is in the inputs reaches the runner as it is", async (t) => {
  const folder = join(place(t), `a "b" 'c' $(touch x) \`touch y\` ;&| %0A\n😀`);
  mkdirSync(folder);
  const job = dirname(folder);
  symlinkSync(join(binaries, "quickstart"), join(folder, "quick $HOME 😀"));
  const name = `'"$(touch z)" \`touch z\` ; touch z && \\ ::error::z %0A 😀`;
  const inputs = { "working-directory": folder, executable: "./quick $HOME 😀", scenarios: "quick*", configuration: `campaign.name=${name}\n${minions}\n` };
  const { code, text } = await run(job, inputs);
  assert.equal(code, 0, text);
  const summary = JSON.parse(readFileSync(values(join(job, "output"))["summary-json"], "utf8"));
  assert.equal(summary.name ?? summary.campaign?.name, name);
  assert.deepEqual(readdirSync(folder), ["quick $HOME 😀"]);
  assert.match(await error(job, { ...inputs, scenarios: "$(touch z)\n`touch z`" }), /touch z/);
  assert.match(await error(job, { ...inputs, baseline: "--help" }), /--help/);
  assert.deepEqual(readdirSync(folder), ["quick $HOME 😀"]);
});

/** What GitHub would do for these lines: its rules for commands in the output of a step. */
function commands(text) {
  let token;
  return text.split("\n").flatMap((line) => {
    const [, name, , value] = /^\s*::([^\s:]+)( [^:]*)?::(.*)$/.exec(line) ?? [];
    if (token !== undefined) {
      token = name === token ? undefined : token;
      return [];
    }
    token = name === "stop-commands" ? value : undefined;
    return name === undefined || name === "stop-commands" ? [] : [`${name} ${value}`];
  });
}

test("what the system under test says is no command to GitHub", async (t) => {
  const folder = place(t);
  const said = ["  ::set-output name=status::SUCCESSFUL", "::add-mask::e", "::error file=a.rs,line=1::from the runner"];
  const runner = standIn(folder, `${version}${said.map((line) => `echo '${line}'`).join("\n")}\necho '::add-mask::a' >&2\nexit 3`);
  const { text } = await run(folder, { runner });
  assert.deepEqual(commands(text), ["error from the runner", "error the campaign FAILED: ::add-mask::a"]);
});

test("what ends a campaign early is one line", async (t) => {
  const folder = place(t);
  const stand = (script) => ({ runner: standIn(folder, `${version}${script}`) });
  assert.match(await error(folder, stand("echo out of luck >&2; exit 101")), /^qalipsis crashed with exit code 101: out of luck$/);
  assert.match(await error(folder, stand("kill -9 $$")), /^qalipsis was killed by SIGKILL$/);
  assert.match(
    await error(folder, { configuration: "campaign.nmae=x" }),
    /^qalipsis refused the configuration, nothing was started: .*campaign\.nmae.*campaign\.name/,
  );
  assert.match(await error(folder, { scenarios: "no-such" }), /no-such/);
  assert.match(
    await error(folder, { configuration: `scenarios.quickstart.minions=20000\ncampaign.timeout=1s` }),
    /^the campaign was ABORTED: stopped after its limit of 1 s \(campaign\.timeout\)$/,
  );
  assert.equal(values(join(folder, "output")).status, "ABORTED");
});

test("wrong inputs are errors before anything starts", async (t) => {
  const folder = place(t);
  assert.match(await error(folder, { "working-directory": join(folder, "nowhere") }), /^the folder .*nowhere does not exist: check the input working-directory$/);
  assert.match(await error(folder, { version: "latest", runner: "" }), /^version must be like 1\.2\.3, or source, not "latest"$/);
  assert.match(await error(folder, { version: "1.2.3" }), /^runner and version exclude each other/);
  assert.deepEqual(readdirSync(join(folder, "temp")), []);
});

/** GitHub's comments of one pull request; `refuse` gives a status and an answer, or nothing. */
async function comments(t, folder, refuse = () => undefined) {
  const calls = [];
  const bodies = new Map();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => (body += data)).on("end", () => {
      calls.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const refused = refuse(request.method);
      if (refused !== undefined) {
        response.writeHead(refused[0]).end(refused[1]);
        return;
      }
      let id = Number(request.url.split("/").at(-1));
      if (request.method === "POST") {
        id = 7 + bodies.size;
      }
      if (request.method !== "GET") {
        bodies.set(id, JSON.parse(body).body);
      }
      const all = [...bodies].map(([id, body]) => ({ id, body }));
      response.end(JSON.stringify(request.method === "GET" ? all : all.find((one) => one.id === id)));
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => server.close());
  writeFileSync(join(folder, "event"), JSON.stringify({ pull_request: { number: 12 } }));
  const environment = {
    GITHUB_API_URL: `http://127.0.0.1:${server.address().port}`,
    GITHUB_REPOSITORY: "us/shop",
    GITHUB_RUN_ID: "4711",
    GITHUB_EVENT_PATH: join(folder, "event"),
    GITHUB_WORKFLOW: "ci",
    GITHUB_JOB: "load",
  };
  return { calls, bodies, environment };
}

test("the pull request has one comment, which the next run replaces", async (t) => {
  const folder = place(t);
  const { calls, bodies, environment } = await comments(t, folder);
  const inputs = { "pr-comment": "always", "github-token": "t0ken", "comment-key": "null" };
  await run(folder, { ...inputs, configuration: `${minions}\n${slow}` }, environment);
  assert.match(bodies.get(7), /^<!-- qalipsis ci load -->\n## ❌ FAILED/);
  // What one looks for first: the run, the limits with their values, one failure again.
  assert.match(bodies.get(7), /\[run\]\(https:\/\/github.com\/us\/shop\/actions\/runs\/4711\)[^]*\| criterion \| limit \| observed \| outcome \|[^]*breached/);
  await run(folder, inputs, environment);
  assert.equal(bodies.size, 1);
  assert.match(bodies.get(7), /SUCCESSFUL/);
  assert.deepEqual(calls, [
    "GET /repos/us/shop/issues/12/comments?per_page=100&page=1 Bearer t0ken",
    "POST /repos/us/shop/issues/12/comments Bearer t0ken",
    "GET /repos/us/shop/issues/12/comments?per_page=100&page=1 Bearer t0ken",
    "PATCH /repos/us/shop/issues/comments/7 Bearer t0ken",
  ]);
  await run(folder, { ...inputs, "pr-comment": "on-failure" }, environment);
  assert.equal(calls.length, 4);
});

test("c1: each leg of a matrix has a comment of its own", async (t) => {
  const folder = place(t);
  const { bodies, environment } = await comments(t, folder);
  const runner = standIn(folder, `${version}echo "## $LEG" > "$GITHUB_STEP_SUMMARY"`);
  const leg = (matrix, text) =>
    run(folder, { runner, "pr-comment": "always", "comment-key": matrix }, { ...environment, LEG: text });
  const [eu, us] = ['{\n  "zone": "eu",\n  "rust": 1.9\n}', '{\n  "zone": "us -->`@all",\n  "rust": 1.9\n}'];
  await leg(eu, "red");
  await leg(us, "green");
  await leg(eu, "red again");
  await leg("nightly", "by a name");
  const shown = [...bodies.values()].map((body) => body.replace(/^<!-- qalipsis ci load [0-9a-f]{16} -->\n/, ""));
  assert.deepEqual(shown, ["`load (eu, 1.9)`\n\n## red again\n", "`load (us --> @all, 1.9)`\n\n## green\n", "`load (nightly)`\n\n## by a name\n"]);
});

test("c3: a comment that is refused says GitHub's reason and what the job needs", async (t) => {
  const folder = place(t);
  const warning = async (status, answer) => {
    const { environment } = await comments(t, folder, (method) => (method === "GET" ? undefined : [status, answer]));
    const { code, text } = await run(folder, { runner: standIn(folder, `${version}exit 0`), "pr-comment": "always" }, environment);
    assert.equal(code, 0, text);
    return /^::warning::(.*)$/m.exec(text)?.[1];
  };
  assert.equal(
    await warning(403, '{"message":"Resource not accessible by integration","status":"403"}'),
    'the comment could not be written: GitHub answered 403 to POST: Resource not accessible by integration; the job needs "permissions: pull-requests: write", which the token of a pull request from a fork never has',
  );
  assert.match(await warning(401, '{"message":"Bad credentials"}'), /401 to POST: Bad credentials; check the input github-token$/);
  assert.match(await warning(403, '{"message":"You have exceeded a secondary rate limit."}'), /403 to POST: You have exceeded a secondary rate limit\.$/);
  assert.match(await warning(502, "<html>bad gateway</html>"), /502 to POST: <html>bad gateway<\/html>$/);
});

/** Starts a long campaign and gives its processes: the runner and its factory. */
async function long(folder, inputs = {}) {
  const started = start(folder, { configuration: "scenarios.quickstart.minions=20000", ...inputs });
  const pid = () => values(join(folder, "state")).pid;
  const children = () => readFileSync(`/proc/${pid()}/task/${pid()}/children`, "utf8").trim().split(" ");
  await until("the factory starts", () => pid() && existsSync(`/proc/${pid()}`) && children()[0] !== "");
  return { ...started, pids: [pid(), ...children()] };
}

test("a cancelled step ends its campaign", async (t) => {
  const folder = place(t);
  const { child, end, pids } = await long(folder);
  child.kill("SIGINT");
  const { text } = await end;
  // The runner was signalled and ended by itself: its code of an aborted campaign.
  assert.equal(values(join(folder, "output"))["exit-code"], "5", text);
  await until("no process is left", () => gone(pids));
});

test("the post step ends what a killed step left, and runs nothing else", async (t) => {
  const folder = place(t);
  // Its output goes to a file: the end of the step must not end it by a broken pipe.
  const runner = standIn(folder, `${version}exec "${join(binaries, "qalipsis")}" "$@" > "${join(folder, "log")}" 2>&1`);
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
