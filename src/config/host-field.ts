/** `backend.host`: what the backend sees as Host. RFC 9110 §7.2: uri-host [ ":" port ]. */
import { leaf } from './leaf.ts';
import { type Refused, refuse } from './refused.ts';

const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/;

function parseHostField(value: unknown): string | Refused {
  if (value === '' || value === 'public') return value;
  const wanted = 'expected "public", or a host with or without port, such as "localhost:9090"';
  if (typeof value !== 'string') return refuse(wanted, value);
  if (value.toLowerCase() === 'public') return refuse(wanted, value, 'write "public"');
  if (/^https?:\/\//i.test(value)) return refuse(wanted, value, 'delete the scheme, and what follows the host');
  return HOST.test(value) && URL.canParse(`http://${value}`) ? value : refuse(wanted, value);
}

/** The schema of `backend.host`. */
export const hostField = leaf(
  {
    kind: 'string',
    json: { type: 'string' },
    default: '',
    example: 'public',
    meaning:
      'What the backend sees as `Host`: empty = the authority of `url`, `public` = that of `resource.url`, anything else = ' +
      'itself (`"localhost:9090"`). For servers that answer to one name alone. Connections and TLS go by `url` all the same.',
  },
  parseHostField,
);
