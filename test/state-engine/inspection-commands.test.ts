/** `npx weir sst dump` and `npx weir manifest show|verify|diff` as commands, on the folders of golden files. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { temporaryDirectory } from "../support/runtime.ts";
import { runWeir } from "../support/weir-command.ts";
import { FIXTURES, NARROWED_FIXTURES } from "./golden/golden-files.ts";

const JOB_FOLDER = "golden/0123456789abcdef";

describe.concurrent("npx weir sst dump", () => {
  test("prints every table of a file, and so many entries as --entries says", async ({
    expect,
  }) => {
    const packed = join(FIXTURES, JOB_FOLDER, "p1-2.sst");
    const few = await runWeir(["sst", "dump", packed, "--entries", "2"]);
    expect(few).toMatchObject({ code: 0, stderr: "" });
    expect(few.stdout).toContain("Table at offset 210, ");
    expect(few.stdout).toContain("104 more entries (--entries 106)");
    const narrowed = join(NARROWED_FIXTURES, JOB_FOLDER, "p0-0.sst");
    const twenty = await runWeir(["sst", "dump", narrowed]);
    expect(twenty).toMatchObject({ code: 0, stderr: "" });
    expect(twenty.stdout).toContain('"first value of 0"');
    expect(twenty.stdout).toContain("deflate-raw");
  });

  test("ends with code 1 and a sentence on standard error for a damaged file", async ({
    expect,
    onTestFinished,
  }) => {
    const path = join(temporaryDirectory(onTestFinished), "damaged.sst");
    const bytes = readFileSync(join(FIXTURES, JOB_FOLDER, "p0-0.sst"));
    bytes[600]! ^= 1;
    writeFileSync(path, bytes);
    const { code, stdout, stderr } = await runWeir(["sst", "dump", path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /^weir: Block 1 at offset \d+ of the table at offset 0 of .*damaged\.sst is damaged/,
    );
  });
});

describe.concurrent("npx weir manifest on a folder", () => {
  test("lists its checkpoints and shows one of them, with --job before or behind", async ({
    expect,
  }) => {
    const listed = await runWeir(["manifest", "show", FIXTURES, "--job", "golden"]);
    expect(listed).toMatchObject({ code: 0, stderr: "" });
    expect(listed.stdout.match(/chk-\d/g)).toEqual(["chk-1", "chk-2", "chk-3", "chk-4", "chk-5"]);
    const shown = await runWeir(["--job", "golden", "manifest", "show", NARROWED_FIXTURES, "3"]);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/0–3 from [0-9a-f]{8}/);
    const other = await runWeir(["--job", "other", "manifest", "show", FIXTURES, "4"]);
    expect(other).toMatchObject({ code: 1, stdout: "" });
    expect(other.stderr).toContain("There is no checkpoint 4: name one of none.");
  });

  test("verifies and compares checkpoints in the middle of a compaction", async ({ expect }) => {
    const verified = await runWeir(["manifest", "verify", NARROWED_FIXTURES, "3"]);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toMatch(/Checkpoint 3 .* is sound: \d+ tables/);
    const changed = await runWeir(["manifest", "diff", NARROWED_FIXTURES, "2", "3"]);
    expect(changed).toMatchObject({ code: 0, stderr: "" });
    for (const change of ["added", "removed"]) expect(changed.stdout).toContain(change);
    expect(changed.stdout).toMatch(/moved .* from [0-9a-f]+ → \d\/\d from [0-9a-f]+/);
  });

  test("ends with code 1 and prints a finding a line when something is wrong", async ({
    expect,
    onTestFinished,
  }) => {
    const folder = temporaryDirectory(onTestFinished);
    cpSync(NARROWED_FIXTURES, folder, { recursive: true });
    rmSync(join(folder, JOB_FOLDER, "p0-1.sst"));
    const { code, stdout } = await runWeir(["manifest", "verify", folder, "2"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/findings\.\n✗ M2 Object .*p0-1\.sst is gone: offset=/);
  });

  test("ends with code 1 and names the server that does not answer", async ({ expect }) => {
    const nobody = "http://127.0.0.1:1";
    const { code, stdout, stderr } = await runWeir(["manifest", "show", nobody, "--job", "golden"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`Nothing answers at ${nobody}/jobs/golden/checkpoints`);
  });
});
