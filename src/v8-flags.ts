/** How V8 shall collect garbage in a proxy. */
import { setFlagsFromString } from 'node:v8';

/** To be called before much has been allocated. A code cache is good only for the flags under which it was made. */
export function setV8Flags(): void {
  // A proxy's young objects are few when they are collected: threads that help cost more CPU than they save time.
  setFlagsFromString('--no-parallel-scavenge');
  // What survives is old for good, as a connection is: the space for young objects that grew with it would stay empty.
  setFlagsFromString('--semi-space-growth-factor=1');
}
