/** The section of the config about what is for whoever runs Obex: admin. */
import { leaf, section } from '../leaf.ts';
import { isLocalAddress, type ListenAddress, parseListen } from '../listen.ts';
import { Refused, refuse } from '../refused.ts';
import { sharedSecret } from '../shared-secret.ts';

export const adminSection = section('Control of a running Obex, for whoever runs it.', {
  listen: leaf<ListenAddress | undefined>(
    {
      kind: 'address',
      json: { type: 'string' },
      default: '',
      example: 'unix:/run/obex/control.sock',
      meaning:
        'Where commands such as `obex login` reach the running Obex: `"unix:/path"`, which only the user that Obex runs as can open, in ' +
        'a folder that nobody else can write to (made where it is missing), or a port of loopback, `"127.0.0.1:port"` or `"[::1]:port"`, which ' +
        'needs `token`. Empty = nowhere. Fixed over a reload.',
    },
    parseAdminListen,
  ),
  token: sharedSecret(
    'With a port of loopback, which every user of the machine can reach: what those who may command hold alike, and never send.',
  ),
});

const FORMS = 'expected "unix:/run/obex/control.sock", "127.0.0.1:9902" or "[::1]:9902"';

function parseAdminListen(value: unknown): ListenAddress | undefined | Refused {
  if (value === '') return undefined;
  const address = parseListen(value);
  if (address instanceof Refused) return address;
  // A name is whatever the resolver makes of it.
  const isFixed = 'path' in address || (address.host !== 'localhost' && isLocalAddress(address));
  if (!isFixed) return refuse(FORMS, value, 'other machines must not reach it');
  if ('port' in address && address.port === 0) return refuse(FORMS, value, 'name the port, which commands must know');
  return address;
}
