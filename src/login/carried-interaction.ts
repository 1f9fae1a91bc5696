/** The interaction that a request is about, for the library to find: browsers carry them, and no store does. RFC 6819 §4.4.1.11. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Adapter, AdapterPayload } from 'oidc-provider';

const requests = new AsyncLocalStorage<Map<string, AdapterPayload>>();

/** What is held meanwhile, or made by the library, is forgotten at the end of `act`. */
export function carryingInteractions<T>(act: () => Promise<T>): Promise<T> {
  return requests.run(new Map(), act);
}

/** To be called within `carryingInteractions`. */
export function holdInteraction(id: string, payload: AdapterPayload): void {
  requests.getStore()?.set(id, payload);
}

export function heldInteraction(id: string): AdapterPayload | undefined {
  return requests.getStore()?.get(id);
}

/** The library's door to them. */
export const CARRIED_INTERACTIONS: Pick<Adapter, 'upsert' | 'find' | 'destroy'> = {
  upsert: async (id, payload) => holdInteraction(id, payload),
  find: async (id) => heldInteraction(id),
  destroy: async (id) => void requests.getStore()?.delete(id),
};
