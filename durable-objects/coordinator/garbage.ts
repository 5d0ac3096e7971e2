/**
 * Deletes what is marked dead, then forgets it [10]. The marking was durable before, so a coordinator
 * that crashes half way, or a zombie of one, deletes nothing that anybody may still use.
 */
import { letGo } from "./changes.ts";
import type { Coordination } from "./coordination.ts";

/** Paths deleted in one call: the platform's limit for one request. */
const deletedAtOnce = 1_000;

export async function sweep(house: Coordination): Promise<void> {
  const { context, registry, store } = house;
  const objects = registry.deadObjects().slice(0, deletedAtOnce);
  if (objects.length > 0) {
    context.crashPoint("coordinator: before delete objects");
    await context.blobStore.delete(objects);
    store.step("forget objects", () => registry.forget(objects, []));
  }
  // Manifests go last, oldest first, and only when no object is left to go before them.
  const manifests = objects.length > 0 ? [] : registry.deadManifests().slice(0, deletedAtOnce);
  for (const path of manifests) {
    context.crashPoint("coordinator: before delete manifest");
    await context.blobStore.delete([path]);
    store.step("forget manifest", () => registry.forget([], [path]));
  }
  const left = store.step("sweep", (record) => {
    const more = registry.deadObjects().length + registry.deadManifests().length > 0;
    letGo(house, record);
    if (!more) delete record.due.sweep;
    return more;
  });
  if (left) await sweep(house);
}

/** Deletes manifests of checkpoints given up while they were published: at once, and again when a late PUT has landed [33]. */
export async function deleteStrays(house: Coordination): Promise<void> {
  const { context, registry, store } = house;
  const strays = registry.strays();
  if (strays.length > 0) await context.blobStore.delete(strays.map(({ path }) => path));
  store.step("strays", (record) => {
    const now = context.environment.now();
    const over = strays.filter(({ again }) => again <= now).map(({ path }) => path);
    registry.forget([], over);
    const waiting = registry.strays().map(({ again }) => again);
    if (waiting.length === 0) delete record.due.stray;
    else record.due.stray = Math.min(...waiting);
  });
}
