/** What every scenario is given: cores, options, tokens, a fixed-answer backend, a folder. */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTempFolder } from '../test/support/temp-folder.ts';
import { startBackend } from './contenders/backend.ts';
import { bundleBaseline } from './contenders/baseline.ts';
import type { Contender } from './contenders/contender.ts';
import { type Cpus, divideCpus, keepOffProxyCore } from './cpus.ts';
import type { Options } from './options.ts';
import type { TokenIssuer } from './tokens.ts';

/** As many as Obex keeps by default. */
const DISTINCT_TOKENS = 10_000;

const RELEASE = join(import.meta.dirname, '../dist');

export interface Bench {
  readonly options: Options;
  readonly cpus: Cpus;
  /** Where programs write to stderr. */
  readonly errorsTo: string;
  readonly issuer: TokenIssuer;
  /** The first is the one that scenarios with a single token use. */
  readonly tokens: readonly string[];
  readonly tokensFile: string;
  readonly backend: Contender;
  /** The release bundle, copied so that a build under way does not change what is measured. */
  readonly bundle: string;
  /** The same source on its first engine. */
  readonly baselineBundle: string;
  /** Writes a file into the bench's folder and returns its path. */
  write(name: string, content: string): string;
  /** A folder in the bench's folder. */
  folder(name: string): string;
}

export async function prepareBench(options: Options): Promise<Bench> {
  if (!existsSync(join(RELEASE, 'obex.mjs'))) throw new Error('dist/obex.mjs is missing: run "make build" first');
  const cpus = divideCpus();
  keepOffProxyCore(cpus);
  const root = createTempFolder('bench').path;
  const write = (name: string, content: string): string => {
    writeFileSync(join(root, name), content);
    return join(root, name);
  };
  const folder = (name: string): string => {
    mkdirSync(join(root, name), { recursive: true });
    return join(root, name);
  };
  cpSync(RELEASE, folder('dist'), { recursive: true });
  const base = { options, cpus, errorsTo: write('errors.log', ''), write, folder };
  const { backend, issuer } = await startBackend(base);
  const tokens = await issuer.issue(DISTINCT_TOKENS);
  const tokensFile = write('tokens.txt', `${tokens.join('\n')}\n`);
  const baselineBundle = await bundleBaseline(root);
  return { ...base, issuer, tokens, tokensFile, backend, bundle: join(root, 'dist/obex.mjs'), baselineBundle };
}

export type BenchBase = Pick<Bench, 'options' | 'cpus' | 'errorsTo' | 'write' | 'folder'>;

/** The token of scenarios with a single one. */
export function firstToken({ tokens }: Bench): string {
  const [token = ''] = tokens;
  return token;
}
