/**
 * Ties workerd's life to this process. Miniflare ends workerd when it is disposed, but a process that
 * is killed cannot dispose of anything, and workerd would go on holding the port and the storage.
 *
 * A small process of its own waits for the end of a pipe that only this process holds, and then kills
 * what it was told of.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/** Call before the first workerd is started. */
export function guardWorkerd(): void {
  const script = fileURLToPath(new URL("./workerd-guard-process.ts", import.meta.url));
  const guard = spawn(process.execPath, [script], {
    stdio: ["pipe", "ignore", "ignore"],
    // Ctrl-C goes to the whole process group; the guard must still be there afterwards.
    detached: true,
  });
  guard.unref();
  subscribe("child_process", (message) => {
    const { process: child } = message as { process: ChildProcess };
    child.once("spawn", () => {
      if (!basename(child.spawnfile).startsWith("workerd")) return;
      guard.stdin.write(`started ${child.pid}\n`);
      child.once("exit", () => guard.stdin.write(`ended ${child.pid}\n`));
    });
  });
}
