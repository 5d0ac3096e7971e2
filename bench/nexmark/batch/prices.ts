/**
 * Arithmetic on prices without rounding errors, so that results compare as text.
 */

/**
 * 0.908 times a price: SQL's DECIMAL with three places. Computed as an exact integer divided once, hence the
 * double nearest to the decimal, which JSON writes with at most three places. (0.908 * price would not do.)
 */
export function dollarsToEuros(price: number): number {
  return (price * 908) / 1000;
}

/** The average of integers with the fraction cut off, as SQL's AVG over BIGINT gives it. */
export function integerAverage(values: readonly number[]): number {
  const total = sumOf(values);
  return (total - (total % values.length)) / values.length;
}

export function sumOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function largestOf(values: readonly number[]): number {
  return values.reduce((largest, value) => Math.max(largest, value), Number.NEGATIVE_INFINITY);
}

export function smallestOf(values: readonly number[]): number {
  return values.reduce((smallest, value) => Math.min(smallest, value), Number.POSITIVE_INFINITY);
}
