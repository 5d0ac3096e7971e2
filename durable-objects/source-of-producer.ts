/** Which source takes the lines of a producer: the same one always, whoever asks [12]. */
import { hash32 } from "../state-engine/index.ts";

export function sourceOfProducer(id: string, sources: number): number {
  const bytes = new TextEncoder().encode(id);
  return hash32(bytes, 0, bytes.length) % sources;
}
