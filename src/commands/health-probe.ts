/** `obex --health-probe`: asks the local `/health`, for container images that have no shell and no curl. */
import type { WrittenFlags } from '../config/flags.ts';
import type { Config } from '../config/schema.ts';
import { errorField } from '../observe/log.ts';
import { loadOrExplain } from './config-file.ts';

const TIMEOUT_MS = 3_000;
const EXIT_CONFIG = 2;

/** Exit code 0 if the Obex of this config answers, 1 if not, 2 if the config cannot be loaded or says no port. */
export async function runHealthProbe(options: {
  readonly flags: WrittenFlags;
  stderr(text: string): void;
}): Promise<number> {
  const loaded = loadOrExplain(options.flags, options.stderr);
  if (loaded === undefined) return EXIT_CONFIG;
  const { listen } = loaded.config.obex;
  if ('port' in listen && listen.port === 0) {
    options.stderr(
      'obex: --health-probe: only the running process knows the port behind port 0; give obex.listen a fixed port\n',
    );
    return EXIT_CONFIG;
  }
  return probeHealth(loaded.config, options.stderr);
}

/** Resolves to 0 if `/health` answers 200, else to 1 with a line that says what came instead. */
function probeHealth(config: Config, stderr: (text: string) => void): Promise<number> {
  const { listen, tls } = config.obex;
  const target = 'path' in listen ? { socketPath: listen.path } : { host: loopback(listen.host), port: listen.port };
  return new Promise((resolve) => {
    const fail = (problem: string): void => {
      stderr(`obex: /health: ${problem}\n`);
      resolve(1);
    };
    // Not by `import`, which of `node:http` loads all of `fetch`, too.
    const { request } = process.getBuiltinModule(tls.enabled ? 'node:https' : 'node:http');
    // The certificate names the public host, not this one; the probe only asks whether the process next door answers.
    const options = { ...target, path: '/health', rejectUnauthorized: false, signal: AbortSignal.timeout(TIMEOUT_MS) };
    request(options)
      .on('response', (response) => {
        response.resume();
        if (response.statusCode === 200) resolve(0);
        else fail(`expected status 200, got ${response.statusCode}`);
      })
      .on('error', (error) => fail(errorField(error)))
      .end();
  });
}

/** An address that listens for all is reached through loopback. */
function loopback(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
