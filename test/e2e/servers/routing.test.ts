/** Several servers behind one Obex: whom a request reaches, and what each says of itself. RFC 9728 §3, RFC 6750 §3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bodyOf, PUBLIC_URL, startTestObex } from '../../support/obex.ts';
import { reply } from '../../support/recording-backend.ts';
import { CRM, FILES, startSeveralServers } from '../../support/several-servers.ts';

describe('several servers', () => {
  it('get each the requests for their own path, as it came', async (context) => {
    const { obex, crm, files, tokenFor } = await startSeveralServers(context);
    const lines = [await tokenFor(CRM)];
    assert.equal((await obex.send({ target: '/crm/mcp?a=b', lines })).status, 200);
    assert.equal((await obex.send({ target: '/files/mcp/x', lines: [await tokenFor(FILES)] })).status, 200);
    assert.deepEqual(
      [crm, files].map(({ requests }) => requests.map(({ requestLine }) => requestLine)),
      [['GET /crm/mcp?a=b HTTP/1.1'], ['GET /files/mcp/x HTTP/1.1']],
    );
  });

  it('leave the rest to nobody', async (context) => {
    const { obex, crm, files, tokenFor } = await startSeveralServers(context);
    const lines = [await tokenFor(CRM)];
    for (const target of ['/', '/mcp', '/crm', '/crm/mcpx', '/CRM/mcp', '/.well-known/openid-configuration']) {
      assert.equal((await obex.send({ target, lines })).status, 404, target);
    }
    for (const target of ['/crm/mcp/../../files/mcp', '/crm//mcp', '/crm/mcp%2f..', '/crm/mcp/%2e%2e/x']) {
      const refused = await obex.send({ target, lines });
      assert.deepEqual([refused.status, bodyOf(refused)['reason']], [400, 'malformed_request'], target);
    }
    assert.equal(crm.requests.length + files.requests.length, 0);
  });

  it('publish their metadata each at its place, and name no other', async (context) => {
    const { obex, tokenFor } = await startSeveralServers(context);
    for (const [name, resource] of Object.entries({ crm: CRM, files: FILES })) {
      const place = `/.well-known/oauth-protected-resource/${name}/mcp`;
      const metadata = await obex.send({ target: place });
      assert.equal(bodyOf(metadata)['resource'], resource);
      const refused = await obex.send({ target: `/${name}/mcp`, lines: [await tokenFor('https://other.example')] });
      assert.equal(refused.status, 401);
      const challenge = refused.values('www-authenticate').join();
      assert.ok(challenge.includes(`resource_metadata="${PUBLIC_URL}${place}"`), challenge);
    }
    assert.equal((await obex.send({ target: '/.well-known/oauth-protected-resource' })).status, 404);
  });

  it('are told apart by their authority, and publish under it alone', async (context) => {
    const elsewhere = 'https://files.example.com/crm/mcp';
    const { obex, crm, files, tokenFor } = await startSeveralServers(context, {
      files: `    resource: { url: "${elsewhere}" }\n`,
    });
    const target = '/crm/mcp';
    assert.equal((await obex.send({ target, lines: [await tokenFor(CRM)] })).status, 200);
    assert.equal((await obex.send({ target, host: 'any.example', lines: [await tokenFor(CRM)] })).status, 200);
    const host = 'files.example.com';
    assert.equal((await obex.send({ target, host, lines: [await tokenFor(elsewhere)] })).status, 200);
    assert.equal((await obex.send({ target, host, lines: [await tokenFor(CRM)] })).status, 401);
    assert.deepEqual([crm.requests.length, files.requests.length], [2, 1]);
    assert.deepEqual(files.requests[0]?.values('x-forwarded-host'), [host]);
    const place = '/.well-known/oauth-protected-resource/crm/mcp';
    assert.equal(bodyOf(await obex.send({ target: place }))['resource'], CRM);
    assert.equal(bodyOf(await obex.send({ target: place, host }))['resource'], elsewhere);
  });

  it('are reached by the names of their resources in phase 1, and by no foreign one', async (context) => {
    const { config } = await startSeveralServers(context);
    const files = '    resource: { url: "https://files.example.com/mcp" }\n';
    const obex = await startTestObex(context, config({ files }).replace(/^idp:.*\n/m, ''));
    const statusOf = async (host: string) =>
      (await obex.send({ target: '/mcp', host, lines: ['Authorization: Bearer a'] })).status;
    assert.deepEqual([await statusOf('files.example.com'), await statusOf('evil.example')], [200, 403]);
  });

  it('name themselves in log lines and metrics', async (context) => {
    const { obex, tokenFor } = await startSeveralServers(context);
    await obex.send({ target: '/crm/mcp', lines: [await tokenFor(CRM)] });
    await obex.send({ target: '/files/mcp', lines: [await tokenFor(CRM)] });
    assert.equal((await obex.event('request', ({ status }) => status === 200))['server'], 'crm');
    assert.equal((await obex.event('request', ({ status }) => status === 401))['server'], 'files');
    assert.equal(await obex.scrape('obex_server_requests_total{server="crm",code="200"}'), 1);
    assert.equal(await obex.scrape('obex_server_denials_total{server="files",reason="audience_mismatch"}'), 1);
  });

  it('see no cookies of clients, and set none', async (context) => {
    const { obex, crm, tokenFor } = await startSeveralServers(context);
    crm.answer = ({ socket }) => reply(socket, '200 OK', ['Set-Cookie: a=b', 'X-Kept: yes']);
    const answer = await obex.send({ target: '/crm/mcp', lines: [await tokenFor(CRM), 'Cookie: a=b'] });
    assert.deepEqual([answer.values('set-cookie'), answer.values('x-kept')], [[], ['yes']]);
    assert.deepEqual(crm.requests[0]?.values('cookie'), []);
  });

  it('are ready together, whichever backend is down', async (context) => {
    const { obex, files } = await startSeveralServers(context);
    await files.stop();
    const ready = await obex.send({ target: '/ready' });
    assert.deepEqual([ready.status, ready.body.toString().includes('files')], [200, false]);
    assert.equal((await obex.event('backend_down'))['server'], 'files');
    assert.equal(await obex.scrape('obex_server_backend_probes_total{server="files",result="failure"}'), 1);
  });

  it('take bodies each as long as it may', async (context) => {
    const { obex, crm, files, tokenFor } = await startSeveralServers(context, {
      crm: '    limits: { max_request_body: "10B" }\n',
    });
    const post = async (target: string, resource: string, body: string, more: readonly string[] = []) =>
      (await obex.send({ method: 'POST', target, lines: [await tokenFor(resource), ...more], body })).status;
    assert.equal(await post('/crm/mcp', CRM, 'x'.repeat(10)), 200);
    assert.equal(await post('/crm/mcp', CRM, 'x'.repeat(11)), 413);
    assert.equal(await post('/files/mcp', FILES, 'x'.repeat(11)), 200);
    assert.deepEqual([crm.requests.length, files.requests.length], [1, 1]);
  });
});
