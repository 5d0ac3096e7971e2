/** What the page's tests and weir-server.ts both know of that server. */
export const WEIR_SERVER_PATH = "/weir-server";
export const WEIR_SERVER_TOKEN = "for-the-page-alone";
/** word0, word1 and so on, once each. */
export const WEIR_SERVER_WORDS = 40_000;
