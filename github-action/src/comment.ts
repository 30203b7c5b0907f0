// One comment on the pull request, which later runs replace.

const LIMIT = 60_000;

export interface Place {
  api: string;
  repository: string;
  token: string;
  number: number;
  marker: string;
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
    throw new Error(`GitHub answered ${answer.status} to ${method} of the comment`);
  }
  return answer.json();
}
