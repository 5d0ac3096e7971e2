/** What one run of one work on one side measured: by name, microseconds an operation unless the name says another unit. */
export type Figures = Readonly<Record<string, number>>;

/** A work both sides do. Runs in a process of its own: its heap is clean, and its CPU time all its own. */
export interface Work {
  weir(scale: number): Promise<Figures>;
  level(scale: number): Promise<Figures>;
}

/** Wall time and CPU time of the whole process, threads included, in milliseconds. */
export class Stopwatch {
  readonly #wall = performance.now();
  readonly #cpu = process.cpuUsage();

  get wall(): number {
    return performance.now() - this.#wall;
  }

  get cpu(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    return (user + system) / 1000;
  }

  /** Microseconds for each of so many operations. */
  per(operations: number): { readonly wall: number; readonly cpu: number } {
    return { wall: (this.wall * 1000) / operations, cpu: (this.cpu * 1000) / operations };
  }
}
