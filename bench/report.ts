/** The page bench/RESULTS.md: the machine, both tables, notes. What people wrote below them stays. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from './measurement.ts';
import type { Options } from './options.ts';
import { formatResults, formatThresholds } from './table.ts';

const PAGE = join(import.meta.dirname, 'RESULTS.md');
/** From this line on the page is written by hand. */
const BY_HAND = '## Tried';

const VERSIONS: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['nginx', ['-v'], /nginx\/(\S+)/],
  ['haproxy', ['-v'], /version (\S+)/],
  ['apache2', ['-v'], /Apache\/(\S+)/],
  ['dpkg-query', ['--show', 'libapache2-mod-auth-openidc'], /(libapache2-mod-auth-openidc\s+\S+)/],
  ['wrk', ['-v'], /(debian\/\S+)/],
  ['redis-server', ['--version'], /v=(\S+)/],
  ['h2load', ['--version'], /nghttp2\/(\S+)/],
];

const READING_GUIDE = `The proxy that is measured has a core to itself; backend and load share the others. Contenders take turns of a few seconds, there
and back again, and are started afresh each round; in \`dpop\`, \`rate\`, \`sse-*\` and \`replay-cache\` they have one turn a round.
Numbers are medians of all turns, in brackets the ratio to the first line of the scenario. CPU is user and system time of the
whole process group divided by the requests answered; capacity in the table of thresholds is its inverse. "requests/s" is
what 64 connections got out of it: where the core was not nearly 100 % busy, the load was the bottleneck. haproxy and apache
verify the signature of every request; Obex remembers tokens, except in the scenario \`verify\`. Latency is that of requests at a fixed rate (\`rate\`), and of events from the backend's write to the client's read (\`sse-*\`).
In \`sse-*\`, CPU is per event. In \`dpop\` every request has an ES256 proof of its own, made before the run, and a token that
Obex has seen; the first line is what \`crypto.verify\` alone takes for such a proof on this machine. RSS counts pages that processes share once for each.`;

/** The whole report, for the terminal and for the page. */
export function formatReport({ rows, notes }: Outcome, options: Options): string {
  const largest = Math.max(0, ...rows.map(({ cpuSpread }) => cpuSpread));
  const facts = [
    ...describeMachine(),
    `${options.rounds} rounds, ${options.turns} turns of ${options.seconds} s; fixed rate ${options.rate}/s`,
    `the middle half of the measurements of CPU per request is up to ${(largest * 100).toFixed(0)} % wide`,
    ...notes,
  ];
  const list = facts.map((fact) => `- ${fact}`).join('\n');
  return `## Thresholds\n\n${formatThresholds(rows)}\n\n## Measured\n\n${formatResults(rows)}\n\n${list}\n`;
}

export function writePage(report: string): void {
  const before = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const byHand = before.includes(BY_HAND) ? `\n${before.slice(before.indexOf(BY_HAND))}` : '';
  writeFileSync(PAGE, `# Speed\n\nWritten by \`make bench\`.\n\n${READING_GUIDE}\n\n${report}${byHand}`);
}

function describeMachine(): readonly string[] {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const versions = VERSIONS.map(([program, args, pattern]) => versionOf(program, args, pattern));
  return [
    `${new Date().toISOString().slice(0, 10)}; ${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${memory}; Linux ${release()}`,
    `Node ${process.versions.node}, ${versions.join(', ')}`,
  ];
}

function versionOf(program: string, args: readonly string[], pattern: RegExp): string {
  // wrk reports its version with exit code 1, nginx on stderr.
  const output = execFileSync('sh', ['-c', '"$@" 2>&1 || true', 'sh', program, ...args], { encoding: 'utf8' });
  const version = pattern.exec(output)?.[1]?.replace(/\s+/, ' ') ?? 'unknown';
  return program === 'dpkg-query' ? version : `${program} ${version}`;
}
