/** "Did you mean": the keys nearest to one that nobody knows. */
import { SECTION_NAMES, SECTIONS } from './catalogue.ts';
import { formatPattern, type Path } from './path.ts';

/** Candidates that differ by few slips of the finger, nearest first. */
export function nearest(word: string, candidates: readonly string[]): readonly string[] {
  const folded = fold(word);
  const allowed = Math.max(1, Math.floor(folded.length / 4));
  return candidates
    .map((candidate) => ({ candidate, distance: distance(folded, fold(candidate)) }))
    .filter((entry) => entry.distance <= allowed)
    .toSorted((a, b) => a.distance - b.distance)
    .map((entry) => entry.candidate);
}

/** publicUrl, public-url and PUBLIC_URL are the same slip. */
function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const options = [cell(rows, i - 1, j) + 1, (row[j - 1] ?? 0) + 1, cell(rows, i - 1, j - 1) + cost];
      if (swapped) options.push(cell(rows, i - 2, j - 2) + 1);
      row.push(Math.min(...options));
    }
    rows.push(row);
  }
  return cell(rows, a.length, b.length);
}

function cell(rows: readonly (readonly number[])[], row: number, column: number): number {
  return rows[row]?.[column] ?? 0;
}

/** What is said of an unknown key. */
export interface UnknownKey {
  readonly message: string;
  /** The place that was meant, when there is just one candidate. */
  readonly meant: Path | undefined;
}

/** What to do about an unknown key in the map at `path`. */
export function explainUnknownKey(key: string, path: Path): UnknownKey {
  const pattern = formatPattern(path);
  const here = SECTIONS.find((section) => section.path.join('.') === pattern)?.keys ?? [];
  const [similar] = [
    // Sections may be nested under obex.
    ...nearest(key, pattern === 'obex' ? [...here, ...SECTION_NAMES] : here),
    ...here.filter((known) => overlaps(key, known)),
  ];
  if (similar !== undefined) {
    const meant = here.includes(similar) ? [...path, similar] : [similar];
    return { message: `unknown key; did you mean ${similar}?`, meant };
  }
  const elsewhere = placesOf((known) => fold(known) === fold(key));
  if (elsewhere.length > 0) {
    return { message: `unknown key here; it belongs elsewhere: ${formatPlaces(elsewhere)}`, meant: onlyOne(elsewhere) };
  }
  const alike = placesOf((known) => nearest(key, [known]).length > 0);
  if (alike.length > 0) {
    return { message: `unknown key; did you mean ${formatPlaces(alike)}?`, meant: onlyOne(alike) };
  }
  const list = `${path.length === 0 ? 'the sections are' : 'known here:'} ${here.join(', ')}`;
  return { message: `unknown key; ${list}`, meant: undefined };
}

function formatPlaces(places: readonly Path[]): string {
  return places.map((place) => place.join('.').replaceAll('.[]', '[]')).join(' or ');
}

function onlyOne(places: readonly Path[]): Path | undefined {
  return places.length === 1 ? places[0] : undefined;
}

/** `algorithms` and `accepted_algorithms` */
function overlaps(key: string, known: string): boolean {
  return key.length >= 4 && (known.includes(key) || (known.length >= 4 && key.includes(known)));
}

function placesOf(matches: (key: string) => boolean): Path[] {
  return SECTIONS.flatMap((section) => section.keys.filter(matches).map((key) => [...section.path, key]));
}
