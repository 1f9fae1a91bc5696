/** The tables of the report, in Markdown that also reads well on a terminal. */
import { METRICS, type Metric, type Row } from './measurement.ts';
import { THRESHOLDS, type Threshold } from './thresholds.ts';

const TITLES: Readonly<Record<Metric, string>> = {
  cpuMicros: 'CPU µs/request',
  requestsPerSecond: 'requests/s',
  busyPercent: 'core busy %',
  p50Micros: 'p50 µs',
  p99Micros: 'p99 µs',
  idleMegabytes: 'RSS idle MB',
  loadedMegabytes: 'RSS loaded MB',
  kilobytesPerStream: 'KB/stream',
  startMillis: 'ms to first 200',
};

const WITHOUT_RATIO: readonly Metric[] = ['busyPercent'];

/** Every line with its ratio to the first one of its scenario. */
export function formatResults(rows: readonly Row[]): string {
  const metrics = METRICS.filter((metric) => rows.some(({ values }) => values[metric] !== undefined));
  const lines = rows.map((row) => {
    const first = rows.find(({ scenario }) => scenario === row.scenario);
    return [row.scenario, row.contender, ...metrics.map((metric) => formatCell(metric, row, first))];
  });
  return formatTable(['scenario', 'contender', ...metrics.map((metric) => TITLES[metric])], lines);
}

export function formatThresholds(rows: readonly Row[]): string {
  const lines = THRESHOLDS.map((threshold) => {
    const { title, unit, better, required, aim } = threshold;
    const measured = threshold.measure(rows);
    const bound = better === 'higher' ? '≥' : '≤';
    const shown = measured === undefined ? 'not measured' : `${formatNumber(measured)}${unit}`;
    return [title, shown, `${bound} ${required}${unit}`, `${bound} ${aim}${unit}`, judge(threshold, measured)];
  });
  return formatTable(['what', 'measured', 'at least', 'aim', ''], lines);
}

/** Pads the cells, so that columns stand under each other. */
export function formatTable(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(3, title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const formatLine = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [header, widths.map((width) => '-'.repeat(width)), ...lines].map(formatLine).join('\n');
}

function judge({ better, required, aim }: Threshold, measured: number | undefined): string {
  if (measured === undefined) return '';
  const reaches = (bound: number): boolean => (better === 'higher' ? measured >= bound : measured <= bound);
  if (reaches(aim)) return 'aim reached';
  return reaches(required) ? 'reached' : 'missed';
}

function formatCell(metric: Metric, row: Row, first: Row | undefined): string {
  const value = row.values[metric];
  if (value === undefined) return '';
  const reference = first?.values[metric];
  const alone = reference === undefined || first === row || WITHOUT_RATIO.includes(metric);
  return alone ? formatNumber(value) : `${formatNumber(value)} (${formatNumber(value / reference)}×)`;
}

/** Three significant digits below a thousand, whole numbers above. */
function formatNumber(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
