/** A node:test reporter that prints nothing but how the whole run ended. */
import type { TestEvent } from 'node:test/reporters';

export default async function* closingLines(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = event.data.counts;
    yield `\n${passed} passed, ${tests - passed - skipped - todo} failed, ${skipped + todo} skipped\n`;
  }
}
