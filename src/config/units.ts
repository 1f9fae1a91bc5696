/** Durations and sizes as people write them: "1m30s" is milliseconds, "4MB" and "4MiB" are bytes. */

const DURATION_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const SIZE_UNITS = [
  ['GiB', 2 ** 30],
  ['GB', 1e9],
  ['MiB', 2 ** 20],
  ['MB', 1e6],
  ['KiB', 2 ** 10],
  ['KB', 1e3],
  ['kB', 1e3],
  ['B', 1],
] as const;

const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const SIZE = /^(\d+)(B|kB|KB|MB|GB|KiB|MiB|GiB)$/;

/** `"1m30s"` → 90000. Units d, h, m, s, ms, largest first, each at most once; undefined when the text is anything else. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null || text === '') return undefined;
  const ms = DURATION_UNITS.reduce((sum, [, size], index) => sum + Number(match[index + 1] ?? 0) * size, 0);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** `"4MB"` → 4000000, `"4MiB"` → 4194304. Whole numbers with a unit only; undefined when the text is anything else. */
export function parseSize(text: string): number | undefined {
  const [, digits, name] = SIZE.exec(text) ?? [];
  const unit = SIZE_UNITS.find(([unitName]) => unitName === name);
  if (unit === undefined) return undefined;
  const bytes = Number(digits) * unit[1];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest text that `parseDuration` reads back as the same number: 90000 → `"1m30s"`. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [name, size] of DURATION_UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${name}`;
  }
  return text === '' ? '0s' : text;
}

/** The text with the smallest whole number that `parseSize` reads back: 4194304 → `"4MiB"`. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0B';
  const unit = SIZE_UNITS.find(([, size]) => bytes % size === 0) ?? ['B', 1];
  return `${bytes / unit[1]}${unit[0]}`;
}

const DURATION_WORDS = [
  ['ms', /^(ms|msecs?|millis|milliseconds?)$/],
  ['s', /^(s|secs?|seconds?)$/],
  ['m', /^(m|mins?|minutes?)$/],
  ['h', /^(h|hrs?|hours?)$/],
  ['d', /^(d|days?)$/],
] as const;

/**
 * What somebody who wrote no legal duration will have meant, in ms: "30 s", "30sec", "1.5h". Of a bare number the size
 * tells: people write timeouts in milliseconds, such as 30000, or in seconds, such as 30.
 */
export function guessDuration(text: string): number | undefined {
  const [, digits = '', word = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/.exec(text.toLowerCase()) ?? [];
  if (digits === '') return undefined;
  const bare = Number(digits) >= 1000 ? 'ms' : 's';
  const name = word === '' ? bare : DURATION_WORDS.find(([, pattern]) => pattern.test(word))?.[0];
  const unit = DURATION_UNITS.find(([unitName]) => unitName === name);
  const ms = unit === undefined ? Number.NaN : Number(digits) * unit[1];
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** What somebody who wrote no legal size will have meant, in bytes: "4194304", "4M", "4 mib". */
export function guessSize(text: string): number | undefined {
  const [, digits = '', letter = '', binary = ''] = /^(\d+) ?([kmg]?)(i?)b?$/i.exec(text) ?? [];
  // A small number without a unit may be meant in any.
  if (letter === '') return Number(digits) >= 1024 ? parseSize(`${digits}B`) : undefined;
  return parseSize(`${digits}${letter.toUpperCase()}${binary.toLowerCase()}B`);
}
