/** Runs the MCP conformance suite direct and through Obex, writes docs/conformance.md, fails where Obex makes a difference for the worse. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDevelopmentIdentityProvider } from '../src/demo/identity-provider.ts';
import { startChild } from '../test/support/child.ts';
import { startConformanceServer } from '../test/support/conformance-server.ts';
import type { ScenarioOutcome, SuiteRun } from '../test/support/conformance-suite.ts';
import { runSuite } from '../test/support/conformance-suite.ts';
import { freePort } from '../test/support/free-port.ts';
import { startObexProcess } from '../test/support/obex-process.ts';
import { startTokenHop } from '../test/support/token-hop.ts';

interface NamedRun extends SuiteRun {
  readonly title: string;
}

const OLD = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
const NEW = fileURLToPath(import.meta.resolve('conformance-next/dist/index.js'));
const SERVER_EVERYTHING = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
const LOOPBACK_ONLY = fileURLToPath(import.meta.resolve('../test/support/loopback-only.ts'));

const RUNS: readonly NamedRun[] = [
  { title: 'conformance 0.1.16 `--suite all`', cli: OLD, args: ['--suite', 'all'] },
  {
    title: 'conformance 0.2.0-alpha.12 `--requirements 2025-11-25`',
    cli: NEW,
    args: ['--requirements', '2025-11-25'],
  },
  {
    title: 'conformance 0.2.0-alpha.12 `--requirements 2026-07-28`',
    cli: NEW,
    args: ['--requirements', '2026-07-28'],
  },
];

const REBINDING = 'dns-rebinding-protection';

const PAGE = join(import.meta.dirname, '../docs/conformance.md');

const SCOPE = 'conformance';

const INTRODUCTION = `# Conformance

The official MCP conformance suite against the same server twice: direct, and through Obex in phase 2, with a real IdP's
token. What passes direct must pass through Obex. \`make conformance\` runs it and writes this page; it fails when a check
that passes direct does not pass through Obex.

The server is \`test/support/conformance-server.ts\`: both eras of MCP on one endpoint, built from the official SDK
packages. The suite sends no token, so a hop before Obex (\`test/support/token-hop.ts\`) adds one. To run the suite by
hand:

\`\`\`sh
npx @modelcontextprotocol/conformance@0.1.16 server --url http://localhost:PORT/mcp --suite all
npx @modelcontextprotocol/conformance@0.2.0-alpha.12 server --url http://localhost:PORT/mcp --requirements 2025-11-25
npx @modelcontextprotocol/conformance@0.2.0-alpha.12 server --url http://localhost:PORT/mcp --requirements 2026-07-28
\`\`\`

The scenarios \`tasks-*\` belong to an extension that the SDK's server does not have; they fail in the same way direct and
through Obex.
`;

/** Two ways to one server. */
interface Passage {
  readonly direct: string;
  readonly throughObex: string;
}

await using started = new AsyncDisposableStack();
const conformanceServer = await startConformanceServer();
started.defer(() => conformanceServer.stop());
const passage = await openPassage(conformanceServer.port);
const everything = await openPassage(await startServerEverything());

const sections: string[] = [];
const regressions: string[] = [];
for (const run of RUNS) {
  const direct = await runSuite(run, passage.direct);
  const throughObex = await runSuite(run, passage.throughObex);
  sections.push(formatSection(run.title, direct, throughObex));
  for (const [scenario, outcome] of direct) {
    for (const check of findRegressions(outcome, throughObex.get(scenario))) {
      regressions.push(`${run.title}: ${scenario}: ${check}`);
    }
  }
}
const rebinding = await compareRebinding();
sections.push(rebinding.section);
if (!rebinding.protected) regressions.push(`${REBINDING} fails through Obex`);

writeFileSync(PAGE, `${INTRODUCTION}\n${sections.join('\n')}`);
process.stdout.write(sections.join('\n'));
for (const regression of regressions) process.stderr.write(`passes direct, not through Obex: ${regression}\n`);
process.exitCode = regressions.length > 0 ? 1 : 0;

