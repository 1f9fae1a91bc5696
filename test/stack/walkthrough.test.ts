/** examples/walkthrough as its README says it, checks included. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { untilReady } from './compose-stack.ts';
import { docker, ROOT, requireDocker } from './docker.ts';

const FOLDER = join(ROOT, 'examples/walkthrough');
const COMPOSE = ['compose', '--project-name', 'obex-test-walkthrough', '--project-directory', FOLDER] as const;

before(async () => {
  await requireDocker();
  await docker([...COMPOSE, 'up', '--detach', '--build']);
  await untilReady('http://localhost:8443');
});

after(() => docker([...COMPOSE, 'down', '--volumes', '--timeout', '5']));

describe('examples/walkthrough', () => {
  it('passes its checks', () => {
    const { status, stdout } = spawnSync('sh', ['checks.sh'], { cwd: FOLDER, encoding: 'utf8' });

    assert.equal(status, 0, stdout);
    assert.equal(stdout.match(/^ok /gm)?.length, 8, stdout);
  });

  it('asks /obex itself for its health', async () => {
    const { services } = parse(await docker([...COMPOSE, 'config']));
    assert.deepEqual(services.obex.healthcheck.test, ['CMD', '/obex', '--health-probe']);
    const id = await docker([...COMPOSE, 'ps', '--quiet', 'obex']);
    await docker(['exec', id, '/obex', '--health-probe']);
  });
});
