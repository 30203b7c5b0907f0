// What the user asked for, and the command line that says so to the runner.

/** When something is shown. */
export type When = "always" | "on-failure" | "never";

/** The inputs of the action. */
export interface Inputs {
  runner: string;
  version: string;
  downloadUrl: string;
  downloadTimeout: number;
  scenarios: string;
  head: string;
  headToken: string;
  configuration: string[];
  manifestPath: string;
  executable: string;
  workingDirectory: string;
  baseline: string;
  summary: When;
  comment: When;
  commentKey: string;
  token: string;
  annotationsMax: number;
  upload: boolean;
}

const ANNOTATIONS_MAX = 10;
const DOWNLOAD_TIMEOUT_S = 60;

/** Reads the inputs; `get` is that of @actions/core. */
export function read(get: (name: string) => string): Inputs {
  const annotations = Number(get("annotations-max") || ANNOTATIONS_MAX);
  if (!Number.isInteger(annotations) || annotations < 0) {
    throw new Error(`annotations-max must be a number from 0 to 10, not "${get("annotations-max")}"`);
  }
  const version = get("version").trim().replace(/^v/, "");
  if (version !== "" && version !== "source" && !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    throw new Error(`version must be like 1.2.3, or source, not "${get("version")}"`);
  }
  if (version !== "" && get("runner") !== "") {
    throw new Error("runner and version exclude each other: one names a runner that is there, the other gets one");
  }
  const downloadTimeout = Number(get("download-timeout") || DOWNLOAD_TIMEOUT_S);
  if (!(downloadTimeout > 0)) {
    throw new Error(`download-timeout must be a number of seconds above 0, not "${get("download-timeout")}"`);
  }
  const upload = get("upload-artifacts") || "false";
  if (upload !== "true" && upload !== "false") {
    throw new Error(`upload-artifacts must be true or false, not "${upload}"`);
  }
  const head = get("head").trim();
  const local = ["executable", "manifest-path", "baseline"].find((name) => get(name) !== "");
  if (head !== "" && local !== undefined) {
    throw new Error(`head and ${local} exclude each other: the head runs its own scenarios`);
  }
  if (head === "" && get("head-token") !== "") {
    throw new Error("head must be set, since head-token is");
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
    runner: get("runner"),
    version,
    downloadUrl: get("download-url") || releases(),
    downloadTimeout,
    scenarios: get("scenarios").trim(),
    head,
    headToken: get("head-token"),
    configuration,
    manifestPath: get("manifest-path"),
    executable: get("executable"),
    workingDirectory: get("working-directory") || ".",
    baseline: get("baseline"),
    summary: when("summary", get("summary") || "always"),
    comment: when("pr-comment", get("pr-comment") || "never"),
    commentKey: get("comment-key").trim(),
    token: get("github-token"),
    annotationsMax: Math.min(annotations, ANNOTATIONS_MAX),
    upload: upload === "true",
  };
}

/** Where GitHub serves the releases of the repository of the action; of the job's own when the action lies in it. */
function releases(): string {
  const { GITHUB_SERVER_URL, GITHUB_ACTION_REPOSITORY, GITHUB_REPOSITORY } = process.env;
  return `${GITHUB_SERVER_URL || "https://github.com"}/${GITHUB_ACTION_REPOSITORY || GITHUB_REPOSITORY}/releases/download`;
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

/** Variables of the runner. A token is in no argument: others on the machine see those. */
export function environmentOf(inputs: Inputs): Record<string, string> {
  return inputs.headToken === "" ? {} : { QALIPSIS_CLIENT_TOKEN: inputs.headToken };
}

/** Arguments of the runner. Each value is one argument joined to its flag: none can become a flag, and no shell reads them. */
export function argumentsOf(inputs: Inputs, results: string): string[] {
  const list = inputs.head === "" ? ["--autostart", "--color=never"] : ["campaign", "start", "--color=never"];
  const add = (flag: string, value: string) => {
    if (value !== "") {
      list.push(`${flag}=${value}`);
    }
  };
  add("--head", inputs.head);
  add("--scenarios", inputs.scenarios);
  add("--manifest-path", inputs.manifestPath);
  add("--executable", inputs.executable);
  add("--baseline", inputs.baseline);
  inputs.configuration.forEach((line) => add("--configuration", line));
  add("--configuration", `report.export.junit.folder=${results}`);
  return list;
}
