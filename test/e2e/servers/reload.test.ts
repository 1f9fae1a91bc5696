/** A reload that adds, changes or removes one of several servers leaves the others alone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CRM, FILES, type SeveralServers, startSeveralServers } from '../../support/several-servers.ts';

/** An event stream that has begun, and what to send on it. */
async function openStream({ obex, tokenFor, ...backends }: SeveralServers, name: 'crm' | 'files') {
  const backend = backends[name];
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
  const event = (data: string): string => chunk(`data: ${data}\n\n`);
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
  backend.onHead = ({ socket }) => socket.write(head + event('1'));
  const client = await obex.open();
  const line = await tokenFor(name === 'crm' ? CRM : FILES);
  await client.send(`GET /${name}/mcp HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n${line}\r\n\r\n`);
  await client.readUntil('data: 1');
  const { socket } = await backend.request(0);
  backend.onHead = undefined;
  return { client, say: (data: string) => socket.write(event(data)) };
}

describe('a reload', () => {
  it('that removes a server ends its streams, and touches no others', async (context) => {
    const stack = await startSeveralServers(context);
    const { obex, config, tokenFor } = stack;
    const [crm, files] = [await openStream(stack, 'crm'), await openStream(stack, 'files')];
    await obex.reload(config({ files: null }));
    files.say('2');
    const ended = await obex.event('event_streams_ended');
    assert.deepEqual([ended['server'], ended['reason']], ['files', 'server_removed']);
    crm.say('2');
    await crm.client.readUntil('data: 2');
    assert.equal((await obex.send({ target: '/files/mcp', lines: [await tokenFor(FILES)] })).status, 404);
    assert.equal((await obex.send({ target: '/crm/mcp', lines: [await tokenFor(CRM)] })).status, 200);
  });

  it('that removes a server lets its calls come to their end', async (context) => {
    const { obex, files, config, tokenFor } = await startSeveralServers(context);
    files.onHead = () => undefined;
    const client = await obex.open();
    await client.send(`GET /files/mcp HTTP/1.1\r\nHost: a\r\n${await tokenFor(FILES)}\r\n\r\n`);
    const { socket } = await files.request(0);
    await obex.reload(config({ files: null }));
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
    assert.equal((await client.readResponse('GET')).body.toString(), 'done');
  });

  it('that adds a server, and changes another, leaves streams and counters as they are', async (context) => {
    const stack = await startSeveralServers(context, { files: null });
    const { obex, config, tokenFor } = stack;
    const crm = await openStream(stack, 'crm');
    assert.equal((await obex.send({ target: '/files/mcp', lines: [await tokenFor(FILES)] })).status, 404);
    await obex.reload(config({ crm: '    authz: { required_scopes: [crm] }\n' }));
    assert.equal((await obex.send({ target: '/files/mcp', lines: [await tokenFor(FILES)] })).status, 200);
    assert.equal((await obex.send({ target: '/crm/mcp', lines: [await tokenFor(CRM)] })).status, 403);
    crm.say('2');
    await crm.client.readUntil('data: 2');
    assert.equal(await obex.scrape('obex_server_requests_total{server="crm",code="200"}'), 1);
  });
});
