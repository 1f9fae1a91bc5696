/** Whether the process may open as many files as its limits need. getrlimit(2), proc(5). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import {
  hasDescriptors,
  parseDescriptorLimit,
  readDescriptorLimit,
  warnOfDescriptors,
} from '../../src/runtime-descriptors.ts';
import { formatConfig, parseConfig } from '../support/obex.ts';

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
    assert.equal(warnOfDescriptors(config, 500 + 440 + 64 + 10), undefined);
    assert.equal(
      warnOfDescriptors(config, 1013),
      'limits.max_connections (500) and backend.max_requests (440) need 1014 file descriptors, and this process may have 1013: ' +
        'connections are refused before it has none left. Raise the limit (LimitNOFILE, ulimit -n), or lower the two',
    );
  });

  it('a connection is taken as long as it and its request at the backend find one each', () => {
    const config = configure();
    assert.equal(hasDescriptors(config, 1024, 1024 - 74 - 2), true);
    assert.equal(hasDescriptors(config, 1024, 1024 - 74 - 1), false);
    assert.equal(hasDescriptors(config, undefined, 1e9), true);
  });
});
