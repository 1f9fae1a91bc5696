/** The programs of one process, in the test's own thread: started, spoken to, listened to. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLog } from '../../../src/observe/log.ts';
import { ProgramMetrics } from '../../../src/observe/program-metrics.ts';
import type { ProgramOptions, ProgramsOptions, ProgramsPlace } from '../../../src/programs/options.ts';
import { startPrograms } from '../../../src/programs/server.ts';
import { parseObject } from '../json.ts';
import { createTempFolder } from '../temp-folder.ts';
import { until } from '../until.ts';
import { ProgramClient } from './client.ts';
import { createSocketFetch, type Fields } from './socket-fetch.ts';

export const STDIO_SERVER = join(import.meta.dirname, 'stdio-server.ts');

/** The server of `stdio-server.ts`, called `files`. */
export function programOptions(mode = '', override: Partial<ProgramOptions> = {}): ProgramOptions {
  return {
    name: 'files',
    command: [process.execPath, STDIO_SERVER, mode],
    env: {},
    passEnv: [],
    cwd: '',
    user: '',
    startTimeoutMs: 30_000,
    idleTimeoutMs: 600_000,
    maxSessions: 100,
    maxMessageBytes: 16 * 1024 * 1024,
    ...override,
  };
}

export function programsOptions(...servers: readonly ProgramOptions[]): ProgramsOptions {
  return { servers, maxBodyBytes: 4 * 1024 * 1024, drainMs: 5_000 };
}

/** `alice` at the client `cli`, with the scope `mcp:read`. */
export const ALICE: Fields = {
  'x-obex-issuer': 'https://idp.example',
  'x-obex-user': 'alice',
  'x-obex-client': 'cli',
  'x-obex-scopes': 'mcp:read',
};

export async function startTestPrograms(context: TestContext, ...servers: readonly ProgramOptions[]) {
  const folder = createTempFolder('programs');
  const place: ProgramsPlace = { socketPath: join(folder.path, 's'), hop: 'the-secret-of-this-process' };
  const lines: string[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(line) });
  const metrics = new ProgramMetrics();
  let groups: readonly number[] = [];
  const programs = await startPrograms(programsOptions(...servers), place, {
    clock: systemClock,
    log,
    metrics,
    onGroups: (pgids) => {
      groups = pgids;
    },
  });
  context.after(async () => {
    await programs.stop(0);
    folder.remove();
  });
  const events = (name: string) => lines.map((line) => parseObject(line)).filter(({ event }) => event === name);
  return {
    programs,
    place,
    metrics,
    events,
    /** The first event of that name with those fields, as soon as it is there. */
    event: (name: string, fields: Readonly<Record<string, unknown>> = {}) =>
      until(`${name} ${JSON.stringify(fields)}`, () =>
        events(name).find((event) => Object.entries(fields).every(([key, value]) => event[key] === value)),
      ),
    groups: () => groups,
    fetch: (identity: Fields = ALICE) => createSocketFetch(place, identity),
    client: (identity: Fields = ALICE, server = 'files') =>
      new ProgramClient(createSocketFetch(place, identity), `http://programs/${server}`),
  };
}
