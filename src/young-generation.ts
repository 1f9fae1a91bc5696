/** How V8 shall collect young objects in a proxy. */
import { setFlagsFromString } from 'node:v8';

/** With so many event streams open, memory matters more than what it costs to collect more often (up to a fifth of a request). */
const MANY_STREAMS = 128;
const FEW_STREAMS = 64;

/** Young objects are few when they are collected: threads that help cost more CPU than they save time. */
export function collectWithoutHelp(): void {
  setFlagsFromString('--no-parallel-scavenge');
}

/**
 * To be called whenever a stream has been opened or closed; `eventStreams` are those of the process now. V8 gives young
 * objects more space the more of them survive, so that the next ones may die there. What a stream needs survives for as long
 * as the stream: that space would stay empty, 40 MB of it.
 */
export function fitYoungGeneration(eventStreams: number): void {
  if (eventStreams === MANY_STREAMS) setFlagsFromString('--semi-space-growth-factor=1');
  else if (eventStreams === FEW_STREAMS) setFlagsFromString('--semi-space-growth-factor=2');
}
