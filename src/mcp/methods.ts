/** The methods of MCP, of all revisions: who sends them, what they name, what they list. MCP 2024-11-05 to 2026-07-28, Schema. */

/** Where a method says what it is about. `ref`, `filter`: params.ref of completion/complete, params.notifications. */
export type NameSource = 'tool' | 'prompt' | 'resource' | 'task' | 'ref' | 'filter';

/** The member of a result that holds a list. */
export type ListMember = 'tools' | 'resources' | 'resourceTemplates' | 'prompts' | 'tasks';

export interface Method {
  readonly form: 'request' | 'notification';
  readonly sender: 'client' | 'server' | 'either';
  readonly names?: NameSource;
  /** Mcp-Name must repeat what it names, in the revisions that have the header. */
  readonly mirrored?: boolean;
  readonly lists?: ListMember;
  /** Allowed though nothing is unless a rule says so: it reaches no tool, and what it lists is filtered. */
  readonly open: boolean;
}

const REQUEST = { form: 'request', sender: 'client', open: false } as const;
const OPEN_REQUEST = { ...REQUEST, open: true } as const;
const TASK_REQUEST = { ...REQUEST, sender: 'either', names: 'task' } as const;
const SERVER_REQUEST = { ...REQUEST, sender: 'server' } as const;
const NOTICE = { form: 'notification', sender: 'server', open: true } as const;

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['initialize', OPEN_REQUEST],
  ['server/discover', OPEN_REQUEST],
  ['ping', { ...OPEN_REQUEST, sender: 'either' }],
  ['logging/setLevel', OPEN_REQUEST],
  ['tools/list', { ...OPEN_REQUEST, lists: 'tools' }],
  ['tools/call', { ...REQUEST, names: 'tool', mirrored: true }],
  ['resources/list', { ...OPEN_REQUEST, lists: 'resources' }],
  ['resources/templates/list', { ...OPEN_REQUEST, lists: 'resourceTemplates' }],
  ['resources/read', { ...REQUEST, names: 'resource', mirrored: true }],
  ['resources/subscribe', { ...REQUEST, names: 'resource' }],
  ['resources/unsubscribe', { ...REQUEST, names: 'resource' }],
  ['subscriptions/listen', { ...REQUEST, names: 'filter' }],
  ['prompts/list', { ...OPEN_REQUEST, lists: 'prompts' }],
  ['prompts/get', { ...REQUEST, names: 'prompt', mirrored: true }],
  ['completion/complete', { ...REQUEST, names: 'ref' }],
  // Tasks belong to 2025-11-25, and to an extension of 2026-07-28 (SEP-2663), which mirrors their ids.
  ['tasks/get', { ...TASK_REQUEST, mirrored: true }],
  ['tasks/update', { ...TASK_REQUEST, mirrored: true }],
  ['tasks/cancel', { ...TASK_REQUEST, mirrored: true }],
  ['tasks/result', TASK_REQUEST],
  ['tasks/list', { ...REQUEST, sender: 'either', lists: 'tasks' }],
  ['sampling/createMessage', SERVER_REQUEST],
  ['elicitation/create', SERVER_REQUEST],
  ['roots/list', SERVER_REQUEST],
  ['notifications/initialized', { ...NOTICE, sender: 'client' }],
  ['notifications/roots/list_changed', { ...NOTICE, sender: 'client' }],
  ['notifications/cancelled', { ...NOTICE, sender: 'either' }],
  ['notifications/progress', { ...NOTICE, sender: 'either' }],
  ['notifications/tasks/status', { ...NOTICE, sender: 'either' }],
  ['notifications/tasks', NOTICE],
  ['notifications/message', NOTICE],
  ['notifications/tools/list_changed', NOTICE],
  ['notifications/resources/list_changed', NOTICE],
  ['notifications/resources/updated', NOTICE],
  ['notifications/prompts/list_changed', NOTICE],
  ['notifications/elicitation/complete', NOTICE],
  ['notifications/subscriptions/acknowledged', NOTICE],
]);

/** Undefined for a method of an extension, of which nothing is known but its name. */
export function findMethod(method: string): Method | undefined {
  return METHODS.get(method);
}

/** Notifications are told by their name, those of extensions too. */
export function isNotificationMethod(method: string): boolean {
  return method.startsWith('notifications/');
}
