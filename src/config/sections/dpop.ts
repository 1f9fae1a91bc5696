/** Section of the config about proof of possession. RFC 9449. */
import { boolean, duration, list, number, oneOf, section } from '../leaf.ts';
import { sharedSecret } from '../shared-secret.ts';
import { algorithm } from './access.ts';
import { replayCacheRedis } from './redis.ts';

export const dpopSection = section(
  'Tokens bound to a key of the client. Needs `idp`; with `enabled: true` Obex is in phase 3.',
  {
    enabled: boolean({ default: false, meaning: 'Verify DPoP proofs and key-bound tokens.' }),
    required: boolean({ default: false, meaning: 'Refuse plain bearer tokens: every request needs a proof.' }),
    proof_lifetime: duration({
      min: 1000,
      max: 3_600_000,
      default: '60s',
      meaning: 'How long a proof is good after its `iat`.',
    }),
    algorithms: list(algorithm, {
      default: ['RS256', 'ES256'],
      nonEmpty: 'name at least one, or delete the key for [RS256, ES256]',
      meaning:
        'Signature algorithms accepted of proofs, published in this order; independent of `idp.accepted_algorithms`.',
    }),
    accept_bearer_scheme: boolean({
      default: true,
      meaning:
        'Accept a bound token with a valid proof under `Authorization: Bearer` too; false = RFC 9449 §7.2 to the letter.',
    }),
    nonce: oneOf(['off', 'required'], {
      default: 'off',
      meaning: '`required` = proofs must carry a nonce of Obex (RFC 9449 §9).',
    }),
    nonce_secret: sharedSecret(
      'Seals the nonces; the same in every replica. Absent = derived from `obex.secret`; without that, made at start.',
    ),
    replay_cache: section('Proofs seen, so that none is used twice.', {
      backend: oneOf(['memory', 'redis'], {
        default: 'memory',
        meaning: '`redis` when more than one process serves the same URL.',
      }),
      max_entries: number({
        kind: 'integer',
        min: 1,
        max: 100_000_000,
        default: 1_000_000,
        meaning: 'Proofs remembered in memory, allocated as used; beyond it 503 `replay_cache_full`.',
      }),
      redis: replayCacheRedis,
    }),
  },
);
