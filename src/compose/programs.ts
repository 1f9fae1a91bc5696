/** Config → the MCP server that Obex runs itself, as its thread is told of it. */
import type { Config } from '../config/schema.ts';
import type { ProgramOptions, ProgramsOptions } from '../programs/options.ts';

/** Undefined where the backend is reached by a URL. */
export function buildProgramsOptions(config: Config): ProgramsOptions | undefined {
  const program = buildProgram(config);
  const { max_request_body: maxBodyBytes, drain_timeout: drainMs } = config.limits;
  return program && { servers: [program], maxBodyBytes, drainMs };
}

/** Undefined where the backend is reached by a URL. */
export function buildProgram({ backend }: Pick<Config, 'backend'>): ProgramOptions | undefined {
  if (backend.command.length === 0) return undefined;
  return {
    name: backend.url.pathname.slice(1),
    command: [...backend.command, ...backend.args],
    env: backend.env,
    passEnv: backend.pass_env,
    cwd: backend.cwd,
    user: backend.user,
    startTimeoutMs: backend.start_timeout,
    idleTimeoutMs: backend.idle_timeout,
    maxSessions: backend.max_sessions,
    maxMessageBytes: backend.max_message,
  };
}
