/** Text that no codec makes smaller by much, from seeded dice. */
import type { SeededRandom } from "../../support/seeded-random.ts";

export function padding(random: SeededRandom, bytes: number): string {
  let text = "";
  while (text.length < bytes) text += random.next().toString(36).slice(2);
  return text.slice(0, bytes);
}
