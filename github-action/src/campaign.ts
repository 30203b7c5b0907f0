// One process of the runner.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

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
    const child = spawn(options.program, options.arguments, {
      cwd: options.folder,
      env: options.environment,
      stdio: ["ignore", "pipe", "pipe"],
      shell: false,
    });
    let lastError = "";
    let annotations = 0;
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (/^::(error|warning|notice)[ :]/.test(line) && ++annotations > options.annotationsMax) {
        return;
      }
      options.write(line);
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.trim() !== "" && !lastError.startsWith("error")) {
        lastError = line.trim();
      }
      options.write(line);
    });
    const pass = (signal: NodeJS.Signals) => child.kill(signal);
    process.on("SIGINT", pass).on("SIGTERM", pass);
    child.on("spawn", () => options.started(child.pid!));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT";
      reject(
        new Error(
          missing
            ? `the runner ${options.program} was not found, or the folder ${options.folder} is missing: install it with cargo install, or set the input runner to its path`
            : `the runner could not be started: ${error.message}`,
        ),
      );
    });
    child.on("close", (code, signal) => {
      process.off("SIGINT", pass).off("SIGTERM", pass);
      resolve({ code: code ?? 1, signal, lastError });
    });
  });
}
