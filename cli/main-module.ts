/** The Worker that `wrangler deploy` deploys; not there where Weir is installed as a package. */
export const mainModule = new URL("../workers/main.ts", import.meta.url);
