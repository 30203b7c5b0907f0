// Other programs: none stays when this one has to end.

import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";

/** Starts a program without a shell, and passes signals on to it for as long as it runs. */
export function start(program: string, words: string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, words, { ...options, shell: false });
  const pass = (signal: NodeJS.Signals) => {
    // A program with a group of its own is ended with all that it has started.
    if (options.detached && child.pid !== undefined) {
      process.kill(-child.pid, signal);
    } else {
      child.kill(signal);
    }
  };
  process.on("SIGINT", pass).on("SIGTERM", pass);
  const ended = () => process.off("SIGINT", pass).off("SIGTERM", pass);
  child.on("error", ended).on("exit", () => {
    ended();
    if (options.detached) {
      end(-child.pid!);
    }
  });
  return child;
}

/** Ends what a group has left: some programs ignore SIGINT. */
function end(group: number): void {
  try {
    process.kill(group, "SIGKILL");
  } catch {
    // Nothing is left.
  }
}
