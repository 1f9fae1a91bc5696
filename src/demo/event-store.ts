/** Remembers the events of SSE streams so that a broken one can be resumed. MCP 2025-11-25 transports, Resumability. */
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

interface StoredEvent {
  readonly streamId: string;
  readonly message: JSONRPCMessage;
}

/** Events of one session, oldest first; an event's id is its place in the list, so ids are unique in the session. */
export function createEventStore(): EventStore {
  const events: StoredEvent[] = [];

  const find = (eventId: string): StoredEvent | undefined => events[Number(eventId) - 1];

  return {
    async storeEvent(streamId, message) {
      return String(events.push({ streamId, message }));
    },
    async getStreamIdForEventId(eventId) {
      return find(eventId)?.streamId;
    },
    async replayEventsAfter(lastEventId, { send }) {
      const last = find(lastEventId);
      if (!last) throw new Error('there is no event with this id');
      for (const [index, event] of events.entries()) {
        if (index < Number(lastEventId) || event.streamId !== last.streamId) continue;
        // A priming event carries an empty message and marks a place only: "The server MUST NOT replay messages that
        // would have been delivered on a different stream".
        if (Object.keys(event.message).length > 0) await send(String(index + 1), event.message);
      }
      return last.streamId;
    },
  };
}
