/** The npm package @benborla29/mcp-server-mysql in front of a MariaDB: a real MCP server with a secret of its own. */
import { join } from 'node:path';
import { startChild } from './child.ts';
import type { MariaDb } from './mariadb.ts';

export interface MysqlMcpServer {
  /** Its MCP endpoint is `http://127.0.0.1:<port>/mcp`. */
  readonly port: number;
  stop(): Promise<void>;
}

const PACKAGE = join(import.meta.dirname, '../../mcp/mariadb/node_modules/@benborla29/mcp-server-mysql');
const LOOPBACK_ONLY = join(import.meta.dirname, 'loopback-only.ts');

export interface MysqlMcpServerOptions {
  readonly database: MariaDb;
  /** What it wants to see in `Authorization: Bearer …`; it answers 401 otherwise. */
  readonly secret: string;
  /** Default: any free one. */
  readonly port?: number;
}

export async function startMysqlMcpServer({
  database,
  secret,
  port = 0,
}: MysqlMcpServerOptions): Promise<MysqlMcpServer> {
  const server = startChild({
    command: process.execPath,
    args: ['--import', LOOPBACK_ONLY, join(PACKAGE, 'dist/index.js')],
    env: {
      IS_REMOTE_MCP: 'true',
      REMOTE_SECRET_KEY: secret,
      PORT: String(port),
      MYSQL_SOCKET_PATH: database.socketPath,
      MYSQL_USER: database.user,
      MYSQL_PASS: database.password,
      MYSQL_DB: database.database,
    },
    cwd: PACKAGE,
  });
  const listening = await server.waitFor(
    'mcp-server-mysql to listen',
    () => /^listening on port (\d+)$/m.exec(server.stderr()) ?? undefined,
  );
  return {
    port: Number(listening[1]),
    stop: async () => {
      await server.stop();
    },
  };
}
