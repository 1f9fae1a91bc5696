/** `make run` as people type it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';

/** What make would do, without the flags of the make that may run this test. */
function dryRun(...args: string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const { PATH = '' } = process.env;
  return spawnSync('make', ['--dry-run', ...args], {
    cwd: path.join(import.meta.dirname, '..'),
    encoding: 'utf8',
    env: { PATH },
  });
}

describe('make run', () => {
  it('runs the demo, or the configuration that CONFIG names', () => {
    assert.match(dryRun('run').stdout, /^node --disable-sigusr1 src\/main\.ts demo$/m);
    assert.match(
      dryRun('run', 'CONFIG=a.yaml').stdout,
      /^node --disable-sigusr1 src\/main\.ts serve --config "a\.yaml"$/m,
    );
  });

  it('does not start the demo where config= was meant for CONFIG=', () => {
    const { status, stdout, stderr } = dryRun('run', 'config=a.yaml');
    assert.equal(status, 2);
    assert.doesNotMatch(stdout, /main\.ts/);
    assert.match(stderr, /nothing was started: write it in capitals, make run CONFIG=a\.yaml\./);
  });
});
