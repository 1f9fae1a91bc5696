/** How Obex shows the IdP that it is the client it says. RFC 6749 §2.3.1, RFC 7523 §2.2, OpenID Connect Core §9. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type ClientAuth, ClientSecretPost, modifyAssertion, None, PrivateKeyJwt } from 'openid-client';
import type { UpstreamOptions } from '../options.ts';
import type { UpstreamPreset } from './presets.ts';

/** The methods and algorithms that the IdP supports stand in its metadata, which come with each call. */
export function authenticateClient(options: UpstreamOptions, preset: UpstreamPreset): ClientAuth {
  const { clientSecret, privateKey } = options;
  if (privateKey !== undefined) return signAssertions(privateKey, preset);
  return clientSecret === undefined ? None() : sendSecret(clientSecret, preset);
}

function sendSecret(secret: string, { secretInBody }: UpstreamPreset): ClientAuth {
  const inBody = ClientSecretPost(secret);
  return (...call) => {
    const [server, client, , headers] = call;
    // OpenID Connect Discovery §3: the default is client_secret_basic.
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const mayBeInBody = methods.includes('client_secret_post');
    if (mayBeInBody && (secretInBody === true || !methods.includes('client_secret_basic'))) {
      return inBody(...call);
    }
    headers.set('authorization', formatBasic(client.client_id, secret));
  };
}

/** The library also encodes `-`, `_` and `.`, which Appendix B of RFC 6749 need not, and which some IdPs do not decode. */
function formatBasic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeForm(id)}:${encodeForm(secret)}`).toString('base64')}`;
}

function encodeForm(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function signAssertions(pem: string, { assertionAudience }: UpstreamPreset): ClientAuth {
  const key = createPrivateKey(pem);
  const [certificate] = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s) ?? [];
  const thumbprint = certificate === undefined ? undefined : certificateThumbprint(certificate);
  return (...call) => {
    const [server] = call;
    const algorithms = server['token_endpoint_auth_signing_alg_values_supported'];
    const sign = PrivateKeyJwt(toSigningKey(key, prefersPss(algorithms, thumbprint)), {
      [modifyAssertion]: (header, payload) => {
        // RFC 9864 gave the curve a name of its own; most IdPs know the old one.
        if (header['alg'] === 'Ed25519' && !includes(algorithms, 'Ed25519')) header['alg'] = 'EdDSA';
        if (thumbprint !== undefined) header['x5t#S256'] = thumbprint;
        if (assertionAudience !== undefined && server.token_endpoint !== undefined)
          payload['aud'] = server.token_endpoint;
      },
    });
    return sign(...call);
  };
}

/** RFC 7515 §4.1.8. Entra finds the key by it, which is why its certificate may stand beside the key. */
function certificateThumbprint(pem: string): string {
  return Buffer.from(new X509Certificate(pem).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}

/** Entra wants PS256 with certificates, and lists no algorithms. */
function prefersPss(algorithms: unknown, thumbprint: string | undefined): boolean {
  if (includes(algorithms, 'RS256')) return false;
  return includes(algorithms, 'PS256') || (algorithms === undefined && thumbprint !== undefined);
}

function toSigningKey(key: KeyObject, pss: boolean): CryptoKey {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ec')
    return key.toCryptoKey({ name: 'ECDSA', namedCurve: webCurve(details?.namedCurve) }, false, ['sign']);
  if (type === 'ed25519') return key.toCryptoKey('Ed25519', false, ['sign']);
  return key.toCryptoKey({ name: pss ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
}

function webCurve(opensslName: string | undefined): string {
  if (opensslName === 'secp384r1') return 'P-384';
  return opensslName === 'secp521r1' ? 'P-521' : 'P-256';
}

function includes(list: unknown, value: string): boolean {
  return Array.isArray(list) && list.includes(value);
}
