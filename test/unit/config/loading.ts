/** Loads configs for tests: no file, no environment but what the test gives. */
import assert from 'node:assert/strict';
import { formatProblem, type LoadedConfig, loadConfig } from '../../../src/config/load.ts';

export interface LoadingOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Path → content of the secret files there are. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A complete phase 1 config in five lines, 2 to 6 after the first; `more` follows from line 7 on. */
export function minimal(more = ''): string {
  return `obex:
  public_url: "https://tool.example"
backend:
  url: "http://localhost:9090"
resource:
  url: "https://tool.example/mcp"
${more}`;
}

/** The least idp section, lines 7 and 8 after `minimal`; `more` is indented by two spaces like its keys. */
export function minimalIdp(more = ''): string {
  return minimal(`idp:
  issuer: "https://auth.example/"
${more}`);
}

export function load(text: string, { env = {}, files = {} }: LoadingOptions = {}): ReturnType<typeof loadConfig> {
  const readFile = (path: string): string => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error(`ENOENT, open '${path}'`), { code: 'ENOENT' });
    return content;
  };
  return loadConfig({ file: 'obex.yaml', text, env, readFile });
}

/** Loads a config that must be right. */
export function accept(text: string, options: LoadingOptions = {}): LoadedConfig {
  const loaded = load(text, options);
  if ('problems' in loaded) assert.fail(loaded.problems.map(formatProblem).join('\n'));
  return loaded;
}

/** The problems of a config that must be wrong, as they are printed. */
export function reject(text: string, options: LoadingOptions = {}): string[] {
  const loaded = load(text, options);
  return 'problems' in loaded ? loaded.problems.map(formatProblem) : assert.fail('the config was accepted');
}
