/** Two servers of one process: composed by the same code, of the same shared parts, and nothing of one is the other's. RFC 9728 §1. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { prepareVerifiedTokens } from '../../../src/compose/gate.ts';
import { buildIssuers, startIssuers } from '../../../src/compose/issuers.ts';
import { buildClientCharges } from '../../../src/compose/limits.ts';
import { buildServer, type ServerParts } from '../../../src/compose/server.ts';
import { isDenied } from '../../../src/oauth/denial.ts';
import { createObservers } from '../../../src/observe/observers.ts';
import { createOwnTruth } from '../../../src/state/process-wide.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { formatConfig, PUBLIC_URL, parseConfig } from '../../support/obex.ts';
import { startTestIssuer } from '../../support/test-issuer.ts';

const NO_CERTIFICATE = { absence: 'none' };
const SENDER = { clientCertificate: NO_CERTIFICATE, connectionCertificate: NO_CERTIFICATE };
const LIMIT = 'rate_limit: { requests_per_second: 1, burst: 1 }';

async function composeTwo(context: TestContext) {
  const clock = new FakeClock();
  const issuer = await startTestIssuer(context, clock);
  const config = parseConfig(formatConfig({ backend: { port: 1 }, issuer, sections: { limits: LIMIT } }));
  const observers = createObservers('error', { write: () => undefined }, { clock });
  const shared = createOwnTruth(observers);
  const issuers = buildIssuers({ config, shared, files: { issuerCas: [] }, previous: undefined });
  context.after(() => {
    for (const { jwks } of issuers) jwks.stop();
  });
  const clientCharges = buildClientCharges(undefined, clock);
  const createVerifiedTokens = prepareVerifiedTokens(config);
  const common = { issuers, introspection: undefined, dpop: undefined, clientCharges, createVerifiedTokens };
  const build = (path: string, previous?: ServerParts): ServerParts => {
    const [{ resource, ...rest }] = config.servers;
    const own = { ...rest, name: path.slice(1), resource: { ...resource, url: `${PUBLIC_URL}${path}` } };
    const files = { name: own.name, backendCa: undefined, assertionKey: undefined };
    const bounds = {
      spareDescriptors: Number.POSITIVE_INFINITY,
      descriptorsOfRequest: 1,
      maxBodyBytes: 1,
      isAlone: false,
    };
    const server = buildServer({ config, observers, shared, own, files, ...bounds, previous }, common);
    context.after(() => server.release(true));
    return server;
  };
  startIssuers(issuers, config);
  const one = build('/one');
  const other = build('/other');
  one.begin();
  other.begin();
  const tokenFor = (path: string): Promise<string> => issuer.token({ claims: { aud: `${PUBLIC_URL}${path}` } });
  return { clock, issuer, build, one, other, tokenFor };
}

/** "admitted", or the reason why not. */
async function present({ server }: ServerParts, accessToken: string): Promise<string> {
  const authorization = [`Bearer ${accessToken}`];
  const facts = { method: 'POST', target: '/', authorization, dpop: [], clientKey: '127.0.0.1', sender: SENDER };
  const outcome = await server.authenticate(facts);
  return isDenied(outcome) ? outcome.reason : 'admitted';
}

describe('two servers', () => {
  it('take each the tokens that are for them, verified with keys that were fetched once, and remember them apart', async (context) => {
    const { issuer, one, other, tokenFor } = await composeTwo(context);
    const token = await tokenFor('/one');
    assert.equal(await present(one, token), 'admitted');
    assert.equal(await present(other, token), 'audience_mismatch');
    assert.equal(await present(other, await tokenFor('/other')), 'admitted');
    assert.equal(issuer.fetches(), 1);
    assert.deepEqual([one.verifiedTokens.entries, other.verifiedTokens.entries], [1, 1]);
  });

  it('send clients each to its own metadata', async (context) => {
    const { one, other } = await composeTwo(context);
    for (const [{ server, endpoints }, path] of [
      [one, '/one'],
      [other, '/other'],
    ] as const) {
      const [, challenge = ''] = server.challenges('no_token', undefined);
      const published = `/.well-known/oauth-protected-resource${path}`;
      assert.match(challenge, new RegExp(`resource_metadata="${PUBLIC_URL}${published}"`));
      assert.ok(endpoints.some(([at]) => at === published));
    }
  });

  it('charge the same principal apart', async (context) => {
    const { one, other, tokenFor } = await composeTwo(context);
    const token = await tokenFor('/one');
    assert.deepEqual([await present(one, token), await present(one, token)], ['admitted', 'rate_limited']);
    assert.equal(await present(other, await tokenFor('/other')), 'admitted');
  });

  it('hand on over a reload what must outlive it, each to its own successor', async (context) => {
    const { build, one, other, tokenFor } = await composeTwo(context);
    const token = await tokenFor('/one');
    await present(one, token);
    const [next, nextOther] = [build('/one', one), build('/other', other)];
    assert.equal(next.server.forwarder.inFlight, one.server.forwarder.inFlight);
    assert.notEqual(next.server.forwarder.inFlight, nextOther.server.forwarder.inFlight);
    assert.equal(await present(next, token), 'rate_limited');
    assert.equal(await present(nextOther, await tokenFor('/other')), 'admitted');
  });
});
