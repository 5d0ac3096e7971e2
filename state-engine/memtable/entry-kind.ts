/**
 * What an entry says of its key. Two bits in a memtable, three in a table (FORMAT.md); stable for ever.
 */

/** The key has no value. */
export const KIND_DELETE = 0;
/** The key has this value, whatever older entries say. */
export const KIND_PUT = 1;
/** An operand for the state's merge operator; older entries still count. */
export const KIND_MERGE = 2;

export type EntryKind = typeof KIND_DELETE | typeof KIND_PUT | typeof KIND_MERGE;
