// What the user asked for, and the command line that says so to the runner.

/** When something is shown. */
export type When = "always" | "on-failure" | "never";

/** The inputs of the action. */
export interface Inputs {
  runner: string;
  scenarios: string;
  configuration: string[];
  manifestPath: string;
  executable: string;
  workingDirectory: string;
  baseline: string;
  summary: When;
  comment: When;
  token: string;
  annotationsMax: number;
}

const ANNOTATIONS_MAX = 10;

/** Reads the inputs; `get` is that of @actions/core. */
export function read(get: (name: string) => string): Inputs {
  const annotations = Number(get("annotations-max") || ANNOTATIONS_MAX);
  if (!Number.isInteger(annotations) || annotations < 0) {
    throw new Error(`annotations-max must be a number from 0 to 10, not "${get("annotations-max")}"`);
  }
  const configuration = get("configuration")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  for (const line of configuration) {
    if (!/^[^=\s]+=/.test(line)) {
      throw new Error(`each line of configuration must be KEY=VALUE; "${line.split("=")[0]}" is not`);
    }
  }
  return {
    runner: get("runner") || "qalipsis",
    scenarios: get("scenarios").trim(),
    configuration,
    manifestPath: get("manifest-path"),
    executable: get("executable"),
    workingDirectory: get("working-directory") || ".",
    baseline: get("baseline"),
    summary: when("summary", get("summary") || "always"),
    comment: when("pr-comment", get("pr-comment") || "never"),
    token: get("github-token"),
    annotationsMax: Math.min(annotations, ANNOTATIONS_MAX),
  };
}

function when(name: string, value: string): When {
  if (value === "always" || value === "on-failure" || value === "never") {
    return value;
  }
  throw new Error(`${name} must be always, on-failure or never, not "${value}"`);
}

/** Whether something is shown for a campaign that ended with `code`. */
export function wanted(when: When, code: number): boolean {
  return when === "always" || (when === "on-failure" && code !== 0);
}

/** Arguments of the runner. Each value is one argument joined to its flag: none can become a flag, and no shell reads them. */
export function argumentsOf(inputs: Inputs, results: string): string[] {
  const list = ["--autostart", "--color=never"];
  const add = (flag: string, value: string) => {
    if (value !== "") {
      list.push(`${flag}=${value}`);
    }
  };
  add("--scenarios", inputs.scenarios);
  add("--manifest-path", inputs.manifestPath);
  add("--executable", inputs.executable);
  add("--baseline", inputs.baseline);
  inputs.configuration.forEach((line) => add("--configuration", line));
  add("--configuration", `report.export.junit.folder=${results}`);
  return list;
}
