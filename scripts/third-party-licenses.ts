/** The licenses of the packages that a bundle holds copies of: they ask that their text goes with every copy. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const LICENSE_FILES = '{LICEN[CS]E,licen[cs]e,COPYING,NOTICE}*';

/** `inputs`: the files that went into the bundles, as esbuild names them. */
export function formatLicenses(inputs: readonly string[]): string {
  return packageFolders(inputs)
    .map(formatLicense)
    .toSorted()
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** Folders of the packages that the files belong to, in order. */
export function packageFolders(inputs: readonly string[]): readonly string[] {
  return [...new Set(inputs.flatMap((input) => PACKAGE_FOLDER.exec(input) ?? []))].toSorted();
}

function formatLicense(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const texts = globSync(LICENSE_FILES, { cwd: folder })
    .toSorted()
    .map((file) => readFileSync(path.join(folder, file), 'utf8').trim());
  return `${[`${name} ${version} (${license})`, ...texts].join('\n\n')}\n`;
}
