/** Redis servers, sentinels and clusters of a test, on loopback, gone with it. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { createTempFolder } from './temp-folder.ts';
import { until } from './until.ts';

export interface RedisServer {
  readonly port: number;
  readonly child: Child;
  /** Runs one command with redis-cli and returns what it prints. */
  cli(...words: readonly string[]): string;
  /** SIGKILL, as a machine dies. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** The tests run on any Redis from 6.2 on: `REDIS_SERVER=/path/to/redis-server`. */
const REDIS_SERVER = process.env['REDIS_SERVER'] ?? 'redis-server';

// Each child and folder waits for the end of the test process to clean up.
process.setMaxListeners(50);

interface RedisOptions {
  readonly port?: number;
  /** Further `redis-server` arguments. */
  readonly args?: readonly string[];
  readonly cliArgs?: readonly string[];
  /** Kept by a server that is started again. */
  readonly folder?: string;
}

/** Starts a server without persistence, unless the arguments say otherwise. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const folder = options.folder ?? createTempFolder('redis').path;
  const child = startChild({
    command: REDIS_SERVER,
    args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...(options.args ?? [])],
  });
  await child.waitFor('Redis to listen', () => child.stdout().includes('Ready to accept connections') || undefined);
  return toServer(port, child, options.cliArgs ?? ['-p', String(port)]);
}

function toServer(port: number, child: Child, cliArgs: readonly string[]): RedisServer {
  return {
    port,
    child,
    cli: (...words) => execFileSync('redis-cli', [...cliArgs, ...words], { encoding: 'utf8', stdio: 'pipe' }).trim(),
    kill: async () => {
      child.kill('SIGKILL');
      await child.ended();
    },
    stop: async () => {
      // One that was stopped by SIGSTOP hears nothing else before.
      child.kill('SIGCONT');
      await child.stop();
    },
  };
}

export interface WatchedRedis extends AsyncDisposable {
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];
  readonly url: string;
}

const MASTER_NAME = 'proofs';

/** A master with replicas and three sentinels, which replace it when it has been silent for a second. */
export async function startWatchedRedis({ replicas = 1 } = {}): Promise<WatchedRedis> {
  const stack = new AsyncDisposableStack();
  const own = (server: RedisServer): RedisServer => stack.adopt(server, (it) => it.stop());
  const master = own(await startRedis());
  const followers: RedisServer[] = [];
  for (let n = 0; n < replicas; n += 1) {
    followers.push(own(await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] })));
  }
  const inSync = (): boolean =>
    followers.every((replica) => replica.cli('INFO', 'replication').includes('master_link_status:up'));
  await until('the replicas to be in sync', () => inSync() || undefined);
  const sentinels: RedisServer[] = [];
  for (let n = 0; n < 3; n += 1) sentinels.push(own(await startSentinel(master.port)));
  const knowsAll = (sentinel: RedisServer): boolean => {
    const known = sentinel.cli('SENTINEL', 'MASTER', MASTER_NAME).split('\n');
    const read = (name: string): number => Number(known[known.indexOf(name) + 1]);
    return read('num-other-sentinels') === 2 && read('num-slaves') === replicas;
  };
  await until('the sentinels to know each other', () => sentinels.every(knowsAll) || undefined);
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    master,
    replicas: followers,
    sentinels,
    url: `redis+sentinel://${hosts}/${MASTER_NAME}`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function startSentinel(masterPort: number): Promise<RedisServer> {
  const port = await freePort();
  const { path } = createTempFolder('sentinel');
  const file = join(path, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${path}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
    `sentinel failover-timeout ${MASTER_NAME} 3000`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = startChild({ command: REDIS_SERVER, args: [file, '--sentinel'] });
  await child.waitFor('the sentinel to listen', () => child.stdout().includes('+monitor') || undefined);
  return toServer(port, child, ['-p', String(port)]);
}

export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[];
  readonly url: string;
}

/** Three masters with one replica each. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const stack = new AsyncDisposableStack();
  const nodes: RedisServer[] = [];
  for (let n = 0; n < 6; n += 1) {
    // The port of the cluster's bus is chosen too, since the usual one may lie beyond 65535 or be taken.
    const bus = String(await freePort());
    const args = ['--cluster-enabled', 'yes', '--cluster-port', bus, '--cluster-node-timeout', '1000'];
    nodes.push(stack.adopt(await startRedis({ args }), (it) => it.stop()));
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  nodes[0]?.cli('--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes');
  const isUp = (node: RedisServer): boolean => {
    const info = node.cli('CLUSTER', 'INFO');
    return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:6');
  };
  await until('the cluster to be up', () => nodes.every(isUp) || undefined);
  const inSync = (node: RedisServer): boolean => !node.cli('INFO', 'replication').includes('master_link_status:down');
  await until('the replicas of the cluster to be in sync', () => nodes.every(inSync) || undefined);
  return {
    nodes,
    url: `redis+cluster://${addresses.slice(0, 3).join(',')}`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
