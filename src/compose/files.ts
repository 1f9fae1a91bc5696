/** Certificate files of the config, read and tried: whatever is wrong names key, file and cure. */
import { generateKeyPairSync } from 'node:crypto';
import { type JudgedFault, judgeCertificates, ownerOf } from '../certs/judge-certificates.ts';
import type { Config } from '../config/schema.ts';
import { parseCertificates, parsePrivateKey } from '../lib/pem.ts';
import { parseSigningKey } from '../oauth/signing-key.ts';
import type { Observers } from '../observe/observers.ts';
import { readTextFile } from '../read-text-file.ts';
import type { ServerTls } from '../wire/exchange.ts';
import { opensslProblem } from '../wire/tls-options.ts';

/** A file and the config key that names it. */
export interface NamedFile {
  readonly key: string;
  readonly path: string;
}

type TlsConfig = Config['obex']['tls'];

/** The certificate files as texts: plain data, read once for all threads. */
export interface RuntimeFiles {
  readonly tls: ServerTls | undefined;
  readonly backendCa: string | undefined;
  /** Undefined without a replay cache in Redis, too. */
  readonly redisCa: string | undefined;
  /** Of `idp` and its `additional_issuers`, in this order. */
  readonly issuerCas: readonly (string | undefined)[];
  /** Undefined without assertions. */
  readonly assertionKey: AssertionKey | undefined;
}

/** The key that signs assertions. */
export interface AssertionKey {
  readonly pem: string;
  /** At start, for want of a file. */
  readonly isMade: boolean;
}

/** `before` are those that these replace. */
export function readRuntimeFiles(config: Config, before?: RuntimeFiles): RuntimeFiles {
  return {
    tls: buildTls(config),
    backendCa: readAuthorities({ key: 'backend.tls.ca_file', path: config.backend.tls.ca_file }),
    redisCa: readAuthorities(redisAuthorities(config)),
    issuerCas: issuerAuthorities(config).map(readAuthorities),
    assertionKey: readAssertionKey(config, before?.assertionKey),
  };
}

/** A key that was made stays, as long as no file takes its place. */
export function readAssertionKey({ backend }: Config, before: AssertionKey | undefined): AssertionKey | undefined {
  const { enabled, key_file: path } = backend.assertion;
  if (!enabled) return undefined;
  if (path === '') return before?.isMade === true ? before : { pem: makeSigningKey(), isMade: true };
  const file = { key: 'backend.assertion.key_file', path };
  const pem = readNamedFile(file, readTextFile);
  parseNamedFile(file, pem, parseSigningKey);
  return { pem, isMade: false };
}

function makeSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

const NO_LOGIN = { private_key_file: '', logo_file: '', tls: { ca_file: '' } };

/** The paths that are read beside the configuration. */
export function runtimeFilePaths(config: Config): readonly string[] {
  const { tls } = config.obex;
  const certificate = tls.enabled ? [tls.cert_file, tls.key_file, tls.client_ca_file] : [];
  const files = [redisAuthorities(config), loginRedisAuthorities(config), ...issuerAuthorities(config)];
  const authorities = files.map(({ path }) => path);
  const { tls: backendTls, assertion } = config.backend;
  const assertionKey = assertion.enabled ? assertion.key_file : '';
  const { private_key_file: loginKey, logo_file: logo, tls: loginTls } = config.login ?? NO_LOGIN;
  const login = [loginKey, logo, loginTls.ca_file];
  return [...certificate, backendTls.ca_file, assertionKey, ...authorities, ...login].filter((path) => path !== '');
}

const REDIS_CA = 'redis.tls.ca_file';

/** Of the Redis of the login store; without that there is none to read. */
export function loginRedisAuthorities({ login, redis }: Config): NamedFile {
  return { key: REDIS_CA, path: login?.store.backend === 'redis' ? redis.tls.ca_file : '' };
}

/** Without a replay cache in Redis there is none to read. */
export function redisAuthorities({ idp, dpop, redis }: Config): NamedFile {
  const isUsed = idp !== undefined && dpop.enabled && dpop.replay_cache.backend === 'redis';
  const { ca_file: path } = dpop.replay_cache.redis.tls;
  const isShared = path === redis.tls.ca_file;
  return { key: isShared ? REDIS_CA : 'dpop.replay_cache.redis.tls.ca_file', path: isUsed ? path : '' };
}

