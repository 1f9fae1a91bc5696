/** Whether Obex will be able to read the certificate files, as the user that it runs as. */
import { type Stats, statSync } from 'node:fs';
import { error, type Finding, warning } from './finding.ts';
import { OBEX_ID, type PairFiles } from './pair.ts';

/**
 * `uid` is the number of the user and of the group that Obex will run as. Undefined = nobody knows: outside of the container
 * it is whoever starts it, so that it is only a warning if the user of the container could not.
 */
export function checkAccess(files: PairFiles, uid: number | undefined): readonly Finding[] {
  const id = uid ?? OBEX_ID;
  const unreadable = unreadableTo(id, files).join(' and ');
  if (unreadable === '') return [];
  const { folder, cert, key } = files;
  const commands = `chmod 755 ${folder} && chown ${id} ${cert} ${key} && chmod 400 ${key} && chmod 644 ${cert}`;
  if (uid !== undefined) return [error(`UID ${id}, which Obex runs as, cannot read ${unreadable}.`, commands)];
  const cure = `Only if Obex is to run in its container: ${commands}`;
  return [warning(`UID ${id}, which Obex runs as in its container, cannot read ${unreadable}.`, cure)];
}

function unreadableTo(id: number, { folder, cert, key }: PairFiles): readonly string[] {
  const permits = ({ uid, gid, mode }: Stats, bit: number): boolean => {
    // The one class of permission bits that counts: of the owner, else of the group, else of the others.
    const shift = uid === id ? 6 : gid === id ? 3 : 0;
    return id === 0 || (mode & (bit << shift)) !== 0;
  };
  if (!permits(statSync(folder), 0o1)) return [cert, key];
  return [cert, key].filter((file) => !permits(statSync(file), 0o4));
}
