/** The waiting half of workerd-guard.ts. Reads "started PID" and "ended PID"; at the end of input kills those left. */
import { createInterface } from "node:readline";

const running = new Set<number>();

for await (const line of createInterface({ input: process.stdin })) {
  const [event, pid] = line.split(" ");
  if (event === "started") running.add(Number(pid));
  else running.delete(Number(pid));
}

for (const pid of running) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
