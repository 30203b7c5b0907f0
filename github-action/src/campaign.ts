// One process of the runner.

import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { start } from "./process.js";

export interface Ended {
  code: number;
  signal: string | null;
  lastError: string;
}

export interface Options {
  program: string;
  arguments: string[];
  folder: string;
  environment: NodeJS.ProcessEnv;
  annotationsMax: number;
  started: (pid: number) => void;
  write: (line: string) => void;
}

/** Runs it to its end. A signal to this process goes on to the runner, which then ends its scenarios and reports. */
export function run(options: Options): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = start(options.program, options.arguments, {
      cwd: options.folder,
      env: options.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    // What the system under test said is shown too, and must not be taken for commands to GitHub.
    const token = randomUUID();
    const stop = () => options.write(`::stop-commands::${token}`);
    const resume = () => options.write(`::${token}::`);
    let lastError = "";
    let annotations = 0;
    stop();
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (!/^::(error|warning|notice)[ :]/.test(line)) {
        options.write(line);
      } else if (++annotations <= options.annotationsMax) {
        resume();
        options.write(line);
        stop();
      }
    });
    createInterface({ input: child.stderr! }).on("line", (line) => {
      if (line.trim() !== "" && !lastError.startsWith("error")) {
        lastError = line.trim();
      }
      options.write(line);
    });
    child.on("spawn", () => options.started(child.pid!));
    child.on("error", (error) => {
      resume();
      reject(new Error(`the runner could not be started: ${error.message}`));
    });
    child.on("close", (code, signal) => {
      resume();
      resolve({ code: code ?? 1, signal, lastError });
    });
  });
}
