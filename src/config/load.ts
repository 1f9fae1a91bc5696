/** Config file → Config, or all problems at once: YAML, layout, `${VAR}`, `OBEX_*`, flags, `<key>_file`, and for each server presets, schema, cross-checks. */
import * as z from 'zod/mini';
import { applyFlags } from './apply-flags.ts';
import { applyPresets } from './apply-presets.ts';
import { crossCheck } from './cross-checks.ts';
import { type ConfigProblem, Draft } from './draft.ts';
import { applyOverrides } from './environment.ts';
import { type Environment, expandVariables } from './expand.ts';
import { fillWithoutFile } from './fill-without-file.ts';
import { type Flags, NO_FLAGS } from './flags.ts';
import { collectServerWarnings, joinViews } from './join-views.ts';
import { flattenLayout } from './layout.ts';
import { type Phase, phaseOf } from './phase.ts';
import { readYaml } from './read-yaml.ts';
import { type Config, configSchema, type ServerView, type SharedLimits, sections } from './schema.ts';
import { reportIssues } from './schema-issues.ts';
import { readSecretFiles } from './secret-files.ts';
import { checkServers } from './server-checks.ts';
import { viewServers } from './server-views.ts';

export { type ConfigProblem, formatProblem } from './draft.ts';

export interface ConfigSource {
  /** Name of the file, for problems. */
  readonly file: string;
  readonly text: string;
  readonly env: Environment;
  readonly flags?: Flags;
  /** Reads a secret; throws what `fs.readFileSync` throws. */
  readonly readFile: (path: string) => string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly phase: Phase;
  readonly warnings: readonly string[];
  /** What presets have set, and what stood in no file, a line each. */
  readonly filledIn: readonly string[];
}

export interface RefusedConfig {
  /** Unknown `OBEX_*` variables: a slip there may be the cause. */
  readonly warnings: readonly string[];
  /** Never empty; by line, those of the environment and the flags last. */
  readonly problems: readonly ConfigProblem[];
}

/** Loads a config. Precedence: flags, `OBEX_*` variables, file, defaults. No value that may be secret stands in a problem. */
export function loadConfig({
  file,
  text,
  env,
  flags = NO_FLAGS,
  readFile,
}: ConfigSource): LoadedConfig | RefusedConfig {
  const yaml = readYaml(text);
  const draft = new Draft(file, yaml.root, yaml.lines);
  for (const { line, path, message } of yaml.problems) draft.reportAt(line, path, message);
  // What could not be read at all says nothing about its values.
  if (yaml.lines.size === 0 && draft.problems.length > 0) return { problems: draft.problems, warnings: [] };
  flattenLayout(draft);
  expandVariables(draft, env);
  applyOverrides(draft, env);
  applyFlags(draft, flags.values);
  if (flags.insteadOfFile !== undefined) fillWithoutFile(draft);
  readSecretFiles(draft, readFile);
  const shared = readShared(draft);
  const servers = viewServers(draft).map((server) => ({ ...server, view: readView(server.draft) }));
  const read = servers.flatMap(({ view, ...server }) => (view === undefined ? [] : [{ ...server, view }]));
  checkServers(draft, read);
  for (const server of servers) if (server.draft !== draft) draft.absorb(server.draft);
  const config = draft.problems.length > 0 ? undefined : joinViews(read, shared);
  if (config === undefined) return { problems: draft.problems, warnings: draft.warnings };
  return {
    config,
    phase: phaseOf(config),
    warnings: [...collectServerWarnings(read), ...draft.warnings],
    filledIn: draft.filledIn,
  };
}

/** What stands beside `servers` of what each may have otherwise: it must be right though none of them uses it. */
function readShared(draft: Draft): SharedLimits | undefined {
  if (draft.valueAt(['servers']) === undefined) return undefined;
  const { authz, limits } = sections.shape;
  const shared = { authz: draft.valueAt(['authz']), limits: draft.valueAt(['limits']) };
  const parsed = z.object({ authz, limits }).safeParse(shared, { jitless: true });
  if (!parsed.success) reportIssues(draft, parsed.error.issues);
  return parsed.data?.limits;
}

/** Undefined where the schema finds something; what that and the rules find is reported. */
function readView(draft: Draft): ServerView | undefined {
  applyPresets(draft);
  // A parser compiled for the schema would be used once.
  const parsed = configSchema.safeParse(draft.root, { jitless: true });
  if (!parsed.success) reportIssues(draft, parsed.error.issues);
  crossCheck(draft);
  return parsed.success ? parsed.data : undefined;
}
