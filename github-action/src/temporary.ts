// Folders that go with the job.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder. */
export function temporary(purpose: string): string {
  return mkdtempSync(join(process.env["RUNNER_TEMP"] ?? tmpdir(), `qalipsis-${purpose}-`));
}
