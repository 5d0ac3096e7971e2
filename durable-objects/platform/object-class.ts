/** The class of a Durable Object as a Worker exports it, without what only its own file sees. */
import type { DurableObject } from "cloudflare:workers";
import type { WeirBindings } from "./bindings.ts";

export type ObjectClass<Members = object> = new (
  state: DurableObjectState,
  bindings: WeirBindings,
) => DurableObject<WeirBindings> & Members;
