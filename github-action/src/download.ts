// A released runner: fetched, checked against its checksum, and kept among the tools of the machine.

import * as core from "@actions/core";
import { HttpClient } from "@actions/http-client";
import * as tools from "@actions/tool-cache";
import { createHash } from "node:crypto";
import { createWriteStream, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { temporary } from "./temporary.js";

const TOOL = "qalipsis";
const ATTEMPTS = 3;

/** Path of the runner of that version, downloaded unless it is there already. */
export async function download(version: string, base: string, timeoutS: number): Promise<string> {
  const name = `${TOOL}-${version}-${triple(process.platform, process.arch)}`;
  const kept = tools.find(TOOL, version);
  if (kept !== "") {
    return join(kept, TOOL);
  }
  const url = `${base.replace(/\/+$/, "")}/v${version}/${name}.tar.gz`;
  core.info(`downloading ${url}`);
  const folder = temporary("download");
  try {
    const archive = join(folder, "archive");
    const sums = join(folder, "sums");
    await fetched(`${url}.sha256`, sums, timeoutS, version);
    await fetched(url, archive, timeoutS, version);
    const expected = checksum(readFileSync(sums, "utf8"), `${name}.tar.gz`);
    if (expected === undefined) {
      throw new Error(`${url}.sha256 is no checksum of ${name}.tar.gz`);
    }
    const actual = createHash("sha256").update(readFileSync(archive)).digest("hex");
    if (actual !== expected) {
      throw new Error(`${url} is damaged or was changed: its SHA-256 is ${actual}, and ${expected} was expected`);
    }
    const extracted = await tools.extractTar(archive, join(folder, "extracted"));
    return join(await tools.cacheDir(join(extracted, name), TOOL, version), TOOL);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The triple of the archive for a machine. */
export function triple(platform: string, architecture: string): string {
  const known: Record<string, string> = { x64: "x86_64", arm64: "aarch64" };
  const cpu = known[architecture];
  if (platform !== "linux" || cpu === undefined) {
    throw new Error(
      `there is no released runner for ${platform} on ${architecture}, only for linux on x64 and arm64: build it with cargo install and leave out the input version`,
    );
  }
  return `${cpu}-unknown-linux-gnu`;
}

/** The checksum of a file in the format of sha256sum. */
export function checksum(text: string, file: string): string | undefined {
  for (const line of text.split(/\r?\n/)) {
    const found = /^([0-9a-f]{64}) [ *](.+)$/.exec(line);
    if (found?.[2] === file) {
      return found[1];
    }
  }
  return undefined;
}

/** Fetches into a file; again when the server is silent, breaks off or has a failure of its own. */
async function fetched(url: string, file: string, timeoutS: number, version: string): Promise<void> {
  const client = new HttpClient("qalipsis-action", [], { socketTimeout: timeoutS * 1000 });
  for (let attempt = 1; ; attempt++) {
    let why: string;
    try {
      const answer = await client.get(url);
      const status = answer.message.statusCode ?? 0;
      if (status === 200) {
        // The client's own limit does not end an answer that stops in the middle.
        answer.message.setTimeout(timeoutS * 1000, () => answer.message.destroy(new Error("timeout")));
        await pipeline(answer.message, createWriteStream(file));
        return;
      }
      answer.message.resume();
      if (status === 404) {
        throw new Gone(`version ${version} is not released for this machine: there is no ${url}`);
      }
      why = `the server answered ${status}`;
      if (status < 500 && status !== 408 && status !== 429) {
        throw new Gone(`${url} could not be downloaded: ${why}`);
      }
    } catch (error) {
      if (error instanceof Gone) {
        throw error;
      }
      const message = (error as Error).message;
      why = /timeout|aborted|premature/i.test(message) ? `the server broke off, or was silent for ${timeoutS} s` : message;
    }
    if (attempt === ATTEMPTS) {
      throw new Error(`${url} could not be downloaded in ${ATTEMPTS} attempts: ${why}`);
    }
    core.info(`${why}; again in ${attempt} s`);
    await new Promise((next) => setTimeout(next, attempt * 1000));
  }
}

/** An answer that another attempt would not change. */
class Gone extends Error {}
