// One comment on the pull request, which later runs replace.

import { createHash } from "node:crypto";

const LIMIT = 60_000;

export interface Place {
  api: string;
  repository: string;
  token: string;
  number: number;
  marker: string;
}

/** What is written: one comment for each of these, whose marker no other one has. */
export interface Leg {
  workflow: string;
  job: string;
  /** Which of several campaigns of the job: the values of its matrix in JSON, or what the user calls it. */
  key: string;
}

/** The first line of the comment, by which a later run finds it. */
export function markerOf(leg: Leg): string {
  const name = nameOf(leg);
  // A value of the matrix could end an HTML comment.
  const own = name === "" ? "" : ` ${createHash("sha256").update(leg.key).digest("hex").slice(0, 16)}`;
  return `<!-- qalipsis ${leg.workflow} ${leg.job}${own} -->`;
}

/** The title by which several comments on one pull request differ; empty where there is one only. */
export function titleOf(leg: Leg): string {
  const name = nameOf(leg);
  return name === "" ? "" : `\`${leg.job} (${name})\`\n\n`;
}

/** `eu, 1.2`: the values of the matrix. */
function nameOf(leg: Leg): string {
  let value: unknown = leg.key;
  try {
    value = JSON.parse(leg.key);
  } catch {
    // The user's own words.
  }
  const flat = (part: unknown): string[] =>
    typeof part === "object" && part !== null ? Object.values(part).flatMap(flat) : part === null ? [] : [String(part)];
  return flat(value).join(", ").replace(/[\s`]+/g, " ").trim();
}

/** Writes the comment, over an earlier one of the same marker. */
export async function write(place: Place, markdown: string): Promise<void> {
  const body = `${place.marker}\n${markdown.slice(0, LIMIT)}`;
  const base = `${place.api}/repos/${place.repository}/issues`;
  const earlier = await find(place, `${base}/${place.number}/comments`);
  if (earlier === undefined) {
    await call(place, "POST", `${base}/${place.number}/comments`, { body });
  } else {
    await call(place, "PATCH", `${base}/comments/${earlier}`, { body });
  }
}

async function find(place: Place, url: string): Promise<number | undefined> {
  for (let page = 1; page <= 10; page++) {
    const comments = (await call(place, "GET", `${url}?per_page=100&page=${page}`)) as { id: number; body?: string }[];
    const found = comments.find((comment) => comment.body?.startsWith(place.marker));
    if (found !== undefined || comments.length < 100) {
      return found?.id;
    }
  }
  return undefined;
}

async function call(place: Place, method: string, url: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${place.token}`,
      "content-type": "application/json",
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  if (!answer.ok) {
    throw new Error(refusal(method, answer.status, await answer.text()));
  }
  return answer.json();
}

/** GitHub's reason, and what to do about it. */
function refusal(method: string, status: number, text: string): string {
  let reason = text.trim();
  try {
    reason = (JSON.parse(text) as { message?: string }).message ?? reason;
  } catch {
    // A proxy answered.
  }
  reason = reason.replace(/\s+/g, " ").slice(0, 300);
  const said = `GitHub answered ${status} to ${method}${reason === "" ? "" : `: ${reason}`}`;
  if (status === 401) {
    return `${said}; check the input github-token`;
  }
  // A token without rights is answered with 404 in a private repository.
  if ((status === 403 || status === 404) && !/rate limit/i.test(reason)) {
    return `${said}; the job needs "permissions: pull-requests: write", which the token of a pull request from a fork never has`;
  }
  return said;
}
