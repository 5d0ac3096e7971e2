/** How much memory the workerd of a runtime has, as Linux sees it. */
import { readdirSync, readFileSync } from "node:fs";

/** The resident set of the workerd that the process `parent` started. Throws when there is none. */
export function residentBytesOfWorkerd(parent: number): number {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const status = statusOf(entry);
    if (status?.["PPid"] !== String(parent) || !status["Name"]!.startsWith("workerd")) continue;
    return Number.parseInt(status["VmRSS"]!, 10) * 1024;
  }
  throw new Error(`No process of process ${parent} is called workerd: is this Linux?`);
}

/** Undefined for a process that has ended since it was listed. */
function statusOf(process: string): Record<string, string> | undefined {
  try {
    const lines = readFileSync(`/proc/${process}/status`, "utf8").split("\n");
    return Object.fromEntries(
      lines.map((line) => {
        const [name, value] = line.split(":\t");
        return [name, value?.trim() ?? ""];
      }),
    );
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
