// The runner built from the checkout in which the action lies, and kept in the cache of the workflow.

import * as cache from "@actions/cache";
import * as core from "@actions/core";
import * as tools from "@actions/tool-cache";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { start } from "./process.js";
import { temporary } from "./temporary.js";

const TOOL = "qalipsis";
const CRATE = "runner/crates/qalipsis-runner";

/** The checkout of QALIPSIS in which the action lies, or else the one that the job has made. */
export function checkout(): string | undefined {
  // This is dist/main.mjs of github-action/.
  const own = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  return [own, process.env["GITHUB_WORKSPACE"] ?? ""].find((root) => root !== "" && existsSync(join(root, CRATE, "Cargo.toml")));
}

/** Path of the runner built from `root`: that of an earlier job when nothing has changed since. */
export async function build(root: string): Promise<string> {
  const version = `0.0.0-source.${digest(root)}`;
  const kept = tools.find(TOOL, version);
  if (kept !== "") {
    return join(kept, TOOL);
  }
  const place = join(process.env["RUNNER_TOOL_CACHE"]!, TOOL, version, process.arch);
  const paths = [place, `${place}.complete`];
  const key = `${TOOL}-${process.platform}-${process.arch}-${version}`;
  const shared = cache.isFeatureAvailable();
  if (!shared) {
    core.info("no cache: this machine offers none for workflows");
  } else if ((await restored(paths, key)) && tools.find(TOOL, version) !== "") {
    core.info(`the runner comes from the cache ${key}`);
    return join(place, TOOL);
  }
  const folder = temporary("build");
  try {
    await install(root, folder);
    await tools.cacheDir(join(folder, "bin"), TOOL, version);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (shared) {
    // Never throws for a cache that is full, read-only or away: it warns.
    await cache.saveCache(paths, key);
  }
  return join(place, TOOL);
}

async function restored(paths: string[], key: string): Promise<boolean> {
  return (await cache.restoreCache(paths, key)) !== undefined;
}

/** Changes with whatever the runner is built from: sources, locked dependencies, compiler. */
function digest(root: string): string {
  const hash = createHash("sha256");
  try {
    hash.update(execFileSync("rustc", ["-vV"], { cwd: root }));
  } catch (error) {
    throw new Error(`the runner cannot be built, there is no Rust on this machine: ${(error as Error).message}`);
  }
  const crates = readdirSync(join(root, "runner/crates"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of [join(root, "Cargo.toml"), join(root, "Cargo.lock"), ...crates.sort()]) {
    const content = readFileSync(file);
    hash.update(`${file.slice(root.length)}\n${content.length}\n`).update(content);
  }
  return hash.digest("hex").slice(0, 20);
}

function install(root: string, folder: string): Promise<void> {
  core.startGroup("building the runner");
  return new Promise((done, failed) => {
    const child = start("cargo", ["install", "--locked", "--path", CRATE, "--root", folder], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, CARGO_TARGET_DIR: process.env["CARGO_TARGET_DIR"] ?? join(root, "target") },
      detached: true,
    });
    child.on("error", (error) => failed(new Error(`the runner cannot be built, cargo could not be started: ${error.message}`)));
    child.on("close", (code, signal) => {
      core.endGroup();
      if (code === 0) {
        done();
      } else {
        failed(new Error(`the runner could not be built: cargo ended with ${signal ?? `exit code ${code}`}, see above`));
      }
    });
  });
}
