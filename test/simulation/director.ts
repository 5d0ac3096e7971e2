/**
 * Where a script takes the place of dice: every call, answer and storage operation of a simulated world
 * can be shown to a director before it happens, who may keep it for later, make it fail, or let it go.
 *
 * What a director keeps waits in no queue of the world: time passes it by.
 */
export interface DirectedStep {
  /** A call before it arrives, its answer before that arrives; the same for the bucket's operations. */
  readonly kind: "call" | "answer";
  /** Names as world.ts gives them; a caller's with its lifetime, like "partition/counts/1#3". */
  readonly from: string;
  readonly to: string;
  /** A method, or PUT, GET, LIST or DELETE. */
  readonly operation: string;
  /** Argument or answer; for an operation of the bucket its paths, or what it answers. */
  readonly message: unknown;
  /** Steps over one connection keep their order; undefined where there is no order. */
  readonly connection?: object;
  /** Lets it happen now. */
  proceed(): void;
  /** Tells the caller that it failed. What has not happened yet may still be let happen afterwards. */
  fail(): void;
}

export interface Director {
  /** Answers whether the step is the director's from now on. */
  takes(step: DirectedStep): boolean;
  /** Whether this lifetime loses its memory at the named crash point. */
  crashesAt(lifetime: string, point: string): boolean;
}
