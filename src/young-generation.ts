/** How V8 shall collect young objects in a proxy. */
import { setFlagsFromString } from 'node:v8';

/** With so many event streams open, memory matters more than what it costs to collect more often (up to a fifth of a request). */
const MANY_STREAMS = 128;

let grows = true;

/** Young objects are few when they are collected: threads that help cost more CPU than they save time. */
export function collectWithoutHelp(): void {
  setFlagsFromString('--no-parallel-scavenge');
}

/**
 * To be called when a stream has been opened or closed; `eventStreams` are those open now. V8 gives young objects more space
 * the more of them survive, so that the next ones may die there. What a stream needs survives for as long as the stream:
 * that space would stay empty, 40 MB of it.
 */
export function fitYoungGeneration(eventStreams: number): void {
  const mayGrow = eventStreams < MANY_STREAMS;
  if (mayGrow === grows) return;
  grows = mayGrow;
  setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
}
