import { afterEach, expect, test } from "vitest";
import { abandonedCarts, CART_PATIENCE_MS } from "../../../workers/jobs/abandoned-carts.ts";
import { pageViews, type PageView } from "../../../workers/jobs/page-views.ts";
import { sessions, type Action } from "../../../workers/jobs/sessions.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { JobWorld, ORDINARY_FAULTS, type JobWorldOptions } from "./job-world.ts";

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function open(
  stream: ConstructorParameters<typeof JobWorld>[0],
  options?: JobWorldOptions,
): JobWorld {
  const world = new JobWorld(stream, options);
  worlds.push(world);
  return world;
}

const inThree = { parallelism: 3, maxParallelism: 16, checkpoint: { intervalMs: 3_000 } } as const;
const insistent = { ...inThree, restart: { attempts: 1_000_000, maxBackoffMs: 2_000 } } as const;

/** Posts the lines in requests of a few, time and checkpoints passing in between. */
async function feed(world: JobWorld, lines: readonly string[], random: SeededRandom) {
  for (let from = 0; from < lines.length;) {
    const count = random.between(1, 12);
    await world.post(lines.slice(from, from + count));
    from += count;
    if (random.chance(0.3)) await world.pass(random.between(1, 6_000));
    if (random.chance(0.1)) await world.checkpoint();
  }
  world.calm();
  await world.checkpoint();
}

function byText(values: readonly unknown[]): readonly string[] {
  return values.map((value) => JSON.stringify(value)).toSorted();
}

function randomViews(random: SeededRandom): PageView[] {
  let now = 1_000_000;
  return Array.from({ length: 150 }, (_, index) => {
    now += random.between(0, 4_000);
    const at = now - (random.chance(0.1) ? random.between(0, 90_000) : random.between(0, 4_000));
    return { page: `/${random.integer(5)}`, user: `user ${index}`, at };
  });
}

/** Flink's rules over a plain array: a view is late when the watermark before it has passed its window. */
function countViews(views: readonly PageView[]) {
  const counts = new Map<string, { page: string; minute: number; views: number }>();
  const late: PageView[] = [];
  let watermark = -Infinity;
  for (const view of views) {
    const minute = Math.floor(view.at / 60_000) * 60_000;
    if (minute + 60_000 - 1 <= watermark) late.push(view);
    else {
      const name = `${view.page} ${minute}`;
      const before = counts.get(name) ?? { page: view.page, minute, views: 0 };
      counts.set(name, { ...before, views: before.views + 1 });
    }
    watermark = Math.max(watermark, view.at - 5_001);
  }
  const fired = [...counts.values()].filter(({ minute }) => minute + 60_000 - 1 <= watermark);
  return { fired, late };
}

test.each([1, 2, 3, 4, 5, 6])(
  "windows count each page's views per minute, whatever fails (seed %i)",
  async (seed) => {
    const random = new SeededRandom(seed);
    const views = randomViews(random);
    const lines = views.map((view) => JSON.stringify(view));
    const world = open(pageViews(seed === 1 ? inThree : insistent), {
      seed,
      rates: seed === 1 ? {} : ORDINARY_FAULTS,
    });
    await feed(world, lines, random);
    const expected = countViews(views);
    expect(expected.late.length).toBeGreaterThan(0);
    expect(byText(await world.values())).toEqual(byText(expected.fired));
    expect(byText(await world.values("late"))).toEqual(byText(expected.late));
  },
);

function randomActions(random: SeededRandom): Action[] {
  let now = 1_000_000;
  return Array.from({ length: 120 }, (_, index) => {
    now += random.chance(0.1) ? random.between(20_000, 50_000) : random.between(0, 3_000);
    return {
      user: `user ${random.integer(6)}`,
      action: `action ${index}`,
      at: now - random.between(0, 1_900),
    };
  });
}

/** Sorts each user's actions and cuts them where half a minute is missing. Nothing here is late. */
function cutSessions(actions: readonly Action[]) {
  const watermark = Math.max(...actions.map(({ at }) => at)) - 2_001;
  return [...Map.groupBy(actions, ({ user }) => user)].flatMap(([user, own]) => {
    const cut: { user: string; start: number; end: number; actions: number }[] = [];
    for (const { at } of own.toSorted((a, b) => a.at - b.at)) {
      const last = cut.at(-1);
      if (last !== undefined && at < last.end) {
        cut[cut.length - 1] = { ...last, end: at + 30_000, actions: last.actions + 1 };
      } else {
        cut.push({ user, start: at, end: at + 30_000, actions: 1 });
      }
    }
    return cut.filter(({ end }) => end - 1 <= watermark);
  });
}

test.each([1, 2, 3, 4, 5, 6])(
  "session windows cut each user's actions where they pause, whatever fails (seed %i)",
  async (seed) => {
    const random = new SeededRandom(seed);
    const actions = randomActions(random);
    const world = open(sessions(insistent), { seed, rates: ORDINARY_FAULTS });
    await feed(
      world,
      actions.map((action) => JSON.stringify(action)),
      random,
    );
    const expected = cutSessions(actions);
    expect(expected.length).toBeGreaterThan(6);
    expect(byText(await world.values())).toEqual(byText(expected));
  },
);

function randomCartEvents(random: SeededRandom) {
  let now = 1_000_000;
  return Array.from({ length: 120 }, (_, index) => {
    now += random.between(0, 600_000);
    const cart = `cart ${random.integer(8)}`;
    return random.chance(0.25)
      ? { cart, kind: "pay", at: now }
      : { cart, kind: "add", item: `item ${index}`, at: now };
  });
}

/** Looks back from each event at when its cart was last touched. */
function findAbandoned(events: ReturnType<typeof randomCartEvents>) {
  const abandoned: { cart: string; items: string[]; abandonedAt: number }[] = [];
  const open = new Map<string, { items: string[]; at: number }>();
  const end = events.at(-1)!.at - 1;
  const give = (cart: string, now: number): void => {
    const present = open.get(cart);
    if (present === undefined || present.at + CART_PATIENCE_MS > now) return;
    abandoned.push({ cart, items: present.items, abandonedAt: present.at + CART_PATIENCE_MS });
    open.delete(cart);
  };
  events.forEach(({ cart, kind, at, ...rest }, index) => {
    give(cart, (events[index - 1]?.at ?? -Infinity) - 1);
    if (kind === "pay") open.delete(cart);
    else {
      const items = open.get(cart)?.items ?? [];
      open.set(cart, { items: [...items, (rest as { item: string }).item], at });
    }
  });
  for (const cart of open.keys()) give(cart, end);
  return abandoned;
}

test.each([1, 2, 3, 4, 5, 6])(
  "timers find abandoned carts, whatever fails and however little memory there is (seed %i)",
  async (seed) => {
    const random = new SeededRandom(seed);
    const events = randomCartEvents(random);
    const world = open(abandonedCarts(insistent), {
      seed,
      rates: ORDINARY_FAULTS,
      memoryBytes: 32 * 1024,
    });
    await feed(
      world,
      events.map((event) => JSON.stringify(event)),
      random,
    );
    const expected = findAbandoned(events);
    expect(expected.length).toBeGreaterThan(5);
    expect(byText(await world.values())).toEqual(byText(expected));
  },
);
