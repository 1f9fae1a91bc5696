/** A process that uses a store file beside its test: argv is what it does, and the file. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/lib/clock.ts';
import { SqliteStore } from '../../../../src/login/store/sqlite-store.ts';

const STDOUT = 1;
const HOUR_MS = 3_600_000;

const [task, path = ''] = process.argv.slice(2);
const store = new SqliteStore({ path, clock: systemClock });
const endsAtMs = systemClock.nowMs() + HOUR_MS;

/** At once, so that it is out before whatever comes next. */
function say(line: string): void {
  writeSync(STDOUT, `${line}\n`);
}

/** Counts on from where the file is; says each number once all four writes for it have been answered. */
async function countForEver(): Promise<never> {
  for (;;) {
    const before = (await store.get('count:now')) ?? '0';
    const after = String(Number(before) + 1);
    await store.set(`code:${after}`, after, endsAtMs);
    if (!(await store.add(`jti:${after}`, after, endsAtMs))) throw new Error(`jti:${after} was there`);
    if (before === '0') await store.set('count:now', after, endsAtMs);
    else if (!(await store.swap('count:now', { before, after, endsAtMs }))) throw new Error('swapped by nobody');
    if ((await store.take(`code:${after}`)) !== after) throw new Error(`code:${after} was gone`);
    say(after);
  }
}

async function takeAll(): Promise<void> {
  say('ready');
  while ((await store.get('start')) === undefined) await new Promise(setImmediate);
  const taken = [];
  for await (const [key] of store.list('code:')) if ((await store.take(key)) !== undefined) taken.push(key);
  say(JSON.stringify(taken));
}

async function fill(): Promise<void> {
  const text = 'x'.repeat(10_000);
  for (let index = 0; ; index += 1) {
    try {
      await store.set(`code:${index}`, text, endsAtMs);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : 'none';
      say(JSON.stringify({ index, name: error instanceof Error ? error.name : '', cause }));
      return;
    }
  }
}

if (task === 'count') await countForEver();
else if (task === 'take') await takeAll();
else if (task === 'fill') await fill();
else {
  await store.add(`started:${process.pid}`, '', endsAtMs);
  await store.close();
}
