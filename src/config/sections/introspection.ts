/** Section of the config about tokens that their issuer is asked about. RFC 7662. */
import * as z from 'zod/mini';
import { duration, leaf, oneOf, optional, text } from '../leaf.ts';
import { parseIntrospectionEndpoint } from '../urls.ts';

export const introspectionSection = z
  .optional(
    z.strictObject({
      client_id: text({
        example: 'obex',
        meaning: 'Who Obex is to the issuer: a client of its own there, which may introspect (HTTP Basic).',
      }),
      client_secret: text({ secret: true, example: '${INTROSPECTION_SECRET}', meaning: 'Its secret.' }),
      endpoint: optional(
        leaf(
          {
            kind: 'URL',
            json: { type: 'string' },
            optional: true,
            example: 'https://auth.your-company.com/introspect',
            meaning:
              'Where questions go. Absent = discovered from the issuer, as keys are. https, unless the host is loopback or ' +
              '`idp.dangerously_allow_http` is set.',
          },
          parseIntrospectionEndpoint,
        ),
      ),
      tokens: oneOf(['opaque', 'all'], {
        default: 'opaque',
        meaning:
          'Which tokens it is asked about: those that are no JWT, or its JWTs too, after they have been verified.',
      }),
      cache_ttl: duration({
        min: 0,
        max: 3_600_000,
        default: '30s',
        meaning:
          'How long an answer counts, `exp` permitting: for so long a token that is revoked still passes. 0 = the issuer is asked ' +
          'at each request.',
      }),
    }),
  )
  .register(z.globalRegistry, {
    description:
      'Tokens that Obex cannot read: the issuer is asked what they are (RFC 7662). One issuer at most can have it, and no other ' +
      'inherits it.',
  });
