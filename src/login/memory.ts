/** What the authorization server remembers beyond a configuration: its store, sealed, and its keys. */
import type { AdapterPayload } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { deriveKey } from '../lib/derive-key.ts';
import type { Log } from '../observe/log.ts';
import type { StoredKind } from './adapter.ts';
import { EndedFlows } from './ended-flows.ts';
import type { Family } from './family.ts';
import type { LoginOptions } from './options.ts';
import { RefreshRate } from './refresh-rate.ts';
import { Revocations } from './revocations.ts';
import { SigningKeys } from './signing-keys.ts';
import { MemoryStore } from './store/memory-store.ts';
import { Records, type RecordsOptions } from './store/records.ts';
import type { RedisStoreOptions } from './store/redis-runner.ts';
import { RedisStore } from './store/redis-store.ts';
import { type ByteSeal, createByteSeal, createSeal, type Seal } from './store/seal.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { TimedStore } from './store/timed-store.ts';
import { readFamily, readPayload, readRevocation, readSigningKeys, readText } from './stored.ts';

export interface LoginMemory {
  readonly seal: Seal;
  readonly store: TimedStore;
  readonly keys: SigningKeys;
  readonly families: Records<Family>;
  readonly revocations: Revocations;
  /** Who asks the IdP about a family just now. */
  readonly leases: Records<string>;
  /** Flows that were granted something. */
  readonly granted: Records<string>;
  /** The `state` of every return from the IdP, which is asked about each once. */
  readonly returned: Records<string>;
  readonly ended: EndedFlows;
  readonly refreshRate: RefreshRate;
  /** Identity assertions that have been used. */
  readonly assertions: Records<string>;
  readonly library: Readonly<Record<StoredKind, Records<AdapterPayload>>>;
  /** Seals the ids of registered clients. */
  readonly clientIdKey: Buffer;
  readonly cookieSeal: ByteSeal;
  /** Signs the `state` towards the IdP. */
  readonly stateKey: Buffer;
  /** After a reload: the same Redis may have to be reached with another password. */
  renewAccess(place: LoginOptions['store']): void;
}

/** Whoever has these has logged in, or was answered with a proof. */
const MAX_OF_A_KIND = 200_000;
const MAX_ENTRIES = 1_000_000;
/** Strangers write these too, each for ten minutes: see `callback.ts` for what holds when there is no room. */
const MAX_RETURNED = 10_000;
/** Its owner writes them; every thread keeps all of them for an hour. */
const MAX_REVOCATIONS = 10_000;

/** Rejects with words for the owner when the store cannot be opened. */
export async function openMemory(
  { store: place, secret }: Pick<LoginOptions, 'store' | 'secret'>,
  clock: Clock,
  log: Log,
): Promise<LoginMemory> {
  const opened = await openStore(place, clock, log);
  const store = new TimedStore(opened, clock);
  const seal = createSeal(secret);
  await mustBeSealedBy(seal, store, { clock, name: placeName(place) });
  const records = <T>(kind: string, maximum: number, parse: RecordsOptions<T>['parse']): Records<T> =>
    new Records({ store, seal, kind, maximum, parse });
  return {
    seal,
    store,
    keys: new SigningKeys(records('keys', MAX_OF_A_KIND, readSigningKeys), clock),
    families: records('family', MAX_OF_A_KIND, readFamily),
    revocations: new Revocations(records('denied', MAX_REVOCATIONS, readRevocation), clock),
    leases: records('lease', MAX_OF_A_KIND, readText),
    ended: new EndedFlows(),
    refreshRate: new RefreshRate(),
    granted: records('granted', MAX_OF_A_KIND, readText),
    returned: records('returned', MAX_RETURNED, readText),
    assertions: records('assertion', MAX_OF_A_KIND, readText),
    library: {
      AuthorizationCode: records('code', MAX_OF_A_KIND, readPayload),
      RefreshToken: records('refresh', MAX_OF_A_KIND, readPayload),
      Grant: records('grant', MAX_OF_A_KIND, readPayload),
      ReplayDetection: records('proof', MAX_OF_A_KIND, readPayload),
    },
    clientIdKey: deriveKey(secret, 'login client ids', 32),
    cookieSeal: createByteSeal(secret, 'login cookies'),
    stateKey: deriveKey(secret, 'login states', 32),
    renewAccess: (now) => {
      if (now.backend === 'redis' && opened instanceof RedisStore) opened.renewAccess(now);
    },
  };
}

async function openStore(place: LoginOptions['store'], clock: Clock, log: Log): Promise<Store> {
  switch (place.backend) {
    case 'memory':
      return new MemoryStore({ clock, maxEntries: MAX_ENTRIES });
    case 'sqlite':
      return new SqliteStore({ path: place.path, clock });
    case 'redis':
      return openRedis({ ...place, clock, log });
  }
}

/** For its owner. */
function placeName(place: LoginOptions['store']): string {
  switch (place.backend) {
    case 'memory':
      return 'memory';
    case 'sqlite':
      return place.path;
    case 'redis':
      return `what begins with ${place.keyPrefix} in ${hostsOf(place)}`;
  }
}

function hostsOf({ url }: Pick<RedisStoreOptions, 'url'>): string {
  return url.addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
}

async function openRedis(options: RedisStoreOptions): Promise<RedisStore> {
  const store = new RedisStore(options);
  store.start();
  try {
    await store.ready();
  } catch (cause) {
    await store.close();
    throw new Error(`login.store: the Redis of redis.url (${hostsOf(options)}) cannot be used`, { cause });
  }
  return store;
}

/** A name that does not depend on the secret. */
const WITNESS = 'secret:witness';
const WITNESS_FOR_MS = 400 * 24 * 3_600_000;

/** With another secret everything in the store would be as if it were not there, and everybody be logged out without a word. */
async function mustBeSealedBy(
  seal: Seal,
  store: Store,
  { clock, name }: { readonly clock: Clock; readonly name: string },
): Promise<void> {
  const endsAtMs = clock.nowMs() + WITNESS_FOR_MS;
  const sealed = seal.seal(WITNESS, 'obex');
  // Of two that begin at once with different secrets one is first.
  if (await store.add(WITNESS, sealed, endsAtMs)) return;
  const witness = await store.get(WITNESS);
  if (witness !== undefined && seal.unseal(WITNESS, witness) === undefined) {
    await store.close();
    throw new Error(
      `login.store: ${name} was written with another obex.secret. Give that one back, or delete it, which logs everybody out`,
    );
  }
  await store.set(WITNESS, sealed, endsAtMs);
}
