/** Where the authorization server keeps what it must remember, in the config. */
import { leaf, oneOf, section } from '../leaf.ts';
import { type Refused, refuse } from '../refused.ts';

export const store = section('Where codes, logins and refresh tokens are kept, sealed with a key from `obex.secret`.', {
  backend: oneOf(['memory', 'sqlite', 'redis'], {
    default: 'memory',
    meaning:
      '`sqlite` = a file, which a restart leaves as it is; `redis` = the one of the section `redis`, which several replicas share. ' +
      'Fixed over a reload.',
  }),
  path: leaf(
    {
      kind: 'string',
      json: { type: 'string' },
      default: '',
      example: '/var/lib/obex/login.db',
      meaning: 'The file of `sqlite`, an absolute path.',
    },
    parseStorePath,
  ),
});

function parseStorePath(value: unknown): string | Refused {
  const isPath = typeof value === 'string' && (value === '' || (value.startsWith('/') && !/\p{Cc}/u.test(value)));
  return isPath ? value : refuse('expected an absolute path such as "/var/lib/obex/login.db"', value);
}
