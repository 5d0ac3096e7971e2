/**
 * Whoever runs the job: stops it, with or without draining it, or cancels it, and starts it again from the
 * latest checkpoint, an older retained one, or empty state [18, 38]. In the end the job runs.
 */
import type { StartRequest } from "../../durable-objects/coordinator-queries.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import type { Scenario } from "./scenario.ts";
import { isFaultOfTheWorld, type World } from "./world.ts";

const LONGEST_PAUSE_MS = 30_000;
const ATTEMPTS_TO_STOP = 5;
/** Between two looks at whether a late stop has stopped the job. */
const FIRST_LOOK_MS = 20_000;
const LONGEST_LOOK_MS = 3_600_000;

export class OperatorClient {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  /** True once live values may fall: something was given up, or the job was set back. */
  hasGoneBack = false;

  constructor(world: World, scenario: Scenario, random: SeededRandom) {
    this.#world = world;
    this.#scenario = scenario;
    this.#random = random;
  }

  /** Ends when `isNeeded` says that nobody needs the job any more. */
  async run(isNeeded: () => boolean): Promise<void> {
    for (let left = this.#scenario.restarts; left > 0; left--) {
      await this.#world.sleep(this.#random.between(0, LONGEST_PAUSE_MS));
      if (!(await this.#stop())) continue;
      await this.#world.sleep(this.#random.between(0, LONGEST_PAUSE_MS));
      await this.#start();
    }
    // A stop whose answer was lost, or one delivered twice, may take effect at any later time.
    let pauseMs = FIRST_LOOK_MS;
    while (this.#scenario.restarts > 0 && isNeeded()) {
      await this.#world.sleep(pauseMs);
      pauseMs = Math.min(LONGEST_LOOK_MS, pauseMs * 1.5);
      if ((await this.#status()) === "STOPPED") await this.#start();
    }
  }

  /** Starts the job if a late stop has stopped it, and sees to it that none is left to come. */
  async ensureRunning(): Promise<void> {
    const { storage } = this.#world.object({ kind: "coordinator" });
    for (;;) {
      const status = await this.#status();
      const requests = storage.exec<{ data: string }>("SELECT data FROM request");
      const isStopping = requests.some(({ data }) => data.includes('"isFinal":true'));
      if (status === "RUNNING" && !isStopping) return;
      if (status === "STOPPED") await this.#ask(() => this.#coordinator.start({ from: "latest" }));
      await this.#world.sleep(1_000);
    }
  }

  /** Asks again and again until the job has processed all its input; asking is also what begins it. Somebody else starts a job that was stopped, or this does. */
  async awaitEnd({ starts }: { readonly starts: boolean }): Promise<void> {
    for (;;) {
      const status = await this.#status();
      if (status === "FINISHED") return;
      if (status === "STOPPED" && starts) {
        await this.#ask(() => this.#coordinator.start({ from: "latest" }));
      }
      await this.#world.sleep(2_000);
    }
  }

  async #stop(): Promise<boolean> {
    const cancel = this.#random.chance(0.3);
    const drain = this.#scenario.drains && this.#random.chance(0.7);
    if (cancel) this.hasGoneBack = true;
    for (let attempt = 0; attempt < ATTEMPTS_TO_STOP; attempt++) {
      const answer = await this.#ask(() =>
        this.#coordinator.stop({ drain, savepoint: false, ...(cancel && { cancel }) }),
      );
      if (answer?.kind === "stopped") return true;
      await this.#world.sleep(1_000);
    }
    // An answer may have been lost, and the job stopped all the same.
    return (await this.#status()) === "STOPPED";
  }

  async #start(): Promise<void> {
    let from = this.#beginning();
    for (;;) {
      const answer = await this.#ask(() => this.#coordinator.start({ from }));
      if (answer?.kind === "started") return;
      const status = await this.#status();
      if (status !== "STOPPED") return;
      // Not retained any more, or something did not answer.
      if (answer !== undefined && this.#random.chance(0.5)) from = "latest";
      await this.#world.sleep(1_000);
    }
  }

  #beginning(): StartRequest["from"] {
    if (!this.#scenario.startsElsewhere || this.#random.chance(0.4)) return "latest";
    this.hasGoneBack = true;
    if (this.#random.chance(0.3)) return "empty";
    const { storage } = this.#world.object({ kind: "coordinator" });
    const retained = storage.exec<{ id: number }>("SELECT id FROM retained ORDER BY id");
    return retained.length === 0
      ? "latest"
      : { checkpoint: this.#random.pick(retained.map(({ id }) => id)) };
  }

  get #coordinator() {
    return this.#world.outside("operator").coordinator();
  }

  /** Asks until there is an answer. */
  async #status(): Promise<string> {
    for (;;) {
      const answer = await this.#ask(() => this.#coordinator.status());
      if (answer !== undefined) return answer.status;
      await this.#world.sleep(500);
    }
  }

  async #ask<Answer>(question: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await question();
    } catch (error) {
      if (isFaultOfTheWorld(error)) return undefined;
      throw error;
    }
  }
}
