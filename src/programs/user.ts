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

/** `NAME`, `UID`, `NAME:GROUP` or `UID:GID`. Throws with words for whoever configures it. */
export function findUser(text: string): ProgramUser {
  const [name = '', group] = text.split(':', 2);
  const entry = readEntries(PASSWD).find(([login, , uid]) => login === name || (NUMBER.test(name) && uid === name));
  if (entry === undefined && !NUMBER.test(name)) throw new Error(`there is no user ${name} in ${PASSWD}`);
  const uid = Number(entry?.[2] ?? name);
  const gid = group === undefined ? entry?.[3] : findGroup(group);
  if (gid === undefined) throw new Error(`the user ${name} is not in ${PASSWD}; say its group too (${name}:GID)`);
  if (uid !== ownUid() && ownUid() !== 0) throw new Error(`Obex is not root, so no program can run as ${name}`);
  return { uid, gid: Number(gid), home: entry?.[5] };
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
    return text.split('\n').map((line) => line.split(':'));
  } catch {
    return [];
  }
}

function ownUid(): number {
  return process.geteuid?.() ?? 0;
}
