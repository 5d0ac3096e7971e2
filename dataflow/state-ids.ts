/**
 * The ids under which states are stored: a function of the state's name alone, so that deploys that
 * add, remove or reorder states find what is stored, and a reader of the bucket needs nothing else.
 *
 * Ids are 16 bits; two names of one vertex that fall on the same one are refused when the job is
 * built. Promise: the id of a name never changes.
 */
import { hash32 } from "../state-engine/bytes/hash.ts";
import { utf8MaxSize, writeUtf8 } from "../state-engine/bytes/utf8.ts";
import type { KeyedVertex } from "./job-graph.ts";
import type { StateDescriptor } from "./state/state-descriptor.ts";
import { FIRST_RESERVED_STATE_ID } from "./time/timer-key.ts";

/** What a count keeps, alone in its vertex. */
export const COUNT_STATE_ID = 1;
/** Ids below it are the runtime's. */
const FIRST_NAMED_STATE_ID = 16;

/** The id of each state of the vertex, by name. */
export function stateIdsOf({ operator }: KeyedVertex): ReadonlyMap<string, number> {
  if (operator.kind === "count") return new Map([[operator.state, COUNT_STATE_ID]]);
  const { definition } = operator;
  return new Map(
    definition.states.map((state) => [
      state.name,
      definition.kind === "count" ? COUNT_STATE_ID : namedStateId(storedNameOf(state)),
    ]),
  );
}

/** The name a state was first declared with: what it is stored and recorded under. */
export function storedNameOf({
  formerly,
  name,
}: Pick<StateDescriptor, "formerly" | "name">): string {
  return formerly ?? name;
}

/** Throws when two states of the job have one name, or two of a vertex one id. */
export function checkStateNames(job: string, vertices: readonly KeyedVertex[]): void {
  const owners = new Map<string, string>();
  for (const vertex of vertices) {
    const ids = new Map<number, string>();
    for (const [name, id] of stateIdsOf(vertex)) {
      const owner = owners.get(name);
      const other = ids.get(id);
      if (owner !== undefined) {
        throw new RangeError(
          `Job "${job}" has two states named "${name}", in "${owner}" and in "${vertex.uid}": ` +
            `state is asked for by name. Rename one of them.`,
        );
      }
      if (other !== undefined) {
        throw new RangeError(
          `The names "${other}" and "${name}" of two states in "${vertex.uid}" of job "${job}" fall on ` +
            `the same 16-bit id. Rename the newer one.`,
        );
      }
      owners.set(name, vertex.uid);
      ids.set(id, name);
    }
  }
}

function namedStateId(name: string): number {
  const bytes = new Uint8Array(utf8MaxSize(name));
  const hash = hash32(bytes, 0, writeUtf8(name, bytes, 0));
  return FIRST_NAMED_STATE_ID + (hash % (FIRST_RESERVED_STATE_ID - FIRST_NAMED_STATE_ID));
}
