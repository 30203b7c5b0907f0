// The files of one campaign.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Reason {
  scenario: string | null;
  step: string | null;
  kind: string | null;
  message: string;
}

export interface Results {
  key: string;
  folder: string;
  summary: string;
  report: string;
  status: string;
  reasons: Reason[];
}

/** What the runner wrote below `folder`; fields are empty for what is not there. */
export function collect(folder: string): Results {
  const key = existsSync(folder) ? (readdirSync(folder).sort().at(-1) ?? "") : "";
  const path = (name: string) => (key !== "" && existsSync(join(folder, key, name)) ? join(folder, key, name) : "");
  const results = {
    key,
    folder: key === "" ? "" : join(folder, key),
    summary: path("summary.json"),
    report: path("report.html"),
    status: "",
    reasons: [] as Reason[],
  };
  if (results.summary !== "") {
    const summary = JSON.parse(readFileSync(results.summary, "utf8")) as { status: string; reasons: Reason[] };
    results.status = summary.status;
    results.reasons = summary.reasons;
  }
  return results;
}

/** The failing steps, each once. */
export function failedSteps(results: Results): string[] {
  const steps = results.reasons
    .filter((reason) => reason.step !== null)
    .map((reason) => `${reason.scenario} › ${reason.step}`);
  return [...new Set(steps)];
}

const MEANINGS: Record<number, string> = {
  1: "qalipsis had an internal error",
  2: "qalipsis refused the configuration, nothing was started",
  3: "the campaign FAILED",
  4: "the campaign is worse than its baseline",
  5: "the campaign was ABORTED",
  6: "the campaign is INVALID: the load generator was the bottleneck",
  7: "there is no scenario to run",
};

/** One message for a job that failed. */
export function message(code: number, signal: string | null, results: Results, lastError: string): string {
  const headline =
    signal === null ? (MEANINGS[code] ?? `qalipsis crashed with exit code ${code}`) : `qalipsis was killed by ${signal}`;
  if (results.reasons.length === 0) {
    return lastError === "" ? headline : `${headline}: ${lastError.replace(/^error: /, "")}`;
  }
  const first = results.reasons[0]!;
  const place = [first.scenario, first.step].filter((part) => part !== null).join(" › ");
  const more = results.reasons.length === 1 ? "" : ` (and ${results.reasons.length - 1} more)`;
  return `${headline}: ${place === "" ? "" : `${place}: `}${first.message}${more}`;
}
