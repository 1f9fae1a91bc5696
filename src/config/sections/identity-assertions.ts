/** The config of identity assertions: login.identity_assertions. draft-ietf-oauth-identity-assertion-authz-grant-03 §4.4. */
import * as z from 'zod/mini';
import { leaf, list, optional, text } from '../leaf.ts';
import { parseAuthorizationServer, parseJwksUri } from '../urls.ts';

const client = text({ meaning: 'Id of a client.' });

const identityAssertion = z.strictObject({
  issuer: leaf(
    {
      kind: 'string',
      json: { type: 'string' },
      example: 'https://auth.your-company.com/',
      meaning:
        '`iss` of the assertions, byte for byte. It must be the IdP of `login.issuer`: the `sub` of another one could be that ' +
        'of somebody else.',
    },
    parseAuthorizationServer,
  ),
  jwks_uri: optional(
    leaf(
      {
        kind: 'URL',
        json: { type: 'string' },
        optional: true,
        example: 'https://auth.your-company.com/.well-known/jwks.json',
        meaning:
          'Where its keys are. Absent = discovered from the issuer. https, unless the host is loopback or ' +
          '`login.dangerously_allow_http` is set.',
      },
      parseJwksUri,
    ),
  ),
  client_ids: list(client, {
    nonEmpty: 'name at least one',
    example: ['my-agent'],
    meaning: 'Which clients may come with its assertions: of `login.clients.static`, with a `client_secret`.',
  }),
});

export const identityAssertions = z.prefault(z.array(identityAssertion), []).register(z.globalRegistry, {
  description:
    'Enterprise-Managed Authorization of MCP: the IdP says in a signed assertion (ID-JAG) that a client may act for a person, ' +
    'who sees no page of Obex. `login.allow` and `login.scope_grants` apply all the same. Empty = no assertion is taken.',
});
