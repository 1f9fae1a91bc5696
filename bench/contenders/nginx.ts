/** nginx as a proxy without authentication, with the settings its manual gives for keep-alive both ways. */
import { freePort } from '../../test/support/free-port.ts';
import type { Bench } from '../bench.ts';
import type { BenchBase } from '../bench-base.ts';
import type { Certificate } from './certificate.ts';
import type { Contender, ServerSetup } from './contender.ts';
import { startContender } from './contender.ts';

export interface NginxOptions {
  /** Where requests go instead of the fixed-answer backend. */
  readonly backendOrigin?: string;
  readonly tls?: Certificate;
  /** Offers HTTP/2 beside HTTP/1.1; only with `tls`. */
  readonly http2?: boolean;
  /** Passes events on as they come. */
  readonly streaming?: boolean;
}

export async function startNginx(bench: Bench, options: NginxOptions = {}): Promise<Contender> {
  return startContender(bench, await setUpNginx(bench, options));
}

export async function setUpNginx(bench: Bench, options: NginxOptions = {}): Promise<ServerSetup> {
  const { backendOrigin = bench.backend.origin, tls, http2 = false, streaming = false } = options;
  const port = await freePort();
  const listen = tls === undefined ? '' : ` ssl${http2 ? ' http2' : ''}`;
  const server = `
  upstream backend { server ${new URL(backendOrigin).host}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port}${listen} backlog=4096;
    ${tls === undefined ? '' : `ssl_certificate ${tls.certFile}; ssl_certificate_key ${tls.keyFile};`}
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
      ${streaming ? 'proxy_buffering off; proxy_read_timeout 1h;' : ''}
    }
  }`;
  return {
    name: 'nginx, no authentication',
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    ...nginxCommand(bench, `nginx-${port}`, server),
  };
}

/** The command that runs nginx with one worker and this content of its `http` block. */
export function nginxCommand(bench: BenchBase, name: string, http: string): Pick<ServerSetup, 'command' | 'args'> {
  const folder = bench.folder(name);
  const temporaries = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const config = `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder}/pid;
error_log stderr error;
worker_processes 1;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
  access_log off;
  ${temporaries.join(' ')}
  keepalive_requests 1000000000;
  tcp_nodelay on;${http}
}
`;
  return { command: 'nginx', args: ['-p', folder, '-c', bench.write(`${name}.conf`, config), '-e', 'stderr'] };
}
