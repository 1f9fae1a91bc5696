/** Who is named in `login`: addresses, domains, tenants. OpenID Connect Core §5.1 (email), RFC 5321 §2.3.5 (domains). */
import { leaf, optional } from './leaf.ts';
import { type Refused, refuse } from './refused.ts';

const DOMAIN = /^(?!.{254})[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/;
/** RFC 5321 §4.1.2 without quoting, and without what would be taken for a pattern. */
const LOCAL_PART = /^[A-Za-z0-9!#$%&'+/=?^_`{|}~.-]{1,64}$/;
const TENANT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SHARED_TENANTS = ['common', 'organizations', 'consumers'];
const EXAMPLE_TENANT = '11112222-bbbb-3333-cccc-4444dddd5555';
const text = { kind: 'string', json: { type: 'string' } } as const;

function parseEmail(value: unknown): string | Refused {
  const wanted = 'expected an address such as "ann@example.com"';
  if (typeof value !== 'string') return refuse(wanted, value);
  const [local = '', domain = '', ...more] = value.split('@');
  if (local === '*' || local === '') return refuse(wanted, value, 'whole domains belong in email_domains');
  const isPlain = more.length === 0 && DOMAIN.test(domain.toLowerCase()) && LOCAL_PART.test(local);
  return isPlain ? value : refuse(wanted, value);
}

/** In lower case, as domains are compared. */
function parseEmailDomain(value: unknown): string | Refused {
  const wanted = 'expected a domain such as "example.com"';
  if (typeof value !== 'string') return refuse(wanted, value);
  if (value.includes('*')) return refuse(wanted, value, 'patterns are not taken: name every domain by itself');
  if (value.includes('@')) {
    const cure = value.startsWith('@') ? 'delete the "@"' : 'whole addresses belong in emails';
    return refuse('must not hold an "@"', value, cure);
  }
  const domain = value.toLowerCase();
  return DOMAIN.test(domain) ? domain : refuse(wanted, value, 'write domains beyond ASCII as "xn--…"');
}

/** Its name would not do: tokens and metadata have the id. */
function parseTenant(value: unknown): string | undefined | Refused {
  if (value === '') return undefined;
  const id = typeof value === 'string' ? value.toLowerCase() : '';
  const cure = 'write the id of your own tenant, which the Entra admin center shows under Overview';
  if (SHARED_TENANTS.includes(id))
    return refuse('must be one tenant: this one is everybody with an account at Microsoft', value, cure);
  return TENANT.test(id) ? id : refuse(`expected the id of a tenant, such as "${EXAMPLE_TENANT}"`, value, cure);
}

export const email = leaf({ ...text, meaning: 'E-mail address.' }, parseEmail);
export const emailDomain = leaf({ ...text, meaning: 'Domain of e-mail addresses.' }, parseEmailDomain);
export const tenant = optional(
  leaf(
    {
      ...text,
      optional: true,
      example: EXAMPLE_TENANT,
      meaning: 'With `provider: entra`, which needs it: the id of your tenant. `common` and its like are refused.',
    },
    parseTenant,
  ),
);
