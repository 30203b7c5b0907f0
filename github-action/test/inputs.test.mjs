import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { temporary } from "./support.mjs";

/** A module of the source, compiled as it is now. */
async function source(name) {
  const built = await build({ entryPoints: [`src/${name}.ts`], bundle: true, format: "esm", platform: "node", write: false });
  return import(`data:text/javascript;base64,${Buffer.from(built.outputFiles[0].contents).toString("base64")}`);
}

const { read, argumentsOf, environmentOf, wanted } = await source("inputs");
const inputs = (values) => read((name) => values[name] ?? "");

test("values stay one argument each, whatever is in them", () => {
  const evil = "$(touch x); `id` | rm -rf / && echo 'ü \"";
  const list = argumentsOf(inputs({ scenarios: "--help", executable: evil, configuration: `a.b=${evil}\n\n c.d=1 ` }), "/r");
  assert.deepEqual(list, [
    "--autostart",
    "--color=never",
    "--scenarios=--help",
    `--executable=${evil}`,
    `--configuration=a.b=${evil}`,
    "--configuration=c.d=1",
    "--configuration=report.export.junit.folder=/r",
  ]);
});

test("a head elsewhere gets the campaign, and its token is in no argument", () => {
  const asked = inputs({ head: " https://head:8400 ", "head-token": "s3cret", scenarios: "checkout", configuration: "a.b=1" });
  assert.deepEqual(argumentsOf(asked, "/r"), [
    "campaign",
    "start",
    "--color=never",
    "--head=https://head:8400",
    "--scenarios=checkout",
    "--configuration=a.b=1",
    "--configuration=report.export.junit.folder=/r",
  ]);
  assert.deepEqual(environmentOf(asked), { QALIPSIS_CLIENT_TOKEN: "s3cret" });
  assert.deepEqual(environmentOf(inputs({})), {});
  assert.throws(() => inputs({ head: "http://head", executable: "x" }), /^Error: head and executable exclude each other: the head runs its own scenarios$/);
  assert.throws(() => inputs({ "head-token": "s3cret" }), /^Error: head must be set, since head-token is$/);
});

test("wrong inputs are refused in one line that does not show values", () => {
  assert.throws(() => inputs({ configuration: "no pair" }), /must be KEY=VALUE/);
  assert.throws(() => inputs({ summary: "sometimes" }), /summary must be always, on-failure or never, not "sometimes"/);
  assert.throws(() => inputs({ "annotations-max": "many" }), /annotations-max must be a number/);
});

test("a comment on failure is written on failure alone", () => {
  assert.deepEqual([0, 3].map((code) => wanted("on-failure", code)), [false, true]);
  assert.deepEqual([0, 3].map((code) => wanted("always", code)), [true, true]);
  assert.deepEqual([0, 3].map((code) => wanted("never", code)), [false, false]);
});

test("what is committed in dist was built from this source", async (t) => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  const { execSync } = await import("node:child_process");
  const file = `${temporary(t)}/main.mjs`;
  execSync(scripts.build.replace("dist/main.mjs", file), { env: { ...process.env, PATH: `node_modules/.bin:${process.env.PATH}` } });
  assert.ok(readFileSync(file).equals(readFileSync("dist/main.mjs")), "run `npm run build` and commit dist/");
});
