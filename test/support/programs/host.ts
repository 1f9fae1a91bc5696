/** A process of its own with programs in it, so that a test can kill it without a word. Prints its place. */
import { systemClock } from '../../../src/lib/clock.ts';
import { createLog } from '../../../src/observe/log.ts';
import { ProgramMetrics } from '../../../src/observe/program-metrics.ts';
import { startPrograms } from '../../../src/programs/server.ts';
import { programOptions, programsOptions } from './programs.ts';

const [, , socketPath = ''] = process.argv;
await startPrograms(
  programsOptions(programOptions('stubborn')),
  { socketPath, hop: 'hop' },
  {
    clock: systemClock,
    log: createLog('info', { write: () => undefined }),
    metrics: new ProgramMetrics(),
    onGroups: () => undefined,
  },
);
process.stdout.write('ready\n');