/** Puts Obex, with an IdP of its own, and the hop with a token in front of a backend. */
async function openPassage(backendPort: number): Promise<Passage> {
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const resource = `${publicUrl}/mcp`;
  const idp = await startDevelopmentIdentityProvider({ resource, scopes: [SCOPE] });
  started.defer(() => idp.stop());
  const obex = await startObexProcess({
    config: `obex: { public_url: "${publicUrl}", listen: "127.0.0.1:${port}" }
backend: { url: "http://127.0.0.1:${backendPort}" }
resource: { url: "${resource}" }
idp: { issuer: "${idp.issuer}" }
authz: { required_scopes: ["${SCOPE}"] }
`,
  });
  started.defer(() => obex.stop());
  const hop = await startTokenHop(port, await idp.issueToken({ scope: SCOPE }));
  started.defer(() => hop.stop());
  return { direct: `http://localhost:${backendPort}/mcp`, throughObex: `http://localhost:${hop.port}/mcp` };
}

/** The reference server of the MCP project, which answers whatever Host and Origin say. */
async function startServerEverything(): Promise<number> {
  const child = startChild({
    command: process.execPath,
    args: ['--import', LOOPBACK_ONLY, SERVER_EVERYTHING, 'streamableHttp'],
    env: { PORT: '0' },
  });
  started.defer(async () => void (await child.stop()));
  return child.waitFor('its port', () => {
    const port = /listening on port (\d+)/.exec(child.stderr())?.[1];
    return port === undefined ? undefined : Number(port);
  });
}

async function compareRebinding(): Promise<{ section: string; protected: boolean }> {
  const run: SuiteRun = { cli: OLD, args: ['--scenario', REBINDING] };
  const direct = await runSuite(run, everything.direct);
  const throughObex = await runSuite(run, everything.throughObex);
  return {
    section: formatSection(`\`${REBINDING}\` with \`@modelcontextprotocol/server-everything\``, direct, throughObex),
    protected: throughObex.get(REBINDING)?.failed.size === 0,
  };
}

type Outcomes = ReadonlyMap<string, ScenarioOutcome>;

/** Checks that passed more often direct than through Obex, and warnings and failures that only Obex brings. */
function findRegressions(direct: ScenarioOutcome, throughObex: ScenarioOutcome | undefined): string[] {
  if (!throughObex) return ['did not run'];
  const lost = [...direct.passed].filter(([check, times]) => (throughObex.passed.get(check) ?? 0) < times);
  const gained = (['failed', 'warned'] as const).flatMap((kind) =>
    [...throughObex[kind]].filter(([check, times]) => (direct[kind].get(check) ?? 0) < times),
  );
  return [...new Set([...lost, ...gained].map(([check]) => check))];
}

function formatSection(title: string, direct: Outcomes, throughObex: Outcomes): string {
  const rows = [...direct].map(
    ([scenario, outcome]) =>
      `| ${scenario} | ${formatOutcome(outcome)} | ${formatOutcome(throughObex.get(scenario))} |`,
  );
  return `## ${title}

| scenario | direct | through Obex |
|---|---|---|
${rows.join('\n')}

${formatTotal('Direct', direct)}; ${formatTotal('through Obex', throughObex)}.
`;
}

function formatOutcome(outcome: ScenarioOutcome | undefined): string {
  if (!outcome) return 'did not run';
  const passed = sum(outcome.passed);
  const failed = sum(outcome.failed);
  const warned = sum(outcome.warned);
  const verdict = `${failed === 0 ? '✓' : '✗'} ${passed} of ${passed + failed}`;
  return warned === 0 ? verdict : `${verdict}, ${warned} warned`;
}

function formatTotal(place: string, outcomes: Outcomes): string {
  const passing = [...outcomes.values()].filter((outcome) => outcome.failed.size === 0);
  return `${place}: ${passing.length} of ${outcomes.size} scenarios pass`;
}

function sum(counts: ReadonlyMap<string, number>): number {
  return counts.values().reduce((total, times) => total + times, 0);
}
