/** The transitive closure of a relation: all that each key leads to, over any number of steps. */

/** Circles are fine; a key that lies on one leads to itself too. */
export function closeRelation(
  relation: Readonly<Record<string, readonly string[]>>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const steps = new Map(Object.entries(relation));
  const closed = new Map<string, ReadonlySet<string>>();
  for (const [key, next] of steps) {
    const reached = new Set(next);
    // A set that grows is walked to its end.
    for (const value of reached) for (const further of steps.get(value) ?? []) reached.add(further);
    closed.set(key, reached);
  }
  return closed;
}
