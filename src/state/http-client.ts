/** The HTTP client of Node, for the few requests that Obex makes by itself, loaded with the first of them. */

/**
 * By a call and not by `import`, which a bundler would move to the start, and which of `node:http` loads all of `fetch`, too
 * (16 MB, 40 ms).
 */
export function loadHttpClient(isTls: boolean): Pick<typeof import('node:https'), 'request'> {
  return process.getBuiltinModule(isTls ? 'node:https' : 'node:http');
}
