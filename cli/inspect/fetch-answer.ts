/** A GET of what is looked into. An answer that is none, or not one of success, becomes a sentence with the address. */
export async function fetchAnswer(url: string, token: string | undefined): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, { headers: authorization(token) });
  } catch (cause) {
    throw new Error(`Nothing answers at ${url}: see that it is right, and that Weir runs there.`, {
      cause,
    });
  }
  if (answer.ok) return answer;
  throw new Error(`GET ${url} answered ${answer.status}: ${await answer.text()}`);
}

/** The headers that show a token; none without one. */
export function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/** The token of --token, or else of WEIR_TOKEN. */
export function usedToken(token: string | undefined): string | undefined {
  const variable = process.env["WEIR_TOKEN"];
  return token ?? (variable === "" ? undefined : variable);
}
