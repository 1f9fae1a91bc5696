/** Whether the process may open as many files as its limits need. getrlimit(2), proc(5). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import {
  parseDescriptorLimit,
  readDescriptorLimit,
  spareDescriptors,
  warnOfDescriptors,
} from '../../../src/compose/descriptors.ts';
import type { Config } from '../../../src/config/schema.ts';
import { formatConfig, parseConfig } from '../../support/obex.ts';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            1024                 4096                 files
`;

function configure(): Config {
  const sections = {
    limits: 'max_connections: 500',
    obex: 'workers: 2',
    backend: 'max_requests: 440\nmax_idle_conns: 5',
  };
  return parseConfig(formatConfig({ backend: { port: 1 }, sections }));
}

describe('file descriptors', () => {
  it('the limit in force is the soft one; none is known where the system does not tell', () => {
    assert.equal(parseDescriptorLimit(LIMITS), 1024);
    assert.equal(parseDescriptorLimit(''), undefined);
    // What `ulimit -n` says is inherited.
    const told = execFileSync('/bin/sh', ['-c', 'ulimit -S -n'], { encoding: 'utf8' });
    assert.equal(readDescriptorLimit(), Number(told));
  });

  it('a warning names the numbers and the cure when connections, requests and the rest do not fit', () => {
    const config = configure();
    assert.equal(warnOfDescriptors(config, undefined), undefined);
    assert.equal(warnOfDescriptors(config, 500 + 32 + 440 + 64 + 8 + 10), undefined);
    assert.equal(
      warnOfDescriptors(config, 1053),
      'limits.max_connections (500) and backend.max_requests (440) need 1054 file descriptors, and this process may have 1053: ' +
        'connections and requests are refused before it has none left. Raise the limit (LimitNOFILE, ulimit -n), or lower the two',
    );
  });

  it('what is not needed otherwise is for connections and requests', () => {
    assert.equal(spareDescriptors(configure(), 1024), 1024 - 64 - 8 - 10);
    assert.equal(spareDescriptors(configure(), undefined), Number.POSITIVE_INFINITY);
  });

  it('a metrics listener has some of its own, with its reserve', () => {
    const metrics = { listen: { host: '127.0.0.1', port: 1 } };
    const config = { ...configure(), metrics: { ...configure().metrics, ...metrics } };
    assert.equal(spareDescriptors(config, 1024), 1024 - 64 - 8 - 10 - 32 - 32);
  });
});
