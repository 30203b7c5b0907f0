// The reports as an artefact of the workflow run.

import artifact from "@actions/artifact";
import * as core from "@actions/core";
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Uploads the files of a campaign. What cannot be uploaded is a warning: it says nothing about the system under test. */
export async function upload(key: string, folder: string): Promise<void> {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    await artifact.uploadArtifact(`qalipsis-${key}`, files, folder);
  } catch (error) {
    core.warning(`the reports could not be uploaded: ${(error as Error).message}`);
  }
}
