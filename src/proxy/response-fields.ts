/** What becomes of a response field: which the backend may say, which it may not, which change. RFC 9110 §7.6, §7.7. */

/**
 * `reference`: a URL of the backend becomes a public one (the field is one, or `REFERENCES` says where they stand in it).
 * `cookie`: stays with the public host.
 */
export type Treatment = 'pass' | 'drop' | 'reference' | 'link' | 'refresh' | 'challenge' | 'cookie';

const TREATMENTS: ReadonlyMap<string, Treatment> = new Map<string, Treatment>([
  // RFC 9110 §7.6.1, §11.7.1: between the backend and Obex. The engine takes off what Connection names, and framing.
  ...dropped('keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'),
  // RFC 9110 §11.6.3, §11.7: about credentials that Obex has sent, not the client.
  ...dropped('authentication-info', 'proxy-authenticate', 'proxy-authentication-info'),
  // RFC 9449 §8: proofs end at Obex, so a nonce of the backend would only mislead, and two are one too many.
  ...dropped('dpop-nonce', 'x-obex-request-id'),
  // RFC 7838: another way to the origin, round Obex and with the token.
  ...dropped('alt-svc'),
  // RFC 6797, RFC 7469, RFC 9163: binds every service of the public host, and its subdomains, for a year.
  ...dropped('strict-transport-security', 'public-key-pins', 'public-key-pins-report-only', 'expect-ct'),
  // W3C: deletes, reports, or takes over what belongs to the whole public origin.
  ...dropped('clear-site-data', 'nel', 'report-to', 'reporting-endpoints', 'service-worker-allowed', 'set-login'),
  // Access-Control-*, by prefix, and its kin: what pages of other origins may see, `cors` says.
  ...dropped('timing-allow-origin'),
  // X-Accel-*, by prefix, and its kin: orders to the server in front, which would send one of its files. Not the word
  // by which nginx lets a stream through.
  ...dropped('x-sendfile', 'x-lighttpd-send-file', 'x-litespeed-location', 'x-reproxy-url'),
  ['x-accel-buffering', 'pass'],
  ['location', 'reference'],
  ['content-location', 'reference'],
  ['link', 'link'],
  ['refresh', 'refresh'],
  ['www-authenticate', 'challenge'],
  ['set-cookie', 'cookie'],
]);

const DROPPED_PREFIXES = ['access-control-', 'x-accel-'];

/** Where URLs stand in a field that is not one: what is before the URL, and the URL. */
export const REFERENCES = {
  // RFC 8288 §3.
  link: /(<)([^>]*)/g,
  // WHATWG HTML §4.2.5.3, shared declarative refresh steps.
  refresh: /^([\d.\s]*[;,]?\s*(?:url\s*=\s*)?["']?)([^"']*)/i,
  // RFC 9728 §5.1: the metadata of the backend would lead to other authorization servers, or nowhere.
  challenge: /(resource_metadata\s*=\s*")([^"]*)/gi,
} as const;

/** The treatment of the field with this name, in lower case. */
export function treatmentOf(lower: string): Treatment {
  const treatment = TREATMENTS.get(lower);
  if (treatment !== undefined) return treatment;
  return DROPPED_PREFIXES.some((prefix) => lower.startsWith(prefix)) ? 'drop' : 'pass';
}

function dropped(...names: readonly string[]): readonly (readonly [string, 'drop'])[] {
  return names.map((name) => [name, 'drop']);
}
