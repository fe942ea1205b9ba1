import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { ManagedEnvironment } from "./environment";
import { PROBE, read } from "./interpreter";
import { run } from "./processes";

const PYTHON = process.env["AUTOSOTA_TEST_PYTHON"] ?? "python3";

let storage = "";
let said: string[] = [];
let stop = new AbortController();

function setUp(requirement: string, bases = [PYTHON]) {
  return { bases, requirement, signal: stop.signal, say: (line: string) => said.push(line) };
}

/** A package that is called like ours, so that pip has nothing to fetch. */
function standIn(): string {
  const folder = join(storage, "stand-in");
  mkdirSync(join(folder, "autosota", "lsp"), { recursive: true });
  writeFileSync(join(folder, "autosota", "lsp", "__init__.py"), "");
  // a build backend of its own: nothing but Python is needed
  writeFileSync(
    join(folder, "pyproject.toml"),
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
  );
  writeFileSync(
    join(folder, "backend.py"),
    `import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, info = "autosota-9.8.7-py3-none-any.whl", "autosota-9.8.7.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("autosota/lsp/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: autosota\\nVersion: 9.8.7\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
`,
  );
  return folder;
}

beforeEach(() => {
  storage = mkdtempSync(join(tmpdir(), "autosota-"));
  said = [];
  stop = new AbortController();
});
afterEach(() => rmSync(storage, { recursive: true, force: true }));

test("it is made, has the server, and is found again", async () => {
  const environment = new ManagedEnvironment(storage);
  assert.equal(await environment.interpreter(), undefined);
  const package_ = standIn();
  const python = await environment.make(setUp(package_));
  const ended = await run(python, ["-c", PROBE], { cwd: storage, milliseconds: 20_000 });
  const answer = read(ended);
  assert.ok("version" in answer, JSON.stringify(ended));
  assert.equal(answer.version, "9.8.7");
  assert.equal(await new ManagedEnvironment(storage).interpreter(), python);
  assert.equal(await environment.requirement(), package_);
  assert.ok(said.some((line) => line.includes("Successfully installed autosota")));
});

test("what pip cannot install leaves no environment, and pip's own words", async () => {
  const environment = new ManagedEnvironment(storage);
  // an option in place of a requirement is taken for a requirement, and is none
  await assert.rejects(environment.make(setUp("--version")), (error: Error) => {
    assert.equal(error.name, "SetUpError");
    assert.match(error.message, /^--version: ERROR: Invalid requirement/);
    return true;
  });
  assert.equal(await environment.interpreter(), undefined);
  assert.equal(existsSync(join(storage, "environment")), false);
});

test("cancelled on its way: nothing is left", async () => {
  const environment = new ManagedEnvironment(storage);
  const how = setUp(standIn());
  const say = (line: string): void => {
    if (line.includes("-m venv")) setTimeout(() => stop.abort(), 100);
  };
  await assert.rejects(environment.make({ ...how, say }), /it was cancelled/);
  assert.equal(existsSync(join(storage, "environment")), false);
});

test("a Python that is too old or missing is named", async () => {
  const old = join(storage, "old-python");
  writeFileSync(old, "#!/bin/sh\necho 3.9\n", { mode: 0o755 });
  const bases = [join(storage, "none"), old];
  await assert.rejects(new ManagedEnvironment(storage).make(setUp("autosota", bases)), (e: Error) => {
    assert.match(e.message, /^Python 3\.11 or newer is needed/);
    assert.match(e.message, /none: there is no such program; .*old-python is Python 3\.9/);
    return true;
  });
});
