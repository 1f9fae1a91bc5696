/** wrk: as many requests as 64 connections carry, over HTTP/1.1. */
import { join } from 'node:path';
import { z } from 'zod';
import { type Bench, firstToken } from '../bench.ts';
import { PATH, REQUEST_BODY, REQUEST_FIELDS } from '../exchange.ts';
import { run } from '../processes.ts';
import type { LoadOptions, LoadReport } from './load.ts';

const SCRIPT = join(import.meta.dirname, 'wrk.lua');
const CONNECTIONS = 64;

const Report = z.object({ requests: z.number(), micros: z.number(), refused: z.number(), broken: z.number() });

export async function runWrk(bench: Bench, { contender, seconds, credential }: LoadOptions): Promise<LoadReport> {
  const authorization = credential === 'first' ? { Authorization: `Bearer ${firstToken(bench)}` } : {};
  const fields = Object.entries({ ...REQUEST_FIELDS, ...authorization }).map(([name, value]) => `${name}: ${value}\n`);
  const files = [bench.write('wrk-body', REQUEST_BODY), bench.write('wrk-fields', fields.join(''))];
  if (credential === 'distinct') files.push(bench.tokensFile);
  const output = await run({
    cpus: bench.cpus.load,
    command: 'wrk',
    args: ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', SCRIPT, `${contender.origin}${PATH}`, '--', ...files],
    errorsTo: bench.errorsTo,
  });
  const { micros, ...report } = Report.parse(JSON.parse(output.trimEnd().split('\n').at(-1) ?? ''));
  return { ...report, seconds: micros / 1e6 };
}
