// The runner: which one, and whether this action can drive it.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { download } from "./download.js";
import type { Inputs } from "./inputs.js";
import { start } from "./process.js";
import { build, checkout } from "./source.js";

/** The oldest runner with the flags and files that this action relies on. */
const OLDEST = [0, 1, 0];
const ANSWER_MS = 20_000;
const NAME = "qalipsis";

/** Path of the runner, which answered with its version. */
export async function find(inputs: Inputs, folder: string): Promise<string> {
  const [runner, expected] = await choose(inputs, folder);
  const answer = await version(runner, folder);
  const found = /^qalipsis ((\d+)\.(\d+)\.(\d+)\S*)/.exec(answer);
  if (found === null) {
    throw new Error(`${runner} is not the runner of QALIPSIS: asked for its version, it said ${answer === "" ? "nothing" : `"${answer}"`}`);
  }
  const parts = found.slice(2, 5).map(Number);
  const differing = OLDEST.findIndex((part, index) => part !== parts[index]);
  if (differing >= 0 && parts[differing]! < OLDEST[differing]!) {
    throw new Error(`the runner ${runner} is too old: this action needs ${OLDEST.join(".")} or later, and it is ${found[1]}`);
  }
  if (expected !== undefined && found[1] !== expected) {
    throw new Error(`the runner that was downloaded for version ${expected} says that it is ${found[1]}`);
  }
  return runner;
}

async function choose(inputs: Inputs, folder: string): Promise<[string, string?]> {
  if (inputs.version === "source") {
    const source = checkout();
    if (source === undefined) {
      throw new Error("version is source, and neither the action nor the job has a checkout of QALIPSIS");
    }
    return [await build(source)];
  }
  if (inputs.version !== "") {
    return [await download(inputs.version, inputs.downloadUrl, inputs.downloadTimeout), inputs.version];
  }
  if (inputs.runner.includes("/")) {
    const runner = isAbsolute(inputs.runner) ? inputs.runner : resolve(folder, inputs.runner);
    if (!executable(runner)) {
      throw new Error(`the runner ${runner} does not exist or cannot be executed: check the input runner`);
    }
    return [runner];
  }
  const name = inputs.runner === "" ? NAME : inputs.runner;
  const path = (process.env["PATH"] ?? "").split(delimiter).map((part) => join(part, name)).find(executable);
  if (path !== undefined) {
    return [path];
  }
  const source = inputs.runner === "" ? checkout() : undefined;
  if (source === undefined) {
    throw new Error(
      `the runner ${name} was not found on PATH: set the input version to download it, or runner to its path, or install it with cargo install`,
    );
  }
  return [await build(source)];
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The first line of its answer. */
function version(runner: string, folder: string): Promise<string> {
  return new Promise((done, failed) => {
    const child = start(runner, ["--version"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    const limit = setTimeout(() => {
      child.kill("SIGKILL");
      failed(new Error(`the runner ${runner} did not print its version within ${ANSWER_MS / 1000} s`));
    }, ANSWER_MS);
    child.stdout!.on("data", (data) => (text += data));
    child.stderr!.on("data", (data) => (text += data));
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(limit);
      const why = error.code === "ENOENT" ? `is there, but the folder ${folder} or what it needs to run is not` : `could not be started: ${error.message}`;
      failed(new Error(`the runner ${runner} ${why}`));
    });
    child.on("close", () => {
      clearTimeout(limit);
      done(text.trim().split("\n", 1)[0]!);
    });
  });
}
