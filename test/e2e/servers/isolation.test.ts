/** What one of several servers is told, counts or remembers is nothing to another. RFC 8707 §2, RFC 9449 §8, §11.1, RFC 6585 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hashAccessToken } from '../../../src/oauth/dpop-proof.ts';
import { createProver } from '../../support/dpop.ts';
import { bodyOf } from '../../support/obex.ts';
import { CRM, FILES, startSeveralServers } from '../../support/several-servers.ts';

describe('a token for one server', () => {
  it('is refused by another, before and after it has been remembered', async (context) => {
    const { obex, files, tokenFor } = await startSeveralServers(context);
    const lines = [await tokenFor(CRM)];
    const toFiles = async () => bodyOf(await obex.send({ target: '/files/mcp', lines }))['reason'];
    assert.equal(await toFiles(), 'audience_mismatch');
    assert.equal((await obex.send({ target: '/crm/mcp', lines })).status, 200);
    assert.equal((await obex.send({ target: '/crm/mcp', lines })).status, 200);
    assert.equal(await toFiles(), 'audience_mismatch');
    assert.equal(files.requests.length, 0);
  });
});

describe('what is counted of one principal', () => {
  it('is each rate for itself', async (context) => {
    const limit = '    limits: { rate_limit: { requests_per_second: 1, burst: 1 } }\n';
    const { obex, tokenFor } = await startSeveralServers(context, { crm: limit, files: limit });
    const [crm, files] = [await tokenFor(CRM), await tokenFor(FILES)];
    const statusOf = async (target: string, line: string) => (await obex.send({ target, lines: [line] })).status;
    assert.deepEqual([await statusOf('/crm/mcp', crm), await statusOf('/crm/mcp', crm)], [200, 429]);
    assert.deepEqual([await statusOf('/files/mcp', files), await statusOf('/files/mcp', files)], [200, 429]);
  });

  it('is each number of requests in flight', async (context) => {
    const limit = '    limits: { max_requests_per_principal: 1 }\n';
    const { obex, crm, tokenFor } = await startSeveralServers(context, { crm: limit, files: limit });
    crm.onHead = () => undefined;
    const client = await obex.open();
    await client.send(`GET /crm/mcp HTTP/1.1\r\nHost: a\r\n${await tokenFor(CRM)}\r\n\r\n`);
    await crm.request(0);
    assert.equal((await obex.send({ target: '/crm/mcp', lines: [await tokenFor(CRM)] })).status, 429);
    assert.equal((await obex.send({ target: '/files/mcp', lines: [await tokenFor(FILES)] })).status, 200);
  });

  it('is each max_requests of a backend', async (context) => {
    const one = '    limits: { max_requests_per_principal: 1 }\n';
    const { obex, crm, tokenFor, config } = await startSeveralServers(context, { crm: one });
    await obex.reload(config({ crm: one }).replace('" }\n    limits', '", max_requests: 1 }\n    limits'));
    crm.onHead = () => undefined;
    const client = await obex.open();
    await client.send(`GET /crm/mcp HTTP/1.1\r\nHost: a\r\n${await tokenFor(CRM)}\r\n\r\n`);
    await crm.request(0);
    const other = await tokenFor(CRM, { sub: 'another' });
    assert.equal((await obex.send({ target: '/crm/mcp', lines: [other] })).status, 503);
    assert.equal((await obex.send({ target: '/files/mcp', lines: [await tokenFor(FILES)] })).status, 200);
  });

  it('is each refusal loop', async (context) => {
    const { obex, tokenFor } = await startSeveralServers(context);
    const lines = [await tokenFor('https://other.example/')];
    const statusOf = async (target: string) => (await obex.send({ target, lines })).status;
    const client = await obex.open();
    for (let count = 0; count < 31; count += 1) {
      await client.send(`GET /crm/mcp HTTP/1.1\r\nHost: a\r\n${lines[0]}\r\n\r\n`);
      await client.readResponse('GET');
    }
    assert.deepEqual([await statusOf('/crm/mcp'), await statusOf('/files/mcp')], [429, 401]);
  });
});

describe('DPoP', () => {
  it('nonces of one server are unknown to another', async (context) => {
    const key = createProver();
    const { obex, issuer, clock } = await startSeveralServers(context, {
      more: 'dpop: { enabled: true, nonce: required }\n',
    });
    const ask = async (name: string, resource: string, nonce?: string) => {
      const token = await issuer.token({ claims: { aud: resource, cnf: { jkt: key.jkt } } });
      const claims = { htm: 'GET', htu: resource, iat: clock.nowSeconds, ath: hashAccessToken(token), nonce };
      const proof = key.prove({ claims });
      return obex.send({ target: `/${name}/mcp`, lines: [`Authorization: DPoP ${token}`, `DPoP: ${proof}`] });
    };
    const nonceOf = async (name: string, resource: string): Promise<string> =>
      (await ask(name, resource)).values('dpop-nonce')[0] ?? assert.fail('no nonce');
    const nonce = await nonceOf('crm', CRM);
    assert.equal((await ask('crm', CRM, nonce)).status, 200);
    assert.equal(bodyOf(await ask('files', FILES, nonce))['reason'], 'use_dpop_nonce');
    assert.equal((await ask('files', FILES, await nonceOf('files', FILES))).status, 200);
  });
});
