/**
 * Parts of an instant as the published queries format them, always in UTC.
 */

/** `yyyy-MM-dd` */
export function utcDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** `HH:mm` */
export function utcMinute(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 16);
}

/** 0 to 23 */
export function utcHour(timeMs: number): number {
  return new Date(timeMs).getUTCHours();
}
