/** h2load: as many requests as 16 connections with 8 streams each carry, over HTTP/2. */
import { type Bench, firstToken } from '../bench.ts';
import { PATH, REQUEST_BODY, REQUEST_FIELDS } from '../exchange.ts';
import { run } from '../processes.ts';
import type { LoadOptions, LoadReport } from './load.ts';

const CONNECTIONS = 16;
const STREAMS = 8;

/** Knows no credentials but the first token. */
export async function runH2load(bench: Bench, { contender, seconds }: LoadOptions): Promise<LoadReport> {
  const fields = { ...REQUEST_FIELDS, Authorization: `Bearer ${firstToken(bench)}` };
  const output = await run({
    cpus: bench.cpus.load,
    command: 'h2load',
    args: [
      `-c${CONNECTIONS}`,
      `-m${STREAMS}`,
      `-D${seconds}s`,
      '-d',
      bench.write('h2load-body', REQUEST_BODY),
      ...Object.entries(fields).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
      `${contender.origin}${PATH}`,
    ],
    errorsTo: bench.errorsTo,
  });
  return parseH2load(output, seconds);
}

/** Reads the summary that h2load prints. Throws when it is not there. */
export function parseH2load(output: string, seconds: number): LoadReport {
  const codes = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(output)?.slice(1).map(Number);
  const broken = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(output)?.slice(1).map(Number);
  if (codes === undefined || broken === undefined) throw new Error(`cannot read what h2load printed:\n${output}`);
  const [fine = 0, redirected = 0, clientErrors = 0, serverErrors = 0] = codes;
  const [, errored = 0, timedOut = 0] = broken;
  const refused = clientErrors + serverErrors;
  return { requests: fine + redirected + refused, seconds, refused, broken: errored + timedOut };
}
