/** The shapes of what the store and the browsers hold. It was sealed by an Obex, perhaps by an older one. */
import type { AdapterPayload } from 'oidc-provider';
import * as z from 'zod/mini';
import { isJsonObject } from '../lib/json-text.ts';
import type { Revocation } from '../state/revoked-tokens.ts';
import type { Family } from './family.ts';
import type { Flow } from './flow.ts';
import type { RememberedConsent } from './remembered-consents.ts';
import type { SigningKey } from './signing-keys.ts';
import type { Verifier } from './upstream/upstream.ts';

const optionalText = z.pipe(
  z.optional(z.string()),
  z.transform((text: string | undefined) => text),
);

const person = z.object({ subject: z.string(), email: optionalText, name: optionalText, groups: z.array(z.string()) });

const family = z.object({
  person,
  grantId: z.string(),
  clientId: z.string(),
  clientName: optionalText,
  resource: optionalText,
  scopes: z.array(z.string()),
  upstreamToken: optionalText,
  begunMs: z.number(),
  confirmedMs: z.number(),
});

const revocation = z.object({
  by: z.enum(['subject', 'client', 'all']),
  name: z.string(),
  issuedUntil: z.number(),
  endsAtMs: z.number(),
});

const flow = z.object({
  interaction: z.record(z.string(), z.unknown()),
  formToken: z.string(),
  asksForAnother: z.boolean(),
});

const verifier = z.object({ state: z.string(), nonce: z.string(), codeVerifier: z.string() });

const consents = z.array(z.object({ digest: z.string(), endsAtMs: z.number() }));

const signingKeys = z.array(
  z.object({ kid: z.string(), x: z.string(), y: z.string(), d: z.string(), madeMs: z.number() }),
);

/** Undefined for what has another shape: it then counts as absent. */
export type Read<T> = (value: unknown) => T | undefined;

export const readFamily: Read<Family> = (value) => family.safeParse(value).data;
export const readFlow: Read<Flow> = (value) => flow.safeParse(value).data;
export const readVerifier: Read<Verifier> = (value) => verifier.safeParse(value).data;
export const readConsents: Read<readonly RememberedConsent[]> = (value) => consents.safeParse(value).data;
export const readSigningKeys: Read<readonly SigningKey[]> = (value) => signingKeys.safeParse(value).data;
export const readRevocation: Read<Revocation> = (value) => revocation.safeParse(value).data;
export const readText: Read<string> = (value) => (typeof value === 'string' ? value : undefined);

/** The library reads its own members strictly. */
export const readPayload: Read<AdapterPayload> = (value) => (isJsonObject(value) ? value : undefined);
