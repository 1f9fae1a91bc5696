/** `obex certs`: puts TLS_MODE into effect on the certificate files before Obex starts. docs/tls.md */
import { checkAccess } from '../certs/file-access.ts';
import { error, type Finding, fine, isFatal } from '../certs/finding.ts';
import { isHost } from '../certs/host.ts';
import { type PairFiles, pairIn } from '../certs/pair.ts';
import { checkProvided } from '../certs/provided.ts';
import { keepSelfSigned } from '../certs/self-signed.ts';
import type { Environment } from './config-file.ts';

export interface CertsOptions {
  /** The folder of `server.crt` and `server.key`. */
  readonly dir: string;
  /** The number of the user, and of the group, that must be able to read the files; undefined = whoever starts Obex. */
  readonly uid: number | undefined;
  /** Of it are read: TLS_MODE, SERVER_IP, OBEX_TLS_ENABLED, OBEX_BIND. */
  readonly env: Environment;
  readonly nowMs: number;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const EXIT_USAGE = 2;

/** 0 = Obex may start, 1 = it must not, 2 = TLS_MODE or SERVER_IP is no such thing. */
export function runCerts(options: CertsOptions): number {
  const findings = findingsOf(options);
  if (typeof findings === 'string') {
    options.stderr(`obex: ${findings}\n`);
    return EXIT_USAGE;
  }
  for (const { severity, message, cure } of findings) {
    const text = cure === undefined ? `${message}\n` : `${message}\n  ${cure}\n`;
    if (severity === 'fine') options.stdout(text);
    else options.stderr(`${severity}: ${text}`);
  }
  return findings.some(isFatal) ? 1 : 0;
}

/** A text: what is wrong with the usage. */
function findingsOf({ dir, env, nowMs, uid }: CertsOptions): readonly Finding[] | string {
  const mode = env['TLS_MODE'] ?? '';
  if ((mode === 'self-signed' || mode === 'provided') && env['OBEX_TLS_ENABLED'] === 'false') {
    const cure = 'Set OBEX_TLS_ENABLED=true; or TLS_MODE=external, if a proxy in front ends TLS.';
    return [
      error(
        `TLS_MODE=${mode} but TLS is off in Obex, which would serve plain HTTP (the environment variable OBEX_TLS_ENABLED is "false").`,
        cure,
      ),
    ];
  }
  switch (mode) {
    case 'self-signed': {
      // Compose passes a variable that is not set as an empty one.
      const host = env['SERVER_IP'] || 'localhost';
      if (isHost(host)) return selfSigned(pairIn(dir), { host, nowMs, uid });
      return `SERVER_IP: expected an IP address or a DNS name such as "10.0.0.5", got "${host}"`;
    }
    case 'provided':
      return checkProvided(pairIn(dir), { nowMs, uid });
    case 'external':
      return [checkExternal(env)];
    default:
      return `the environment variable TLS_MODE: expected self-signed, provided or external, got "${mode}"; for example TLS_MODE=self-signed SERVER_IP=localhost obex certs`;
  }
}

function selfSigned(
  files: PairFiles,
  { uid, ...options }: { readonly host: string; readonly nowMs: number; readonly uid: number | undefined },
): readonly Finding[] {
  const finding = keepSelfSigned(files, options);
  // Whoever is not root cannot hand the key over to another user.
  return isFatal(finding) || uid === undefined ? [finding] : [finding, ...checkAccess(files, uid)];
}

/** Where the ports of a container are published on every address of its host. */
const EVERYWHERE = ['0.0.0.0', '::', '[::]'];

function checkExternal({ OBEX_TLS_ENABLED: tlsEnabled = '', OBEX_BIND: bind = '' }: Environment): Finding {
  if (EVERYWHERE.includes(bind)) {
    return error(
      `TLS_MODE=external but OBEX_BIND=${bind} publishes the plain HTTP of Obex on every address, past the proxy.`,
      'Set OBEX_BIND=127.0.0.1, or the one address at which a proxy on another machine reaches Obex.',
    );
  }
  if (tlsEnabled === 'false') return fine('TLS_MODE=external: Obex serves plain HTTP; the proxy in front ends TLS.');
  return error(
    `TLS_MODE=external but TLS is still enabled in Obex (the environment variable OBEX_TLS_ENABLED is "${tlsEnabled}"; no configuration file is read here).`,
    'Set OBEX_TLS_ENABLED=false, so that the proxy in front ends TLS; or choose another TLS_MODE.',
  );
}
