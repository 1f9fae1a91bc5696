/** Maven for the identity providers in Java, with a local repository in the cache. */
import { join } from 'node:path';
import { CACHE, runCommand } from './cache.ts';

const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.9.0:unpack';

/** Runs goals in a folder; what they need comes from the registry that Maven is set up for. */
export async function runMaven(goals: readonly string[], cwd: string): Promise<void> {
  const repository = `-Dmaven.repo.local=${join(CACHE, 'maven')}`;
  await runCommand(['mvn', '--quiet', '--batch-mode', repository, ...goals], { cwd });
}

/** Unpacks an artifact, written `group:artifact:version:type`, into the folder. */
export function unpackArtifact(artifact: string, folder: string): Promise<void> {
  return runMaven([UNPACK, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`], folder);
}
