/** Config → the MCP servers that Obex runs itself, as their thread is told of them. */
import type { Config, OneServer } from '../config/schema.ts';
import type { ProgramOptions, ProgramsOptions } from '../programs/options.ts';

/** Undefined where all backends are reached by URLs. */
export function buildProgramsOptions({ servers, limits }: Config): ProgramsOptions | undefined {
  const programs = servers.map(buildProgram).filter((program) => program !== undefined);
  if (programs.length === 0) return undefined;
  const maxBodyBytes = Math.max(...servers.map((server) => server.limits.max_request_body));
  return { servers: programs, maxBodyBytes, drainMs: limits.drain_timeout };
}

/** Undefined where the backend is reached by a URL. */
export function buildProgram({ backend }: Pick<OneServer, 'backend'>): ProgramOptions | undefined {
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
