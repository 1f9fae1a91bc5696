/** Makes a self-signed certificate for a TLS server. RFC 5280 §4.1; RFC 5758 §3.2 (ECDSA with SHA-256). */
import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type AsnType,
  BitString,
  Boolean,
  Constructed,
  fromBER,
  GeneralizedTime,
  Integer,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
  Set,
  UTCTime,
  Utf8String,
} from 'asn1js';
import { addressBytes } from './host.ts';

export interface CertificateRequest {
  /** The common name of subject and issuer. */
  readonly commonName: string;
  /** IP addresses and DNS names. */
  readonly hosts: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** PEM texts. */
export interface MadePair {
  readonly cert: string;
  readonly key: string;
}

const VERSION_3 = 2;
const CONTEXT_SPECIFIC = 3;

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** A new P-256 key, and a certificate that it has signed. */
export function makeCertificate(request: CertificateRequest): MadePair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256));
  const commonName = sequence(objectIdentifier(OID.commonName), new Utf8String({ value: request.commonName }));
  const name = sequence(new Set({ value: [commonName] }));
  const toBeSigned = sequence(
    tagged(0, new Integer({ value: VERSION_3 })),
    Integer.fromBigInt(`0x${randomBytes(16).toString('hex')}`),
    algorithm,
    name,
    sequence(time(request.notBefore), time(request.notAfter)),
    name,
    fromBER(publicKey.export({ type: 'spki', format: 'der' })).result,
    tagged(3, sequence(...extensions(request.hosts))),
  );
  const signature = sign('sha256', new Uint8Array(toBeSigned.toBER()), privateKey);
  const certificate = sequence(toBeSigned, algorithm, new BitString({ valueHex: bytes(signature) }));
  return {
    cert: new X509Certificate(new Uint8Array(certificate.toBER())).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

/**
 * No certificate authority, so that nobody who gets hold of the server's key can make certificates for other names that
 * the clients of this one would trust. A client that is told to trust this very certificate accepts it all the same. No key
 * usage (§4.2.1.3): without keyCertSign some clients refuse it as one that they trust, and with it others might let it sign.
 */
function extensions(hosts: readonly string[]): Sequence[] {
  // Tells apart the certificates of several servers, or of one over time, that a client trusts: their names are equal.
  const keyIdentifier = bytes(randomBytes(20));
  return [
    // §4.2.1.9: `cA` is false by default.
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.extKeyUsage, sequence(objectIdentifier(OID.serverAuth))),
    extension(OID.subjectAltName, sequence(...hosts.map(generalName))),
    extension(OID.subjectKeyIdentifier, new OctetString({ valueHex: keyIdentifier })),
    extension(OID.authorityKeyIdentifier, sequence(taggedBytes(0, keyIdentifier))),
  ];
}

/** The key usage `digitalSignature` alone, critical, as earlier versions wrote it. */
const FORMER_KEY_USAGE = Buffer.from('300e0603551d0f0101ff040403020780', 'hex');

/** Whether a certificate was made in a way that clients have turned out to refuse. */
export function isFormerKind({ raw }: X509Certificate): boolean {
  return raw.includes(FORMER_KEY_USAGE);
}

function extension(id: string, value: AsnType, isCritical = false): Sequence {
  // DER leaves out what is the default.
  const critical = isCritical ? [new Boolean({ value: true })] : [];
  return sequence(objectIdentifier(id), ...critical, new OctetString({ valueHex: value.toBER() }));
}

/** §4.2.1.6: dNSName is [2], iPAddress is [7]. */
function generalName(host: string): Primitive {
  return isIP(host) === 0 ? taggedBytes(2, bytes(Buffer.from(host))) : taggedBytes(7, bytes(addressBytes(host)));
}

/** §4.1.2.5: UTCTime, whose years have two digits, through 2049; GeneralizedTime from 2050 on. */
function time(valueDate: Date): UTCTime | GeneralizedTime {
  return valueDate.getUTCFullYear() < 2050 ? new UTCTime({ valueDate }) : new GeneralizedTime({ valueDate });
}

function sequence(...value: AsnType[]): Sequence {
  return new Sequence({ value });
}

function objectIdentifier(value: string): ObjectIdentifier {
  return new ObjectIdentifier({ value });
}

function tagged(tagNumber: number, value: AsnType): Constructed {
  return new Constructed({ idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber }, value: [value] });
}

function taggedBytes(tagNumber: number, valueHex: ArrayBuffer): Primitive {
  return new Primitive({ idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber }, valueHex });
}

function bytes(values: Iterable<number>): ArrayBuffer {
  return Uint8Array.from(values).buffer;
}
