/** A private MariaDB (Debian package mariadb-server): own data folder, unix socket only, one read-only user. */
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { createTempFolder } from './temp-folder.ts';

export interface MariaDb {
  readonly socketPath: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  stop(): Promise<void>;
}

const DATABASE = 'shop';
const USER = 'reader';
const PASSWORD = 'reader-password';

/** Starts it with the database `shop` and the tables that `tables` (SQL, one statement a line) makes in it. */
export async function startMariaDb(tables: readonly string[]): Promise<MariaDb> {
  const folder = createTempFolder('mariadb');
  const dataFolder = join(folder.path, 'data');
  const socketPath = join(folder.path, 'socket');
  await installSystemTables(dataFolder);
  const server = startChild({
    command: '/usr/sbin/mariadbd',
    args: [
      '--no-defaults',
      ...asCurrentUser(),
      `--datadir=${dataFolder}`,
      `--socket=${socketPath}`,
      `--pid-file=${join(folder.path, 'pid')}`,
      `--init-file=${writeInitFile(folder.path, tables)}`,
      '--skip-networking',
      '--skip-log-bin',
      '--innodb-buffer-pool-size=16M',
    ],
  });
  await server.waitFor('MariaDB to accept connections', () =>
    server.stderr().includes('ready for connections') ? true : undefined,
  );
  const stop = async (): Promise<void> => {
    await server.stop();
    folder.remove();
  };
  return { socketPath, database: DATABASE, user: USER, password: PASSWORD, stop };
}

async function installSystemTables(dataFolder: string): Promise<void> {
  const installer = startChild({
    command: '/usr/bin/mariadb-install-db',
    args: [
      '--no-defaults',
      ...asCurrentUser(),
      `--datadir=${dataFolder}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      '--innodb-log-file-size=8M',
    ],
  });
  const { code } = await installer.ended();
  if (code !== 0) throw new Error(`mariadb-install-db failed: ${installer.stderr()}`);
}

// The server reads it, line by line, before it accepts connections.
function writeInitFile(folder: string, tables: readonly string[]): string {
  const path = join(folder, 'init.sql');
  const statements = [
    `CREATE DATABASE ${DATABASE};`,
    `USE ${DATABASE};`,
    ...tables,
    `CREATE USER ${USER}@localhost IDENTIFIED BY '${PASSWORD}';`,
    `GRANT SELECT ON ${DATABASE}.* TO ${USER}@localhost;`,
  ];
  writeFileSync(path, `${statements.join('\n')}\n`);
  return path;
}

// It refuses to run as root unless told so.
function asCurrentUser(): string[] {
  return [`--user=${userInfo().username}`];
}
