/** `obex schema`: prints the JSON Schema of the config. */
import { buildJsonSchema } from '../config/json-schema.ts';

/** Prints it and returns exit code 0. */
export function runSchema(stdout: (text: string) => void): number {
  stdout(`${JSON.stringify(buildJsonSchema(), null, 2)}\n`);
  return 0;
}
