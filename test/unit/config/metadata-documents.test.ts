/** `login.clients.metadata_documents`. draft-ietf-oauth-client-id-metadata-document §3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, reject } from './loading.ts';
import { google } from './login-config.ts';

const withHosts = (value: string): string => google(`  clients: { metadata_documents: ${value} }\n`);

describe('login.clients.metadata_documents', () => {
  it('is auto, off, or hosts as a URL has them', () => {
    const read = (text: string): unknown => accept(text).config.login?.clients.metadata_documents;
    assert.equal(read(google()), 'auto');
    assert.equal(read(withHosts('auto')), 'auto');
    assert.equal(read(withHosts('off')), 'off');
    assert.deepEqual(read(withHosts('[claude.ai, "client.example:8443"]')), ['claude.ai', 'client.example:8443']);
  });

  const place = 'obex.yaml:14: login.clients.metadata_documents:';
  const wanted = 'expected auto, off, or a list of hosts such as ["claude.ai", "vscode.dev"]';
  const none = (got: string): string =>
    `${place} ${wanted}; this is none of them, got ${got}; write it in lower case, with a port if it is not 443`;
  for (const [value, problem] of [
    ['true', `${place} ${wanted}, got true; write auto`],
    ['false', `${place} ${wanted}, got false; write off`],
    ['claude.ai', `${place} ${wanted}, got "claude.ai"`],
    ['[]', `${place} is empty; name at least one host, or write off`],
    ['["*.claude.ai"]', none('"*.claude.ai"')],
    ['["https://claude.ai"]', none('"https://claude.ai"')],
    ['["Claude.ai"]', none('"Claude.ai"')],
    ['["claude.ai:443"]', none('"claude.ai:443"')],
    ['["claude.ai/x"]', none('"claude.ai/x"')],
    ['["localhost:8443"]', none('"localhost:8443"')],
    ['["127.0.0.1"]', none('"127.0.0.1"')],
    ['[auto]', none('"auto"')],
    ['[7]', none('7')],
    ['[a.example, a.example]', `${place} names a host twice, got "a.example"; delete one`],
  ] as const) {
    it(`is not ${value}`, () => assert.deepEqual(reject(withHosts(value)), [problem]));
  }
});
