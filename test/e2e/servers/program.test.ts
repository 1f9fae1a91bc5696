/** A program beside servers that are reached by URLs, behind one Obex. MCP transports (stdio). */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bodyOf, PUBLIC_URL } from '../../support/obex.ts';
import { CRM, startSeveralServers } from '../../support/several-servers.ts';

const PROGRAM = join(import.meta.dirname, '../../support/programs/stdio-server.ts');
const NOTES = `${PUBLIC_URL}/notes/mcp`;

describe('a program among several servers', () => {
  it('is at its own path alone: no gate of another one leads to it', async (context) => {
    const program = `{ command: "${process.execPath}", args: ["${PROGRAM}"] }`;
    const one = `${PUBLIC_URL}/mcp/one`;
    const { obex, tokenFor } = await startSeveralServers(context, {
      more: `  one: { backend: ${program}, resource: { url: "${one}" } }\n  admin: { backend: ${program} }\n`,
    });
    context.after(() => obex.obex.drain());
    for (const target of ['/mcp/admin', '/mcp', '/mcp/one/admin', '/mcp/', '/one', '/admin']) {
      const lines = [await tokenFor(one), 'Content-Type: application/json'];
      assert.equal((await obex.send({ method: 'POST', target, lines, body: '{}' })).status, 404, target);
    }
    assert.deepEqual(obex.events('program_started'), []);
  });

  it('is started for who has a token for it, and for nobody else', async (context) => {
    const stack = await startSeveralServers(context, {
      more: `  notes:\n    backend: { command: "${process.execPath}", args: ["${PROGRAM}"] }\n`,
    });
    const { obex, crm, tokenFor } = stack;
    context.after(() => obex.obex.drain());
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const post = async (name: string, resource: string) => {
      const fields = ['Content-Type: application/json', 'Accept: application/json, text/event-stream'];
      const lines = [await tokenFor(resource), ...fields];
      return obex.send({ method: 'POST', target: `/${name}/mcp`, lines, body });
    };
    const begun = await post('notes', NOTES);
    assert.equal(begun.status, 200, begun.body.toString());
    assert.equal(typeof begun.values('mcp-session-id')[0], 'string');
    assert.equal((await post('notes', CRM)).status, 401);
    assert.equal((await post('crm', CRM)).status, 200);
    assert.equal(crm.requests.length, 1);
    assert.equal(
      bodyOf(await obex.send({ target: '/.well-known/oauth-protected-resource/notes/mcp' }))['resource'],
      NOTES,
    );
  });
});
