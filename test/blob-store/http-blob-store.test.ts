/** Reading over HTTP against the contract, with servers that know ranges and others that do not. */
import { describe, expect, test } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { HttpBlobStore } from "../../state-engine/blob-store/http-blob-store.ts";
import { MemoryBlobStore } from "../../state-engine/index.ts";
import { patternBytes } from "../contract/blob-cases.ts";
import { blobReadContract } from "../contract/blob-store.ts";
import { startRangeServer, type RangeConduct, type RangeServer } from "./range-server.ts";

const headers = { Authorization: "Bearer reader" };

for (const conduct of ["correct", "ignores ranges"] as const) {
  blobReadContract(`HttpBlobStore on a server (${conduct})`, async () => {
    const { writer, reader } = await startStores(conduct);
    return { writer, reader };
  });
}

describe("HttpBlobStore", () => {
  test("asks for the bytes it needs and no more", async () => {
    const { writer, reader, server } = await startStores("correct");
    await writer.put("job/table", patternBytes(1_000));
    await reader.getRange("job/table", 100, 50);
    await reader.getRange("job/table", 990, 50);
    await reader.getRange("job/table", 5, 0);
    await reader.get("job/table");
    expect(server.requests).toEqual([
      "GET job/table bytes=100-149",
      "GET job/table bytes=990-1039",
      "HEAD job/table",
      "GET job/table",
    ]);
  });

  test.for(["answers another range", "cuts bodies"] as const)(
    "rejects when the server %s, rather than answer wrong bytes",
    async (conduct) => {
      const { writer, reader } = await startStores(conduct);
      await writer.put("blob", patternBytes(100));
      await expect(reader.getRange("blob", 10, 20)).rejects.toMatchObject({ kind: "unavailable" });
      await expect(reader.getRange("blob", 90, 20)).rejects.toMatchObject({ kind: "unavailable" });
    },
  );

  test("says that the token is missing, and where", async () => {
    const { server } = await startStores("correct");
    const reader = new HttpBlobStore({ baseUrl: server.baseUrl, fetch });
    await expect(reader.get("blob")).rejects.toMatchObject({
      kind: "unavailable",
      message: `GET ${server.baseUrl}blob failed.`,
      cause: expect.objectContaining({ message: expect.stringContaining("Send a token") }),
    });
  });

  test("rejects when nobody answers, and does not call that an absent blob", async () => {
    const reader = new HttpBlobStore({
      baseUrl: "http://weir.invalid/",
      fetch: () => Promise.reject(new TypeError("The connection was refused.")),
    });
    await expect(reader.get("blob")).rejects.toMatchObject({ kind: "unavailable" });
    await expect(reader.getRange("blob", 0, 1)).rejects.toMatchObject({ kind: "unavailable" });
    await expect(reader.getRange("blob", 0, 0)).rejects.toMatchObject({ kind: "unavailable" });
  });

  test("is read-only, and never leaves its base URL", async () => {
    const { reader, server } = await startStores("correct");
    const invalid = { kind: "invalid" };
    await expect(reader.put("blob", patternBytes(1))).rejects.toMatchObject(invalid);
    await expect(reader.list("")).rejects.toMatchObject(invalid);
    await expect(reader.delete(["blob"])).rejects.toMatchObject(invalid);
    await expect(reader.get("../secret")).rejects.toMatchObject(invalid);
    await expect(reader.getRange("blob?token=", 0, 1)).rejects.toMatchObject(invalid);
    expect(server.requests).toEqual([]);
  });
});

async function startStores(
  conduct: RangeConduct,
): Promise<{ writer: BlobStore; reader: BlobStore; server: RangeServer }> {
  const writer = new MemoryBlobStore({ now: () => 1_700_000_000_000 });
  const server = await startRangeServer(writer, conduct);
  const reader = new HttpBlobStore({ baseUrl: server.baseUrl, fetch, headers });
  return { writer, reader, server };
}