/** The files of `RuntimeFiles.issuerCas`. */
export function issuerAuthorities({ idp }: Config): readonly NamedFile[] {
  if (idp === undefined) return [];
  const additional = idp.additional_issuers.map(({ tls }, index) => ({
    key: `idp.additional_issuers[${index}].tls.ca_file`,
    path: tls.ca_file,
  }));
  return [{ key: 'idp.tls.ca_file', path: idp.tls.ca_file }, ...additional];
}

/** Certificate and key of the listener. Throws an error that a person can act on, as all functions here do. */
export function buildTls({ obex }: Config): ServerTls | undefined {
  if (!obex.tls.enabled) return undefined;
  const { cert, certificates } = readCertificates(obex.tls);
  const { key, privateKey } = readPrivateKey(obex.tls);
  const { cert_file: certFile, key_file: keyFile, min_version: minVersion, client_auth: clientAuth } = obex.tls;
  const owner = ownerOf(privateKey, certificates);
  if (owner !== 1) {
    const cure = owner === 0 ? '' : `; it belongs to number ${owner} there: put that one first`;
    throw new Error(`obex.tls.key_file: ${keyFile} does not belong to the certificate in obex.tls.cert_file${cure}`);
  }
  const clients = clientAuth === 'off' ? undefined : { ca: readClientAuthorities(obex.tls) };
  const tls: ServerTls = { cert, key, minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2', clients };
  const problem = opensslProblem(tls);
  if (problem !== undefined) throw new Error(`obex.tls.cert_file: OpenSSL refuses ${certFile}: ${problem}`);
  return tls;
}

/** The authorities that vouch for clients; undefined = nobody needs to. OpenSSL follows a chain to a root, and takes no other. */
export function readClientAuthorities({ client_ca_file: path }: TlsConfig): string | undefined {
  const file = { key: 'obex.tls.client_ca_file', path };
  const pem = readAuthorities(file);
  if (pem === undefined) return undefined;
  const certificates = parseNamedFile(file, pem, parseCertificates);
  const orphan = certificates.find((one) => !certificates.some((issuer) => one.checkIssued(issuer)));
  if (orphan === undefined) return pem;
  const number = certificates.indexOf(orphan) + 1;
  throw new Error(
    `${file.key}: ${path} holds certificate number ${number} without that of its issuer; add it, up to the root`,
  );
}

export function readCertificates({ cert_file: path }: TlsConfig) {
  const file = { key: 'obex.tls.cert_file', path };
  const cert = readNamedFile(file, readTextFile);
  return { cert, certificates: parseNamedFile(file, cert, parseCertificates) };
}

/** What clients will have against the certificates in use, which is no reason not to start: the clock may be wrong. */
export function judgeTls({ obex }: Config, { cert }: ServerTls, nowMs: number): readonly JudgedFault[] {
  const certificates = parseCertificates(cert);
  if (typeof certificates === 'string') return [];
  return judgeCertificates(certificates, { host: obex.public_url.hostname.replace(/^\[|\]$/g, ''), nowMs });
}

/** Says so in the log, at start and at each reload. */
export function warnOfCertificates(config: Config, { tls }: RuntimeFiles, { clock, log }: Observers): void {
  if (tls === undefined) return;
  const file = config.obex.tls.cert_file;
  for (const { fault, problem } of judgeTls(config, tls, clock.nowMs())) {
    log.warn('certificate_warning', { fault, message: `${file} ${problem}` });
  }
}

export function readPrivateKey({ key_file: path }: TlsConfig) {
  const file = { key: 'obex.tls.key_file', path };
  const key = readNamedFile(file, readTextFile);
  return { key, privateKey: parseNamedFile(file, key, parsePrivateKey) };
}

/** A PEM bundle of certificate authorities; undefined for the empty path, which stands for the public ones. */
export function readAuthorities(file: NamedFile): string | undefined {
  if (file.path === '') return undefined;
  const pem = readNamedFile(file, readTextFile);
  parseNamedFile(file, pem, parseCertificates);
  return pem;
}

/** Reads a file by its path; throws an error that names key, path and cure. */
export function readNamedFile<T>({ key, path }: NamedFile, read: (path: string) => T): T {
  let code: unknown = 'unreadable';
  try {
    return read(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error) ({ code } = error);
  }
  throw new Error(`${key}: cannot read ${path} (${String(code)}); check the path and that this user may read it`);
}

export function parseNamedFile<T>({ key, path }: NamedFile, pem: string, parse: (pem: string) => T | string): T {
  const parsed = parse(pem);
  if (typeof parsed === 'string') throw new Error(`${key}: ${path} ${parsed}`);
  return parsed;
}
