/** What clients have against the certificates of a server. RFC 5280 §6.1.3, RFC 9525 §6, RFC 8446 §4.4.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type JudgedFault, judgeCertificates } from '../../../src/certs/judge-certificates.ts';
import { makeCertificate } from '../../../src/certs/make-certificate.ts';
import { parseCertificates } from '../../../src/lib/pem.ts';
import { createChain } from '../../support/certificate.ts';
import { DAY_MS } from './folder.ts';

const NOW_MS = Date.UTC(2026, 2, 1, 12);

function judge(pem: string, { host, nowMs = NOW_MS }: { host?: string; nowMs?: number } = {}): readonly JudgedFault[] {
  const certificates = parseCertificates(pem);
  assert.ok(typeof certificates !== 'string', String(certificates));
  return judgeCertificates(certificates, { host, nowMs });
}

/** Valid from `from` to `to` days from now. */
function valid(from: number, to: number, hosts: readonly string[] = ['tool.example']): string {
  const [notBefore, notAfter] = [from, to].map((days) => new Date(NOW_MS + days * DAY_MS));
  assert.ok(notBefore !== undefined && notAfter !== undefined);
  return makeCertificate({ commonName: 'tool.example', hosts, notBefore, notAfter }).cert;
}

describe('the time', () => {
  it('has no fault for more than 30 days', () => {
    assert.deepEqual(judge(valid(-1, 30)), []);
  });

  it('less than 30 days before the end', () => {
    const problem = 'expires on 2026-03-30; put a new one there before';
    assert.deepEqual(judge(valid(-1, 29)), [{ fault: 'expires_soon', problem }]);
  });

  it('at the end, to the second', () => {
    const problem = 'expired on 2026-03-01: clients refuse it; put a new one there';
    assert.deepEqual(judge(valid(-1, 0)), [{ fault: 'expired', problem }]);
  });

  it('before the beginning', () => {
    const problem = 'is not valid before 2026-03-03: clients refuse it; is the clock of this machine right?';
    assert.deepEqual(judge(valid(2, 100)), [{ fault: 'not_valid_yet', problem }]);
  });
});

describe('the name', () => {
  const hosts = ['tool.example', '*.wild.example', '10.0.0.5', '2001:db8::1'];
  const cert = valid(-1, 100, hosts);

  for (const host of ['tool.example', 'TOOL.example', 'a.wild.example', '10.0.0.5', '2001:db8:0::1']) {
    it(`covers ${host}`, () => assert.deepEqual(judge(cert, { host }), []));
  }

  for (const host of ['other.example', 'wild.example', 'a.b.wild.example', '10.0.0.6', '2001:db8::2']) {
    it(`does not cover ${host}`, () => {
      const names = 'tool.example, *.wild.example, 10.0.0.5, 2001:DB8:0:0:0:0:0:1';
      const problem = `is for ${names} and not for ${host}: clients refuse it`;
      assert.deepEqual(judge(cert, { host }), [{ fault: 'other_name', problem }]);
    });
  }

  it('in the subject alone does not count, RFC 9525 §2', () => {
    const problem = 'is for 10.0.0.5 and not for tool.example: clients refuse it';
    assert.deepEqual(judge(valid(-1, 100, ['10.0.0.5']), { host: 'tool.example' }), [{ fault: 'other_name', problem }]);
  });

  it('and the time are told both, the time first', () => {
    const faults = judge(valid(-2, -1), { host: 'other.example' }).map(({ fault }) => fault);
    assert.deepEqual(faults, ['expired', 'other_name']);
  });
});

describe('the chain', () => {
  const { leaf, intermediate, root } = createChain('tool.example', { intermediateDays: 50 });
  const nowMs = Date.now();

  it('has no fault when each certificate signed the one before, with or without the root', () => {
    assert.deepEqual(judge(leaf, { nowMs }), []);
    assert.deepEqual(judge(leaf + intermediate, { nowMs }), []);
    assert.deepEqual(judge(leaf + intermediate + root, { nowMs }), []);
  });

  it('in the wrong order', () => {
    const problem =
      'holds a certificate, number 2, that did not sign number 1: after that of the server each must be the one that signed the one before';
    assert.deepEqual(judge(leaf + root + intermediate, { nowMs }), [{ fault: 'chain_order', problem }]);
    assert.deepEqual(judge(leaf + root, { nowMs }), [{ fault: 'chain_order', problem }]);
    assert.deepEqual(judge(leaf + leaf, { nowMs }), [{ fault: 'chain_order', problem }]);
  });

  it('with an authority that has expired', () => {
    const [judged, ...others] = judge(leaf + intermediate, { nowMs: nowMs + 60 * DAY_MS });
    assert.equal(judged?.fault, 'chain_expired');
    assert.match(
      judged.problem,
      /^holds a certificate of an authority, number 2, that expired on \d{4}-\d\d-\d\d: clients may refuse the chain$/,
    );
    assert.deepEqual(others, []);
  });
});
