/** What test/workerd/counting-worker.ts counts. */
export interface PlatformOperations {
  readonly get: number;
  readonly head: number;
  readonly put: number;
  readonly list: number;
  readonly delete: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Rows of SQLite, alarms set and cleared included. */
  readonly rowsWritten: number;
}
