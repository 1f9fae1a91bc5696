/** Files beside the configuration that a runtime needs, read before anything is built: whatever is wrong names key, file and cure. */
import { generateKeyPairSync } from 'node:crypto';
import type { Config, OneServer } from '../config/schema.ts';
import { parseSigningKey } from '../oauth/signing-key.ts';
import { readTextFile } from '../read-text-file.ts';
import type { ServerTls } from '../wire/exchange.ts';
import { type NamedFile, parseNamedFile, readAuthorities, readNamedFile } from './named-file.ts';
import { buildTls } from './tls.ts';

/** The files as texts: plain data, read once for all threads. */
export interface RuntimeFiles {
  readonly tls: ServerTls | undefined;
  /** Undefined without a replay cache in Redis, too. */
  readonly redisCa: string | undefined;
  /** Of `idp` and its `additional_issuers`, in this order. */
  readonly issuerCas: readonly (string | undefined)[];
  /** Of `servers`, in this order. */
  readonly servers: readonly ServerFiles[];
}

/** Those of one server. */
export interface ServerFiles {
  readonly name: string | undefined;
  readonly backendCa: string | undefined;
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
  const tls = buildTls(config);
  return {
    tls,
    redisCa: readAuthorities(redisAuthorities(config)),
    issuerCas: issuerAuthorities(config).map(readAuthorities),
    servers: config.servers.map((server) => readServerFiles(server, before?.servers)),
  };
}

function readServerFiles(server: OneServer, before: readonly ServerFiles[] | undefined): ServerFiles {
  const { name } = server;
  const previous = before?.find((files) => files.name === name);
  return {
    name,
    backendCa: readAuthorities(backendAuthorities(server)),
    assertionKey: readAssertionKey(server, previous?.assertionKey),
  };
}

export function backendAuthorities({ name, backend }: OneServer): NamedFile {
  return { key: keyOf(name, 'backend.tls.ca_file'), path: backend.tls.ca_file };
}

/** How a key of one server is written in the file. */
function keyOf(name: string | undefined, key: string): string {
  return name === undefined ? key : `servers.${name}.${key}`;
}

/** A key that was made stays, as long as no file takes its place. */
export function readAssertionKey(
  { name, backend }: OneServer,
  before: AssertionKey | undefined,
): AssertionKey | undefined {
  const { enabled, key_file: path } = backend.assertion;
  if (!enabled) return undefined;
  if (path === '') return before?.isMade === true ? before : { pem: makeSigningKey(), isMade: true };
  const file = { key: keyOf(name, 'backend.assertion.key_file'), path };
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
  const backends = config.servers.flatMap(({ backend: { tls: backendTls, assertion } }) => [
    backendTls.ca_file,
    assertion.enabled ? assertion.key_file : '',
  ]);
  const { private_key_file: loginKey, logo_file: logo, tls: loginTls } = config.login ?? NO_LOGIN;
  const login = [loginKey, logo, loginTls.ca_file];
  return [...certificate, ...backends, ...authorities, ...login].filter((path) => path !== '');
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
