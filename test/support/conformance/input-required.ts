/** Tools that answer `input_required`, as the MCP conformance suite asks for. MCP 2026-07-28, multi-round-trip requests. */
import { randomBytes } from 'node:crypto';
import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './content.ts';

/** Seals the state that travels by way of the client. */
export const requestState = createRequestStateCodec<string>({ key: randomBytes(32) });

const Name = z.object({ name: z.string() });
const Confirmation = z.object({ ok: z.boolean() });
const Color = z.object({ color: z.string() });
const Context = z.object({ context: z.string() });
const Envelope = z.object({ [CLIENT_CAPABILITIES_META_KEY]: z.record(z.string(), z.unknown()).optional() });

/** What the client of this request declared that it can do. */
function clientCapabilities(context: ServerContext): Readonly<Record<string, unknown>> {
  return Envelope.parse(context.mcpReq.envelope ?? {})[CLIENT_CAPABILITIES_META_KEY] ?? {};
}

const askName = () => inputRequired.elicit({ message: 'What is your name?', requestedSchema: Name });

/** An embedded question to the client's model. */
export const askModel = (question: string, maxTokens: number) =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: question } }],
    maxTokens,
  });

export function registerInputRequiredTools(server: McpServer): void {
  registerSingleInputTools(server);
  registerStatefulTools(server);
  registerMultiRoundTool(server);
  server.registerTool(
    'test_input_required_result_capabilities',
    { description: 'Asks only for what the client can do.' },
    (context: ServerContext) => {
      const capabilities = clientCapabilities(context);
      const inputRequests = {
        ...('elicitation' in capabilities && { user_name: askName() }),
        ...('sampling' in capabilities && { greeting: askModel('Generate a greeting', 50) }),
        ...('roots' in capabilities && { client_roots: inputRequired.listRoots() }),
      };
      return Object.keys(inputRequests).length > 0 ? inputRequired({ inputRequests }) : text('nothing to ask');
    },
  );
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'A prompt that asks first.' },
    (context: ServerContext) => {
      const answer = acceptedContent(context.mcpReq.inputResponses, 'user_context', Context);
      if (!answer) {
        const question = inputRequired.elicit({
          message: 'What context should the prompt use?',
          requestedSchema: Context,
        });
        return inputRequired({ inputRequests: { user_context: question } });
      }
      return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: answer.context } }] };
    },
  );
}

function registerSingleInputTools(server: McpServer): void {
  server.registerTool(
    'test_input_required_result_elicitation',
    { description: 'Asks for a name.' },
    (context: ServerContext) => {
      const answer = acceptedContent(context.mcpReq.inputResponses, 'user_name', Name);
      return answer ? text(`Hello, ${answer.name}!`) : inputRequired({ inputRequests: { user_name: askName() } });
    },
  );
  server.registerTool(
    'test_input_required_result_sampling',
    { description: 'Asks the model.' },
    (context: ServerContext) => {
      const answer = inputResponse(context.mcpReq.inputResponses, 'capital_question');
      if (answer.kind === 'missing') {
        return inputRequired({
          inputRequests: { capital_question: askModel('What is the capital of France?', 100) },
        });
      }
      return text(JSON.stringify(answer));
    },
  );
  server.registerTool(
    'test_input_required_result_list_roots',
    { description: 'Asks for roots.' },
    (context: ServerContext) => {
      const answer = inputResponse(context.mcpReq.inputResponses, 'client_roots');
      if (answer.kind === 'missing')
        return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
      return text(JSON.stringify(answer));
    },
  );
}

function registerStatefulTools(server: McpServer): void {
  const confirm = async (context: ServerContext) => {
    const answer = acceptedContent(context.mcpReq.inputResponses, 'confirm', Confirmation);
    if (answer && context.mcpReq.requestState<string>() === 'confirming') return text('state-ok');
    const question = inputRequired.elicit({ message: 'Please confirm', requestedSchema: Confirmation });
    return inputRequired({
      inputRequests: { confirm: question },
      requestState: await requestState.mint('confirming'),
    });
  };
  server.registerTool('test_input_required_result_request_state', { description: 'Keeps state.' }, confirm);
  server.registerTool('test_input_required_result_tampered_state', { description: 'Keeps state.' }, confirm);
  server.registerTool(
    'test_input_required_result_multiple_inputs',
    { description: 'Asks for three things.' },
    async (context: ServerContext) => {
      const { inputResponses } = context.mcpReq;
      const keys = ['user_name', 'greeting', 'client_roots'];
      if (keys.every((key) => inputResponse(inputResponses, key).kind !== 'missing')) return text('all answered');
      return inputRequired({
        inputRequests: {
          user_name: askName(),
          greeting: askModel('Generate a greeting', 50),
          client_roots: inputRequired.listRoots(),
        },
        requestState: await requestState.mint('asking'),
      });
    },
  );
}

function registerMultiRoundTool(server: McpServer): void {
  server.registerTool(
    'test_input_required_result_multi_round',
    { description: 'Asks twice.' },
    async (context: ServerContext) => {
      const round = context.mcpReq.requestState<string>();
      const { inputResponses } = context.mcpReq;
      const color = acceptedContent(inputResponses, 'step2', Color);
      if (round === 'second' && color) return text(`Your color is ${color.color}`);
      if (round === 'first' && acceptedContent(inputResponses, 'step1', Name)) {
        const message = 'Step 2: What is your favorite color?';
        return inputRequired({
          inputRequests: { step2: inputRequired.elicit({ message, requestedSchema: Color }) },
          requestState: await requestState.mint('second'),
        });
      }
      const message = 'Step 1: What is your name?';
      return inputRequired({
        inputRequests: { step1: inputRequired.elicit({ message, requestedSchema: Name }) },
        requestState: await requestState.mint('first'),
      });
    },
  );
}
