/** Deletes everything a test before left in the bucket, without the code under test. */
export interface EmptiableBucket {
  list(): Promise<{ readonly objects: readonly { readonly key: string }[] }>;
  delete(keys: string[]): Promise<void>;
}

export async function emptyBucket(bucket: EmptiableBucket): Promise<void> {
  for (;;) {
    const { objects } = await bucket.list();
    if (objects.length === 0) return;
    await bucket.delete(objects.map(({ key }) => key));
  }
}
