// The action: first the campaign, and after the job what a cancelled one left.

import * as core from "@actions/core";
import { appendFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./campaign.js";
import { markerOf, titleOf, write } from "./comment.js";
import { argumentsOf, environmentOf, read, wanted, type Inputs } from "./inputs.js";
import { collect, failedSteps, message } from "./results.js";
import { find } from "./runner.js";
import { temporary } from "./temporary.js";
import { upload } from "./upload.js";

const STARTED = "started";
const PID = "pid";

async function main(): Promise<void> {
  // Records for the post step what it is, also when nothing could be started.
  core.saveState(STARTED, "true");
  const inputs = read((name) => core.getInput(name));
  if (inputs.headToken !== "") {
    core.setSecret(inputs.headToken);
  }
  const folder = resolve(inputs.workingDirectory);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`the folder ${folder} does not exist: check the input working-directory`);
  }
  const runner = await find(inputs, folder);
  const results = temporary("results");
  const markdown = join(results, "summary.md");
  const campaigns = join(results, "campaigns");
  const ended = await run({
    program: runner,
    arguments: argumentsOf(inputs, campaigns),
    folder,
    environment: { ...process.env, ...environmentOf(inputs), GITHUB_STEP_SUMMARY: markdown },
    annotationsMax: inputs.annotationsMax,
    started: (pid) => core.saveState(PID, pid),
    write: (line) => console.log(line),
  });
  const found = collect(campaigns);
  core.setOutput("campaign-key", found.key);
  core.setOutput("status", found.status);
  core.setOutput("exit-code", ended.code);
  core.setOutput("failed-steps", failedSteps(found).join("\n"));
  core.setOutput("junit-path", found.folder);
  core.setOutput("summary-json", found.summary);
  core.setOutput("report-html", found.report);
  const failure = ended.code === 0 ? "" : message(ended.code, ended.signal, found, ended.lastError);
  const text = existsSync(markdown) ? readFileSync(markdown, "utf8") : `## ❌ QALIPSIS\n\n${failure}\n`;
  const summary = process.env["GITHUB_STEP_SUMMARY"];
  if (wanted(inputs.summary, ended.code) && summary) {
    appendFileSync(summary, text);
  }
  if (wanted(inputs.comment, ended.code)) {
    await comment(inputs, text);
  }
  if (inputs.upload && found.folder !== "") {
    await upload(found.key, found.folder);
  }
  if (failure !== "") {
    core.setFailed(failure);
  }
}

/** A comment that cannot be written is a warning: it says nothing about the system under test. */
async function comment(inputs: Inputs, text: string): Promise<void> {
  try {
    const event = JSON.parse(readFileSync(process.env["GITHUB_EVENT_PATH"] ?? "", "utf8"));
    const number = event.pull_request?.number;
    if (typeof number !== "number") {
      core.info("no comment: this is no pull request");
      return;
    }
    const { GITHUB_WORKFLOW: workflow = "", GITHUB_JOB: job = "" } = process.env;
    const leg = { workflow, job, key: inputs.commentKey };
    await write(
      {
        api: process.env["GITHUB_API_URL"] ?? "https://api.github.com",
        repository: process.env["GITHUB_REPOSITORY"] ?? "",
        token: inputs.token,
        number,
        marker: markerOf(leg),
      },
      titleOf(leg) + text,
    );
  } catch (error) {
    core.warning(`the comment could not be written: ${(error as Error).message}`);
  }
}

/** Ends a runner that the cancelled job left. Twice: the second signal does not wait for running iterations. */
async function post(pid: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGTERM", "SIGKILL"] as const) {
    if (!runs(pid)) {
      return;
    }
    core.info(`the campaign still runs: ${signal}`);
    process.kill(pid, signal);
    for (let waited = 0; waited < 30 && runs(pid); waited++) {
      await new Promise((next) => setTimeout(next, 100));
    }
  }
}

/** Whether the process is there and is ours: numbers of processes are used again. */
function runs(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes("--autostart") || (words.includes("campaign") && words.includes("start"));
  } catch {
    return false;
  }
}

const work = core.getState(STARTED) === "" ? main() : post(Number(core.getState(PID) || Number.NaN));
work.catch((error: Error) => core.setFailed(error.message));
