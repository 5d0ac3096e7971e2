/** The first byte of each value in the structured form (structured-codec.ts). Never given another meaning. */
export const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  negative: 5,
  float64: 6,
  text: 7,
  bigint: 8,
  bytes: 9,
  date: 10,
  array: 11,
  object: 12,
  map: 13,
  set: 14,
} as const;
