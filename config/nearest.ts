/** The known name closest to a misspelled one, if it is close at all. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  return nearestAll(name, known).at(0);
}

/** The known names closest to a misspelled one, all equally close; none if none is close at all. */
export function nearestAll(name: string, known: readonly string[]): string[] {
  const ranked = known.map((candidate) => ({
    candidate,
    distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  const least = Math.min(...ranked.map(({ distance }) => distance));
  return least <= Math.max(2, name.length / 3)
    ? ranked.filter(({ distance }) => distance === least).map(({ candidate }) => candidate)
    : [];
}

/** Levenshtein's distance: insertions, deletions and substitutions that turn one text into the other. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const substitution = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, substitution));
    }
    row = next;
  }
  return row[other.length];
}
