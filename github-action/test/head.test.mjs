// A campaign that a head elsewhere runs: the same results as of one that runs here.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { binaries, error, minions, place, run, slow, start, until, values } from "./support.mjs";

const token = "0123456789abcdef";

/** A head with the quickstart, and its address. */
async function serve(t) {
  const folder = place(t);
  const words = ["standalone", `--executable=${join(binaries, "quickstart")}`, "-c", "server.address=127.0.0.1:0"];
  const child = spawn(join(binaries, "qalipsis"), words, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, QALIPSIS_SERVER_TOKEN: token },
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.after(() => child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /^serving on (\S+),/.exec(line)?.[1];
    if (address !== undefined) {
      return { address, child };
    }
  }
  throw new Error("the head did not start");
}

/** Inputs of a job without scenarios of its own. */
const elsewhere = (address, more = {}) => ({ executable: "", head: address, "head-token": token, ...more });

test("a campaign elsewhere fails the job as one that runs here does", async (t) => {
  const { address } = await serve(t);
  const folder = place(t);
  const { code, text } = await run(folder, elsewhere(address, { configuration: `${minions}\n${slow}` }));
  assert.equal(code, 1, text);
  assert.match(text, /^::error::the campaign FAILED: quickstart › place: .*response time.*250 ms/m);
  assert.match(text, /^::error file=scenarios\/quickstart\/src\/[^,]+,line=\d+/m);
  const shown = text.split("\n").filter((line) => !line.startsWith("::add-mask::")).join("\n");
  assert.ok(!shown.includes(token), "the token is not shown");
  const outputs = values(join(folder, "output"));
  assert.deepEqual([outputs.status, outputs["exit-code"], outputs["failed-steps"]], ["FAILED", "3", "quickstart › place"]);
  assert.match(readFileSync(join(outputs["junit-path"], "TEST-quickstart.xml"), "utf8"), /type="latency"/);
  assert.ok(existsSync(outputs["report-html"]) && existsSync(outputs["summary-json"]));
  assert.match(readFileSync(join(folder, "summary"), "utf8"), /^## ❌ FAILED[^]*quickstart › place/);
});

test("a head that refuses or goes away fails the job and is named", async (t) => {
  const { address, child } = await serve(t);
  const folder = place(t);
  assert.match(await error(folder, elsewhere(address, { "head-token": "" })), /it needs a token, set client\.token/);
  assert.match(await error(folder, elsewhere(address, { scenarios: "no-such" })), /has no scenario 'no-such'/);
  const long = elsewhere(address, { configuration: "scenarios.quickstart.minions=20000\nclient.patience=1s" });
  const { end, child: step } = start(folder, long);
  let text = "";
  step.stdout.on("data", (data) => (text += data));
  step.stderr.on("data", (data) => (text += data));
  await until("it is followed", () => text.includes("following campaign"));
  child.kill("SIGKILL");
  const { code } = await end;
  assert.equal(code, 1, text);
  assert.match(text, /^::error::the campaign was ABORTED: the head at .* has been away for .* may still run there/m);
  assert.equal(values(join(folder, "output"))["exit-code"], "5");
});
