/**
 * What word counting costs without Weir: the same text, split and counted into a Map by a plain loop in
 * the same runtime. Nothing is durable, nothing is checkpointed: this is the ceiling to compare with.
 *
 * `POST /` keeps a piece of text; `POST /count` counts every piece and answers the time it took.
 */
const pieces: string[] = [];

export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== "/count") {
      pieces.push(await request.text());
      return new Response(null, { status: 204 });
    }
    const begin = Date.now();
    const counts = new Map<string, number>();
    let words = 0;
    for (const piece of pieces) {
      for (const word of piece.toLowerCase().match(/\w+/g) ?? []) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
        words++;
      }
    }
    return Response.json({ milliseconds: Date.now() - begin, words, distinct: counts.size });
  },
};
