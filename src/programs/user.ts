/** The user that a program runs as: passwd(5) and group(5), since Node looks up no names. */
import { readFileSync } from 'node:fs';

export interface ProgramUser {
  readonly uid: number;
  readonly gid: number;
  /** Undefined for a number that has no entry. */
  readonly home: string | undefined;
}

const PASSWD = '/etc/passwd';
const GROUP = '/etc/group';
const NUMBER = /^\d{1,10}$/;
/** A larger one is none for Node, and some of those are "unchanged" for the system. setuid(2). */
const MAX_ID = 2 ** 31 - 1;

/** `NAME`, `UID`, `NAME:GROUP` or `UID:GID`. Throws with words for whoever configures it. */
export function findUser(text: string): ProgramUser {
  const [name = '', group, ...rest] = text.split(':');
  if (name === '' || group === '' || rest.length > 0) {
    throw new Error(`a user is NAME, UID, NAME:GROUP or UID:GID, and ${text} is none of them`);
  }
  const entry = readEntries(PASSWD).find(([login, , uid]) => login === name || (NUMBER.test(name) && uid === name));
  if (entry === undefined && !NUMBER.test(name)) throw new Error(`there is no user ${name} in ${PASSWD}`);
  const uid = readId(entry?.[2] ?? name);
  const gid = group === undefined ? entry?.[3] : findGroup(group);
  if (gid === undefined) throw new Error(`the user ${name} is not in ${PASSWD}; say its group too (${name}:GID)`);
  if (uid !== ownUid() && ownUid() !== 0) throw new Error(`Obex is not root, so no program can run as ${name}`);
  return { uid, gid: readId(gid), home: entry?.[5] };
}

function readId(text: string): number {
  const id = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!(id <= MAX_ID)) throw new Error(`${text} is no number of a user or group (0 to ${MAX_ID})`);
  return id;
}

function findGroup(group: string): string {
  if (NUMBER.test(group)) return group;
  const gid = readEntries(GROUP).find(([name]) => name === group)?.[2];
  if (gid === undefined) throw new Error(`there is no group ${group} in ${GROUP}`);
  return gid;
}

function readEntries(file: string): readonly (readonly string[])[] {
  try {
    const text = readFileSync(file).toString();
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => line.split(':'));
  } catch {
    return [];
  }
}

function ownUid(): number {
  return process.geteuid?.() ?? 0;
}
