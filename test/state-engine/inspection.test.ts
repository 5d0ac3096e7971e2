/**
 * `weir sst` and `weir manifest` on the golden files, sound and damaged.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { diff, show, showAll, verify } from "../../cli/inspect/manifest-command.ts";
import { openPlace } from "../../cli/inspect/place.ts";
import { dumpObject } from "../../cli/inspect/sst-command.ts";
import { FIXTURES, NARROWED_FIXTURES } from "./golden/golden-files.ts";

const JOB = "golden/0123456789abcdef";
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function copyOfFixtures(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "weir-inspect-"));
  folders.push(folder);
  await cp(FIXTURES, folder, { recursive: true });
  return folder;
}

describe("weir sst dump", () => {
  test("shows every table of an object, its blocks and its entries", async () => {
    const path = join(FIXTURES, JOB, "p1-2.sst");
    const text = dumpObject(new Uint8Array(await readFile(path)), path, 3);
    expect(text).toContain("Table at offset 0, 210 bytes");
    expect(text).toContain("Table at offset 210, ");
    expect(text).toContain("deflate-raw");
    expect(text).toContain('"customer/profile/000000"');
    expect(text).toContain('"value of round 0"');
    expect(text).toContain("103 more entries (--entries 106)");
  });

  test("says where an object is damaged, what was expected and what was found", async () => {
    const path = join(FIXTURES, JOB, "p0-0.sst");
    const bytes = new Uint8Array(await readFile(path));
    bytes[600]! ^= 1;
    const dump = (): string => dumpObject(bytes, path, 3);
    expect(dump).toThrow(
      /^Block 1 at offset \d+ of the table at offset 0 of .*p0-0\.sst is damaged/,
    );
    expect(dump).toThrow(/its checksum is \d+, expected \d+/);
    expect(() => dumpObject(bytes.subarray(0, 100), path, 3)).toThrow(
      `the table that ends at offset 100 of ${path} is damaged`,
    );
  });
});

describe("weir manifest", () => {
  test("shows a manifest newer than any that another builds on as unconfirmed", async () => {
    const text = await showAll(await openPlace(FIXTURES, {}));
    const lines = text.split("\n").filter((line) => line.includes("chk-"));
    const statuses = lines.map((line) =>
      line.includes("unconfirmed") ? "unconfirmed" : "confirmed",
    );
    expect(statuses).toEqual(["confirmed", "confirmed", "confirmed", "unconfirmed", "unconfirmed"]);
  });

  test("shows what a checkpoint lists, by number and by path", async () => {
    const place = await openPlace(FIXTURES, {});
    const text = await show(place, "4");
    expect(text).toContain("4 (checkpoint, ");
    expect(text).toContain("lines before 400");
    expect(text).toContain("counts/2");
    expect(text).toContain(`${JOB}/p2-2.sst`);
    expect(await show(place, `${JOB}/chk-4/manifest.json`)).toBe(text);
    await expect(show(place, "7")).rejects.toThrow("There is no checkpoint 7: name one of ");
  });

  test("lists what came, went and moved between two checkpoints", async () => {
    const place = await openPlace(FIXTURES, {});
    expect(await diff(place, "2", "3")).toContain("0/2 → 1/2");
    const changed = await diff(place, "3", "4");
    expect(changed.match(/added/g)).toHaveLength(6);
    expect(changed.match(/removed/g)).toHaveLength(6);
    expect(await diff(place, "4", "5")).toBe("They list the same tables.");
  });
});

describe("weir manifest verify", () => {
  test.for(["1", "2", "3", "4", "5"])("verifies checkpoint %s on its bytes", async (id) => {
    for (const folder of [FIXTURES, NARROWED_FIXTURES]) {
      const { text, isSound } = await verify(await openPlace(folder, {}), id);
      expect(text).toContain("is sound: ");
      expect(isSound).toBe(true);
    }
  });

  test("finds every damaged byte of every object", async () => {
    const folder = await copyOfFixtures();
    const place = await openPlace(folder, {});
    for (const name of ["p0-0.sst", "p1-2.sst", "p2-0.sst"]) {
      const file = join(folder, JOB, name);
      const bytes = await readFile(file);
      const id = name.includes("-2") ? "4" : "1";
      for (let at = 0; at < bytes.length; at += 37) {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= 0x10;
        await writeFile(file, damaged);
        const { text, isSound } = await verify(place, id);
        expect([name, at, isSound]).toEqual([name, at, false]);
        expect(text).toContain(`${JOB}/${name}`);
      }
      await writeFile(file, bytes);
    }
  });

  test("finds objects that are gone or cut short, and manifests that are damaged", async () => {
    const folder = await copyOfFixtures();
    const place = await openPlace(folder, {});
    const table = join(folder, JOB, "p2-0.sst");
    const bytes = await readFile(table);
    await writeFile(table, bytes.subarray(0, 1_000));
    expect((await verify(place, "1")).text).toMatch(/T2 .*its size is 1000, expected 1463/);
    await rm(table);
    expect((await verify(place, "1")).text).toMatch(/M2 Object .*p2-0\.sst is gone: offset=0/);
    const manifest = join(folder, JOB, "chk-1", "manifest.json");
    await writeFile(manifest, (await readFile(manifest, "utf8")).replace("golden", "silver"));
    expect((await verify(place, "2")).text).toMatch(
      /M1 Manifest .*chk-1.*its checksum is \d+, expected/,
    );
  });

  test("finds references that do not say what the table is, and versions against the invariants", async () => {
    const folder = await copyOfFixtures();
    const place = await openPlace(folder, {});
    const path = join(folder, JOB, "chk-1", "manifest.json");
    const text = await readFile(path, "utf8");
    const cases = [
      ['"entries":130', '"entries":131', /T6 .*entries \(reference\) is 130, expected 131/],
      [
        '"latest":6500',
        '"latest":6400',
        /T6 .*expiry \(reference\) is 12,1000,6500, expected 12,1000,6400/,
      ],
      ['"largestSequence":130', '"largestSequence":999', /V5: .*has sequence 999/],
      ['"indexOffset":2', '"indexOffset":1', /T2 .*index offset is 2\d+, expected 1\d+/],
    ] as const;
    for (const [from, to, finding] of cases) {
      expect(text).toContain(from);
      const body = `{${text.slice(text.indexOf(",") + 1).replace(from, to)}`;
      await writeFile(path, `{"crc32":${crc32(body)},${body.slice(1)}`);
      expect((await verify(place, "1")).text).toMatch(finding);
    }
  });

  test("says what to name where there is nothing to look at", async () => {
    await expect(openPlace("/absent", {})).rejects.toThrow("/absent is no folder: name a folder");
    await expect(openPlace("http://127.0.0.1:1", {})).rejects.toThrow("with --job");
  });
});
