/** Base64 as signatures and their secrets use it. */

/** Throws for a value that is no base64 where "whsec_" promises some. */
export function signingKeys(secret: string): readonly Uint8Array[] {
  const keys = secret
    .trim()
    .split(/\s+/)
    .map((one) => (one.startsWith(prefix) ? decodeBase64(one) : new TextEncoder().encode(one)));
  if (keys.every((key) => key.length > 0)) return keys;
  throw new Error(`A signing secret is empty: after "${prefix}" comes base64.`);
}

export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

const prefix = "whsec_";

function decodeBase64(secret: string): Uint8Array {
  try {
    return Uint8Array.from(atob(secret.slice(prefix.length)), (one) => one.charCodeAt(0));
  } catch (cause) {
    throw new Error(`A signing secret has something else than base64 after "${prefix}".`, {
      cause,
    });
  }
}
