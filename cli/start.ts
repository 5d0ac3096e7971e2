/** `npm start`. */
import { startCommand } from "./start-command.ts";

await startCommand("npm start --").parseAsync();
