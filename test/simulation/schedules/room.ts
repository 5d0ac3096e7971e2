/** Frames that wait for their turn until a schedule says so: what a barrier may overtake. */
import { StateEngine } from "../../../state-engine/index.ts";
import { replacing } from "../mutants/breakages.ts";
import type { Breakage } from "../mutants/mutant.ts";

let room: PromiseWithResolvers<void> | undefined;

/** While there is no room, every frame waits for its turn. No breakage, a condition. */
export const WAITS_FOR_ROOM: Breakage = replacing(
  StateEngine.prototype,
  "admit",
  (original, _self, given) =>
    room === undefined ? original(...given) : room.promise.then(() => original(...given) as void),
);

export function takeRoom(): void {
  room = Promise.withResolvers<void>();
}

export function giveRoom(): void {
  room?.resolve();
  room = undefined;
}

/** One partition, whose barriers wait for nothing. */
export const AT_ONCE = { parallelism: 1, checkpoint: { unaligned: { alignmentTimeoutMs: 0 } } };
