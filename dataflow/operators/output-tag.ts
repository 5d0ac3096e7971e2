/** A named second output of an operator, with the type of what goes there. */
export interface OutputTag<T> {
  readonly name: string;
  /** Types only. */
  readonly type?: T;
}

/** `outputTag<Order>("late-orders")`. The name is unique within the job. */
export function outputTag<T>(name: string): OutputTag<T> {
  return { name };
}
