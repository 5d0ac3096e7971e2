/** The page at "/" until there is a dashboard: where everything is. Job names need no escaping. */
export function startPage(jobs: readonly string[]): string {
  const links = (job: string) =>
    ["", "/plan", "/state", "/checkpoints", "/exceptions", "/cost"]
      .map((path) => `<li><a href="/jobs/${job}${path}">/jobs/${job}${path}</a></li>`)
      .join("");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Weir</title>
<h1>Weir</h1>
<p>A stateful stream processor. <a href="/openapi.json">openapi.json</a> says what can be called.</p>
${jobs.map((job) => `<h2>${job}</h2><ul>${links(job)}</ul>`).join("\n")}
</html>
`;
}
