/** What people are told of a client that is described by a document. draft-ietf-oauth-client-id-metadata-document §6.4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientDocumentPage } from '../../../../src/login/pages/client-document-page.ts';
import { type ConsentView, consentPage } from '../../../../src/login/pages/consent-page.ts';
import { fieldOf, textOf } from './reading.ts';

const frame = { title: 'Acme tools', logo: undefined, reference: 'req-1' };

function shown(redirectUri: string, client: Partial<ConsentView['client']> = {}): string {
  return textOf(
    consentPage({
      frame,
      client: { name: 'Claude Code', static: false, documentHost: 'claude.ai', ...client },
      redirectUri: new URL(redirectUri),
      idp: { name: 'Okta', authorizationEndpoint: new URL('https://acme.okta.com/authorize') },
      resource: 'https://mcp.acme.example/mcp',
      scopes: ['tools:read'],
      canBeRemembered: false,
      flow: 'f',
      csrf: 'c',
    }),
  );
}

describe('draft CIMD §6.4: the consent page', () => {
  it('names the host of the document before the name that nobody has verified', () => {
    assert.match(
      shown('https://claude.ai/api/mcp/auth_callback'),
      /\nGive access to claude\.ai\nIt is described at claude\.ai, as “Claude Code”\. Nobody has verified this name\.\nServer\n/,
    );
    assert.match(
      shown('https://claude.ai/x', { name: undefined }),
      /\nIt is described at claude\.ai, without a name\.\n/,
    );
  });

  it('does not let a program on this computer pass for the owner of the document', () => {
    for (const uri of ['http://localhost:3118/callback', 'claude-code://callback']) {
      assert.match(
        shown(uri),
        /\nIt is described at claude\.ai, as “Claude Code”\. Nobody has verified this name\. Any program on this computer can refer to it\.\n/,
      );
    }
  });
});

describe('a document that cannot be used', () => {
  const clientId = 'https://evil.example/"><script>alert(1)</script>';

  it('is named, with what to do', () => {
    const page = clientDocumentPage({ frame, clientId: 'https://client.example/c.json', retryAfterSeconds: undefined });
    assert.deepEqual([page.status, fieldOf(page, 'retry-after')], [400, undefined]);
    assert.equal(
      textOf(page),
      `Acme tools
This server could not find out who your application is
The application refers to a description of itself, which this server cannot use, or does not allow. Start again from the application; if that does not help, tell the owner of this server.
Description
https://client.example/c.json
Reference for the owner of this server: req-1`,
    );
  });

  it('may be there in a while', () => {
    const page = clientDocumentPage({ frame, clientId, retryAfterSeconds: 30 });
    assert.deepEqual([page.status, fieldOf(page, 'retry-after')], [503, '30']);
    assert.match(textOf(page), /which cannot be had just now\. Wait a minute/);
    assert.doesNotMatch(page.body, /<script/);
  });
});
