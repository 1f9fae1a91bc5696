/** Section of the config about assertions: what Obex signs for the backend. RFC 7519. */
import { boolean, duration, section, text } from '../leaf.ts';

export const assertionSection = section(
  'A signed statement of who is calling, `X-Obex-Assertion`, for a backend that does not believe headers alone. Needs `idp`.',
  {
    enabled: boolean({
      default: false,
      meaning: 'Send one with every request, and publish the keys at `/.well-known/obex-jwks.json`.',
    }),
    audience: text({
      allowEmpty: true,
      default: '',
      example: 'https://my-tool.internal',
      meaning: '`aud`. Empty = `backend.url`, without a final slash.',
    }),
    ttl: duration({
      min: 10_000,
      max: 3_600_000,
      default: '60s',
      meaning:
        'How long one is good, but never beyond its token. One serves all requests with the same token for half of that time.',
    }),
    key_file: text({
      allowEmpty: true,
      default: '',
      meaning:
        'Private key that signs, PEM without passphrase: EC P-256 (ES256) or P-384 (ES384), Ed25519 (EdDSA), RSA of 2048 to 4096 bits ' +
        '(RS256). Read again when it changes and on SIGHUP; the key before it stays published as long as its assertions are good. Empty = ' +
        'made at start: fine for one replica.',
    }),
  },
);
