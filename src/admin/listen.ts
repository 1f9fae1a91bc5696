/** Listens for commands on `admin.listen`: few connections, small messages, short deadlines. RFC 9112. */
import { underKey } from '../observe/under-key.ts';
import { listen } from '../wire/engine.ts';
import type { ListenAddress, ServerLimits, WireServer } from '../wire/exchange.ts';
import { type ControlParts, createControlHandlers, MAX_BODY_BYTES } from './handle.ts';
import { prepareFolder } from './socket-folder.ts';

const LIMITS: Omit<ServerLimits, 'maxConnections'> = {
  maxHeaderBytes: 8 * 1024,
  maxRequestLineBytes: 1024,
  maxBodyBytes: MAX_BODY_BYTES,
  readTimeoutMs: 5_000,
  bodyTimeoutMs: 5_000,
  writeTimeoutMs: 30_000,
  idleTimeoutMs: 5_000,
};

/** In the main thread, which alone may say what its sockets are created with. Rejects with an error that a person can act on. */
export async function listenForControl(
  address: ListenAddress,
  maxConnections: number,
  parts: ControlParts,
): Promise<WireServer> {
  if ('path' in address) prepareFolder(address.path);
  const place = 'path' in address ? { ...address, isPrivate: true } : address;
  const limits = { ...LIMITS, maxConnections };
  const options = { listen: place, tls: undefined, limits: () => limits };
  return underKey('admin.listen', listen(options, createControlHandlers(parts)));
}
