/** Connections to a Redis server or cluster: no offline queue, no retries, a deadline for everything. */
import { addressAttemptMs } from '../lib/address-attempt.ts';
import type { RedisAddress, RedisCredentials } from '../lib/redis-url.ts';

export interface RedisConnectionOptions {
  readonly tls: boolean;
  /** PEM of the authorities trusted instead of the public ones. */
  readonly ca: string | undefined;
  readonly credentials: RedisCredentials;
  readonly database: number;
  readonly connectTimeoutMs: number;
}

/** A connection that is open. Once it fails it stays failed. */
export interface RedisConnection {
  /**
   * Runs a Lua script. Rejects with `RedisRefusal` when Redis answers with an error, or with `RedisUnfit` if by that it tells
   * to look for another server; with another error if there is no answer.
   */
  evaluate(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown>;
  /** Sends any command; of a cluster, to any node. */
  command(words: readonly string[]): Promise<unknown>;
  /** Ends it at once; whatever is under way rejects. */
  destroy(): void;
}

/** Redis has answered, with an error: the command was not carried out. */
export class RedisRefusal extends Error {
  override readonly name = 'RedisRefusal';
}

/** This server takes no writes now, and another one may: it is a replica, or about to become something else. */
export class RedisUnfit extends Error {
  override readonly name = 'RedisUnfit';
}

/** The deadline has passed. What was asked may still happen, but nobody waits for it. */
export class RedisTimeout extends Error {
  override readonly name = 'RedisTimeout';
}

/** Opens a connection to one server. `onLost` is called once, when an open connection ends by itself. */
export async function connectToServer(
  address: RedisAddress,
  options: RedisConnectionOptions,
  onLost: () => void,
): Promise<RedisConnection> {
  const { createClient, ErrorReply } = await import('./redis-client.ts');
  const { database } = options;
  const client = createClient({
    RESP: 2,
    ...clientOptions(options),
    socket: socketOptions(address, options),
    database,
  });
  let isOpen = false;
  // Without a listener an 'error' event would end the process. What it says comes with every rejected command, too.
  client.on('error', () => {
    if (isOpen) onLost();
  });
  const connection: RedisConnection = {
    evaluate: (script, keys, values) =>
      client.eval(script, { keys: [...keys], arguments: [...values] }).catch(sortOut(ErrorReply)),
    command: (words) => client.sendCommand([...words]).catch(sortOut(ErrorReply)),
    destroy: () => {
      if (client.isOpen) client.destroy();
    },
  };
  await connectInTime(client.connect().catch(sortOut(ErrorReply)), options, connection);
  isOpen = true;
  return connection;
}

/** Opens connections to the masters of a cluster, which any of its nodes can name. */
export async function connectToCluster(
  addresses: readonly RedisAddress[],
  options: RedisConnectionOptions,
  onLost: () => void,
): Promise<RedisConnection> {
  const { createCluster, ErrorReply } = await import('./redis-client.ts');
  const cluster = createCluster({
    RESP: 2,
    rootNodes: addresses.map((address) => ({ ...clientOptions(options), socket: socketOptions(address, options) })),
    defaults: { ...clientOptions(options), socket: socketOptions(undefined, options) },
    topologyRefreshOnReconnectionAttemptStrategy: false,
  });
  let isOpen = false;
  // Before it is open, an error is one of a node that could not be asked for the others; any other will do.
  const onError = (): void => {
    if (isOpen) onLost();
  };
  cluster.on('error', onError);
  cluster.on('node-error', onError);
  const connection: RedisConnection = {
    evaluate: (script, keys, values) =>
      cluster.eval(script, { keys: [...keys], arguments: [...values] }).catch(sortOut(ErrorReply)),
    command: (words) => cluster.sendCommand(undefined, false, [...words]).catch(sortOut(ErrorReply)),
    destroy: () => {
      if (cluster.isOpen) cluster.destroy();
    },
  };
  await connectInTime(cluster.connect().catch(sortOut(ErrorReply)), options, connection);
  isOpen = true;
  return connection;
}

/** Rejects with `RedisTimeout` after `timeoutMs`, whatever comes of `work` then. */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new RedisTimeout(`no answer in ${timeoutMs} ms`)), timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function clientOptions({ credentials: { username, password } }: RedisConnectionOptions) {
  return {
    // A claim is decided now or not at all.
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  } as const;
}

function socketOptions(address: RedisAddress | undefined, options: RedisConnectionOptions) {
  const common = {
    ...address,
    connectTimeout: options.connectTimeoutMs,
    autoSelectFamilyAttemptTimeout: addressAttemptMs(options.connectTimeoutMs),
    reconnectStrategy: false,
    keepAlive: true,
    noDelay: true,
  } as const;
  if (!options.tls) return common;
  return { ...common, tls: true, ...(options.ca === undefined ? {} : { ca: options.ca }) } as const;
}

/** The client's own limit covers the socket, not the greeting after it. */
async function connectInTime(
  connecting: Promise<unknown>,
  { connectTimeoutMs }: RedisConnectionOptions,
  connection: RedisConnection,
): Promise<void> {
  try {
    await withDeadline(connecting, connectTimeoutMs);
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Until Redis 7 the error of a command in a script comes within one of the script: `ERR Error running script (…): …: -READONLY …`. */
const UNFIT = /(?:^|-)(?:READONLY|MASTERDOWN|LOADING|NOREPLICAS) /;

function sortOut(errorReply: new () => Error): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof errorReply)) throw error;
    const { message } = error;
    throw UNFIT.test(message) ? new RedisUnfit(message, { cause: error }) : new RedisRefusal(message, { cause: error });
  };
}
