/** Scenarios at saturation: what one request costs, in the cases that matter. */
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Bench } from '../bench.ts';
import { everyContender } from '../contenders/all.ts';
import { startApache } from '../contenders/apache.ts';
import { makeCertificate } from '../contenders/certificate.ts';
import type { Contender } from '../contenders/contender.ts';
import { startHaproxy } from '../contenders/haproxy.ts';
import { startNginx } from '../contenders/nginx.ts';
import { type ObexOptions, obexAccepts, startObex } from '../contenders/obex.ts';
import type { Outcome } from '../measurement.ts';
import { type Lane, race } from './race.ts';

/** Another release beside this one, where one is given: what a change costs shows in one run alone. */
function earlierLane(bench: Bench, options: ObexOptions = {}, lane: Omit<Lane, 'start'> = {}): readonly Lane[] {
  const { earlier } = bench.options;
  if (earlier === undefined) return [];
  const bundle = join(earlier, 'obex.mjs');
  const all: ObexOptions = { ...options, accessLog: 'off', bundle, name: 'Obex, the earlier release, no access log' };
  return [{ ...lane, start: () => startObex(bench, all) }];
}

/** Phase 2, one token that Obex has seen before. */
export function runWarm(bench: Bench): Promise<Outcome> {
  const lanes = everyContender(bench).map((start) => ({ start }));
  return race(bench, { scenario: 'warm', lanes: [...lanes, ...earlierLane(bench)] });
}

export function runPhase1(bench: Bench): Promise<Outcome> {
  const lanes: readonly Lane[] = [
    { start: () => startNginx(bench) },
    { start: () => startObex(bench, { phase: 1, accessLog: 'off' }) },
    { start: () => startObex(bench, { phase: 1 }) },
    ...earlierLane(bench, { phase: 1 }),
  ];
  return race(bench, { scenario: 'phase-1', lanes });
}

/** 10,000 tokens that take turns, all in the cache. */
export function runDistinct(bench: Bench): Promise<Outcome> {
  const lanes: readonly Lane[] = [
    { start: () => startNginx(bench), credential: 'distinct' },
    { start: () => startObex(bench, { accessLog: 'off' }), credential: 'distinct' },
    ...earlierLane(bench, {}, { credential: 'distinct' }),
  ];
  return race(bench, { scenario: 'distinct', lanes });
}

/** Each request with another token, and no cache: a signature is verified each time. */
export function runVerify(bench: Bench): Promise<Outcome> {
  const lanes: readonly Lane[] = [
    { start: () => startHaproxy(bench), credential: 'distinct' },
    { start: () => startApache(bench), credential: 'distinct' },
    { start: () => startObex(bench, { tokenCache: 'off', accessLog: 'off' }), credential: 'distinct' },
    ...earlierLane(bench, { tokenCache: 'off' }, { credential: 'distinct' }),
  ];
  return race(bench, { scenario: 'verify', lanes });
}

/** Requests without a credential, which Obex answers 401, beside requests that nginx passes on. */
export function runRefusals(bench: Bench): Promise<Outcome> {
  const lanes: readonly Lane[] = [
    { start: () => startNginx(bench) },
    { start: () => startObex(bench, { accessLog: 'off' }), credential: 'none', refused: true },
    { start: () => startObex(bench), credential: 'none', refused: true },
    ...earlierLane(bench, {}, { credential: 'none', refused: true }),
  ];
  return race(bench, { scenario: 'refusals', lanes });
}

/** Keep-alive over TLS, plain HTTP to the backend. */
export function runTls(bench: Bench): Promise<Outcome> {
  const tls = makeCertificate(bench);
  const lanes: readonly Lane[] = [
    { start: () => startNginx(bench, { tls }) },
    { start: () => startObex(bench, { tls, accessLog: 'off' }) },
    ...earlierLane(bench, { tls }),
  ];
  return race(bench, { scenario: 'tls', lanes });
}

export async function runHttp2(bench: Bench): Promise<Outcome> {
  const tls = makeCertificate(bench);
  const startTlsObex = (): Promise<Contender> => startObex(bench, { tls, accessLog: 'off' });
  const obex = await startTlsObex();
  const protocol = await negotiate(obex.origin);
  await obex.stop();
  if (protocol !== 'h2') return { rows: [], notes: ['http2: left out, this release of Obex does not offer it'] };
  const lanes: readonly Lane[] = [{ start: () => startNginx(bench, { tls, http2: true }) }, { start: startTlsObex }];
  return race(bench, { scenario: 'http2', lanes, http2: true });
}

/** One worker and two, both free to use all cores, which the load shares. */
export async function runWorkers(bench: Bench): Promise<Outcome> {
  const cpus = bench.cpus.all;
  if (!obexAccepts(bench, { workers: 2 })) {
    return { rows: [], notes: ['workers: left out, this release of Obex has one'] };
  }
  const lanes: readonly Lane[] = [
    { start: () => startObex(bench, { cpus, accessLog: 'off', workers: 1, name: 'Obex, 1 worker' }) },
    { start: () => startObex(bench, { cpus, accessLog: 'off', workers: 2, name: 'Obex, 2 workers' }) },
  ];
  return race(bench, { scenario: 'workers', lanes });
}

/** The protocol that a server picks by ALPN (RFC 7301). */
function negotiate(origin: string): Promise<string | false | null> {
  const { promise, resolve, reject } = Promise.withResolvers<string | false | null>();
  const { hostname: host, port } = new URL(origin);
  const options = { host, port: Number(port), ALPNProtocols: ['h2', 'http/1.1'], rejectUnauthorized: false };
  const socket = connect(options, () => {
    resolve(socket.alpnProtocol);
    socket.destroy();
  });
  socket.once('error', reject);
  return promise;
}
