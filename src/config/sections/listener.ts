/** Sections of the config that say where Obex stands: obex, metrics, log. */
import { boolean, leaf, list, oneOf, section, text } from '../leaf.ts';
import { type ListenAddress, parseCidr, parseHostName, parseListen } from '../listen.ts';
import { refuse } from '../refused.ts';
import { sharedSecret } from '../shared-secret.ts';
import { parsePublicUrl } from '../urls.ts';

const MOST_WORKERS = 1024;

const workers = leaf<number | 'auto'>(
  {
    kind: 'integer',
    json: { anyOf: [{ type: 'integer', minimum: 1, maximum: MOST_WORKERS }, { type: 'string' }] },
    default: 1,
    allowed: `1 to ${MOST_WORKERS}, "auto"`,
    meaning:
      'Threads that serve requests on one port; `auto` = one per core, and one on a unix socket. Limits, rate limits, replay ' +
      'protection, keys and metrics are those of the whole process; `max_idle_conns` and `token_cache` are per worker.',
  },
  (value) => {
    if (value === 'auto') return value;
    const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= MOST_WORKERS) return count;
    return refuse(`expected a whole number from 1 to ${MOST_WORKERS}, or "auto"`, value);
  },
);

const tls = section('HTTPS on the listener.', {
  enabled: boolean({ default: false, meaning: 'Serve https. Off = plain http, for use behind a TLS terminator.' }),
  cert_file: text({
    default: '/etc/obex/certs/server.crt',
    meaning: 'Certificate chain, PEM, the own certificate first. Read again when it changes and on SIGHUP.',
  }),
  key_file: text({ default: '/etc/obex/certs/server.key', meaning: 'Private key of the certificate, PEM.' }),
  min_version: oneOf(['1.2', '1.3'], { default: '1.2', meaning: 'Oldest TLS version accepted.' }),
  client_auth: oneOf(['off', 'request', 'require'], {
    default: 'off',
    meaning:
      'Whether clients are asked for a certificate, so that tokens may be bound to it (RFC 8705). `request` = they may go ' +
      'without; `require` = what comes over a connection without one that counts is 403 `client_certificate_required`, but for ' +
      'the endpoints that need no token. Fixed over a reload.',
  }),
  client_ca_file: text({
    default: '',
    allowEmpty: true,
    meaning:
      'Certificate authorities that a certificate of a client must chain to, PEM; others count as none. Read again when it ' +
      'changes and on SIGHUP, for new connections. Empty = any certificate counts, for the binding of tokens alone: it says of ' +
      'nobody who they are.',
  }),
});

export const obexSection = section('The proxy itself: its public address, its listener.', {
  public_url: leaf(
    {
      kind: 'URL',
      json: { type: 'string' },
      example: 'https://my-tool.example.com',
      meaning:
        'The URL under which clients reach Obex: scheme and authority, no path. Base of the metadata URL. https, unless the ' +
        'host is loopback.',
    },
    parsePublicUrl,
  ),
  listen: leaf<ListenAddress>(
    {
      kind: 'address',
      json: { type: 'string' },
      default: ':8443',
      meaning:
        'Where to listen: `":port"` (every address), `"host:port"`, `"[::1]:port"` or `"unix:/path"`. Port 0 = chosen by the kernel.',
    },
    parseListen,
  ),
  workers,
  secret: sharedSecret(
    'From it everything is derived that replicas must hold alike, each use with a key of its own: the nonces of DPoP, the store and the client ids of `login`. The same in ' +
      'every replica. Absent = made at start. A reload cannot change it.',
  ),
  tls,
  trusted_proxies: list(leaf({ kind: 'string', json: { type: 'string' }, meaning: 'CIDR or address.' }, parseCidr), {
    default: [],
    example: ['10.0.0.0/8'],
    meaning:
      'Addresses (CIDR) of proxies in front of Obex whose `X-Forwarded-For` is believed to name the client, with or without a port.',
  }),
  client_cert_header: boolean({
    default: false,
    meaning:
      'Believe the certificate that a proxy in front forwards as `Client-Cert` (RFC 9440), for the binding of tokens; from a ' +
      'peer in `trusted_proxies` alone, which must remove what clients send under that name.',
  }),
  allowed_hosts: list(leaf({ kind: 'string', json: { type: 'string' }, meaning: 'Host name.' }, parseHostName), {
    default: [],
    example: ['obex.internal'],
    meaning:
      'Phase 1 only: further host names, without port, that the Host field may hold, beside IP literals, `localhost` and the ' +
      'host of `public_url` (defence against DNS rebinding).',
  }),
});

export const metricsSection = section('Prometheus metrics.', {
  listen: leaf<ListenAddress | undefined>(
    {
      kind: 'address',
      json: { type: 'string' },
      default: '',
      meaning:
        'A listener of its own for `/metrics`, written like `obex.listen`; `/metrics` is then 404 on the main one. Empty = ' +
        '`/metrics` on the main listener.',
    },
    (value) => (value === '' ? undefined : parseListen(value)),
  ),
});

export const logSection = section('The log: one JSON event a line.', {
  level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    meaning: 'Least severe events written.',
  }),
  access: oneOf(['all', 'denied', 'off'], {
    default: 'all',
    meaning: 'Which requests leave an access event: `all`, only the `denied`, or none (`off`).',
  }),
  probes: boolean({
    default: false,
    meaning: 'Whether `/health`, `/ready` and `/metrics` leave access events when they are answered.',
  }),
});
