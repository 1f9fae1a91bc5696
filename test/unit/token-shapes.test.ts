/** Tokens as identity providers make them (test/support/token-shapes), read as any other: who that is, or why it is refused. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { checkAccessToken, checkTyp } from '../../src/oauth/access-token.ts';
import { isDenied } from '../../src/oauth/denial.ts';
import { refuseIdToken } from '../../src/oauth/id-token.ts';

const FOLDER = join(import.meta.dirname, '../support/token-shapes');
/** When they were made, by what they say. */
const NOW_MS = 1_800_000_000_000;

const Shape = z.object({
  source: z.array(z.string()).min(1),
  tokens: z.record(
    z.string(),
    z.object({
      header: z.looseObject({ typ: z.string().optional() }),
      claims: z.looseObject({ iss: z.string(), aud: z.union([z.string(), z.array(z.string())]).optional() }),
    }),
  ),
});

/** Subject, client and scopes of each token, or the reason of its refusal, where its audiences are configured. */
const EXPECTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  auth0: {
    client_credentials: 'my-client@clients, my-client, mcp:read',
    user: 'auth0|123456, my-mcp-client, openid profile mcp:read',
    user_rfc9068: 'auth0|123456, my-mcp-client, openid profile mcp:read',
  },
  authentik: {
    client_credentials: 'a hash, my-client, ',
    user: 'a hash, my-mcp-client, ',
    id_token: 'id_token',
  },
  // Of the claims that only ID tokens have, its ID tokens need not hold any; token_use says what they are.
  cognito: {
    client_credentials: 'invalid_token',
    user: 'invalid_token',
    id_token: 'id_token',
  },
  // With dangerously_accept_id_tokens they are taken.
  dex: { user: 'id_token', id_token: 'id_token' },
  'dex-next': { client_credentials: 'id_token' },
  entra: {
    v1_user: 'a pairwise sub, 11112222-bbbb-3333-cccc-4444dddd5555, mcp.read',
    v1_client_credentials: 'aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb, 11112222-bbbb-3333-cccc-4444dddd5555, ',
    v2_user: 'a pairwise sub, 11112222-bbbb-3333-cccc-4444dddd5555, mcp.read',
    v2_client_credentials: 'aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb, 11112222-bbbb-3333-cccc-4444dddd5555, ',
    v2_user_with_roles: 'a pairwise sub, 11112222-bbbb-3333-cccc-4444dddd5555, mcp.read',
  },
  glewlwyd: { client_credentials: 'obex-test, obex-test, mcp:read' },
  hydra: {
    client_credentials: 'my-client, my-client, mcp:read',
    user: 'alice, my-mcp-client, mcp:read offline_access',
  },
  'hydra-opaque': {},
  keycloak: {
    client_credentials: 'a-uuid, my-client, email mcp:read profile',
    user: 'a-uuid, my-mcp-client, email mcp:read profile',
  },
  lemonldap: {
    client_credentials: 'obex-test, obex-test, mcp:read',
    user: 'dwho, obex-test-public, mcp:read openid',
  },
  'oidc-provider': {
    client_credentials: 'obex-demo, obex-demo, demo:use',
    user: 'demo-user, a client id, demo:use',
  },
  okta: {
    client_credentials: 'my-client, my-client, mcp:read',
    user: 'alice@example.com, my-mcp-client, openid mcp:read',
    user_dpop: 'alice@example.com, my-mcp-client, openid mcp:read',
  },
  // Nothing says of its ID tokens what they are: `obex check` warns of client ids as audiences.
  spring: {
    client_credentials: 'my-client, , mcp:read',
    user: 'alice, , mcp:read openid',
    id_token: 'alice, my-mcp-client, ',
  },
  zitadel: {
    client_credentials: '345377791925026818, my-client, ',
    user: '312345678901234567, 355555555555555555@my-project, ',
  },
};

function read({ header, claims }: z.output<typeof Shape>['tokens'][string]): string {
  const denial = checkTyp(header.typ) ?? refuseIdToken(header.typ, claims);
  const audiences = [claims.aud ?? []].flat();
  const expected = { issuer: claims.iss, audiences, resourceUri: undefined, clockSkewMs: 0 };
  const token = denial ?? checkAccessToken(claims, expected, NOW_MS);
  if (isDenied(token)) return token.reason;
  return [token.subject, token.client, [...token.scopes].join(' ')].join(', ');
}

describe('RFC 9068 §2.2, tokens as identity providers make them', () => {
  for (const path of globSync('*.json', { cwd: FOLDER }).toSorted()) {
    const name = basename(path, '.json');
    it(`reads those of ${name}`, () => {
      const { tokens } = Shape.parse(JSON.parse(readFileSync(join(FOLDER, path), 'utf8')));
      const found = Object.fromEntries(Object.entries(tokens).map(([purpose, token]) => [purpose, read(token)]));
      assert.deepEqual(found, EXPECTED[name]);
    });
  }
});
