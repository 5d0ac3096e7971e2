/**
 * The words of an entry's record in a memtable: what a point read looks at and no more, 16 bytes, which
 * stand in one line of the processor's caches. The value is (offset, length) in the arena or, with
 * INLINE_INT64 set in the kind, the low and high half of the integer itself. The kind and its flags are the
 * low bits of a word; the length of the key is the bits above them.
 */
export const WORDS = 4;
export const KEY_OFFSET = 0;
export const KIND = 1;
export const VALUE = 2;
export const VALUE_LENGTH = 3;

export const KIND_MASK = 0x3;
export const INLINE_INT64 = 0x4;
/** Behind the value there is room up to roomFor(its length). */
export const HAS_ROOM = 0x8;
export const KEY_LENGTH_SHIFT = 4;
/** Keys are shorter than this. */
export const KEY_LENGTH_LIMIT = 2 ** (32 - KEY_LENGTH_SHIFT);

/** What an entry takes besides its key and value: its record, hash and sequence and at least its slots. */
export const RECORD_BYTES = WORDS * 4 + 8 + 16;
