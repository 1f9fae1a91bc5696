/** Diagnostic tools of the MCP conformance suite for what holds without sessions. MCP 2026-07-28. */

import type { McpServer, ServerContext, ServerEventBus } from '@modelcontextprotocol/server';
import { inputRequired } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './content.ts';
import { askModel } from './input-required.ts';

export function registerStatelessTools(server: McpServer, bus: ServerEventBus): void {
  server.registerTool('test_missing_capability', { description: 'Needs a client that can sample.' }, () =>
    inputRequired({ inputRequests: { sample: askModel('Anything', 10) } }),
  );
  server.registerTool(
    'test_streaming_elicitation',
    { description: 'Notifies, then asks by its result.' },
    async (context: ServerContext) => {
      await context.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: context.mcpReq._meta?.progressToken ?? 0, progress: 1 },
      });
      const question = inputRequired.elicit({ message: 'Your name?', requestedSchema: z.object({ name: z.string() }) });
      return inputRequired({ inputRequests: { user_name: question } });
    },
  );
  server.registerTool('test_logging_tool', { description: 'Logs.' }, async (context: ServerContext) => {
    await context.mcpReq.log('info', 'only for clients that asked for logs');
    return text('logged');
  });
  server.registerTool('test_trigger_tool_change', { description: 'Announces a change.' }, () => {
    bus.publish({ kind: 'tools_list_changed' });
    return text('announced');
  });
  server.registerTool('test_trigger_prompt_change', { description: 'Announces a change.' }, () => {
    bus.publish({ kind: 'prompts_list_changed' });
    return text('announced');
  });
}
