/** Tools that talk to the client while they run, as the MCP conformance suite asks for: 2025-11-25 and older, progress in both eras. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ElicitRequestFormParams, ElicitResult, McpServer, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './content.ts';

const STEP_MS = 50;

const ENUM_SCHEMA: ElicitRequestFormParams['requestedSchema'] = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: {
      type: 'string',
      oneOf: [
        { const: 'value1', title: 'First Option' },
        { const: 'value2', title: 'Second Option' },
        { const: 'value3', title: 'Third Option' },
      ],
    },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: {
      type: 'array',
      items: {
        anyOf: [
          { const: 'value1', title: 'First Choice' },
          { const: 'value2', title: 'Second Choice' },
          { const: 'value3', title: 'Third Choice' },
        ],
      },
    },
  },
};

const DEFAULTS_SCHEMA: ElicitRequestFormParams['requestedSchema'] = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
};

const USER_SCHEMA: ElicitRequestFormParams['requestedSchema'] = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
};

export function registerInteractionTools(server: McpServer): void {
  registerNotifyingTools(server);
  registerAskingTools(server);
  server.registerTool(
    'test_reconnection',
    { description: 'Closes its stream before it answers.' },
    async (context: ServerContext) => {
      context.http?.closeSSE?.();
      await delay(2 * STEP_MS);
      return text('Reconnection test completed');
    },
  );
}

function registerNotifyingTools(server: McpServer): void {
  server.registerTool('test_tool_with_logging', { description: 'Logs.' }, async (context: ServerContext) => {
    for (const message of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await context.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data: message } });
      await delay(STEP_MS);
    }
    return text('Logged three messages');
  });
  server.registerTool('test_tool_with_progress', { description: 'Reports.' }, async (context: ServerContext) => {
    const progressToken = context.mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined) {
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total: 100 },
        });
      }
      await delay(STEP_MS);
    }
    return text('Reported progress');
  });
}

/**
 * Asks on the stream of the tool call: the SDK's `elicitInput` asks on the session's GET stream, which the client may not
 * have opened yet.
 */
function elicit(
  context: ServerContext,
  message: string,
  requestedSchema: ElicitRequestFormParams['requestedSchema'],
): Promise<ElicitResult> {
  return context.mcpReq.send({ method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } });
}

function registerAskingTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the client for a completion.', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, context) => {
      const answer = await context.mcpReq.send({
        method: 'sampling/createMessage',
        params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens: 100 },
      });
      return text(`LLM response: ${JSON.stringify(answer.content)}`);
    },
  );
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user.', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, context) => {
      const answer = await elicit(context, message, USER_SCHEMA);
      return text(`User response: ${JSON.stringify(answer)}`);
    },
  );
  const ask = (name: string, requestedSchema: ElicitRequestFormParams['requestedSchema']): void => {
    server.registerTool(name, { description: 'Asks the user.' }, async (context: ServerContext) => {
      const { action, content } = await elicit(context, 'Please review', requestedSchema);
      return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
    });
  };
  ask('test_elicitation_sep1034_defaults', DEFAULTS_SCHEMA);
  ask('test_elicitation_sep1330_enums', ENUM_SCHEMA);
}
