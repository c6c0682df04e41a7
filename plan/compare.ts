import type { Artefacts } from "./artefacts";
import { compareText } from "./graph";

/** What changed between two plans, in words; one line a file, or a sentence that nothing did. */
export function changesInWords(before: Artefacts, after: Artefacts): string {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort(compareText);
  const lines = paths.flatMap((path) => {
    const old = before.get(path);
    const now = after.get(path);
    if (old === now) {
      return [];
    }
    if (old === undefined) {
      return [`  new      ${describe(path)}`];
    }
    if (now === undefined) {
      return [`  gone     ${describe(path)}`];
    }
    return [`  changed  ${describe(path)}: ${lineChanges(old, now)}`];
  });
  const moved = movedSteps(before, after);
  if (lines.length === 0) {
    return "Nothing changed.";
  }
  return [`${lines.length} of ${paths.length} files differ:`, ...lines, ...moved].join("\n");
}

/** `hosts/k3s1/03-disks.sh` as "step disks on k3s1". */
function describe(path: string): string {
  const host = /^hosts\/([^/]+)\/\d+-(.+)\.sh$/.exec(path);
  if (host) {
    return `step ${host[2]} on ${host[1]} (${path})`;
  }
  const chart = /^charts\/(.+)\.yaml$/.exec(path);
  if (chart) {
    return `chart ${chart[1]} (${path})`;
  }
  const manifest = /^manifests\/([^/]+)\/([^-]+)-(.+)\.yaml$/.exec(path);
  if (manifest) {
    return `${manifest[2]} ${manifest[3]}${manifest[1] === "_cluster" ? "" : ` in ${manifest[1]}`} (${path})`;
  }
  return path;
}

/** Counts of lines and the first pair that differs, which is mostly the edit itself. */
function lineChanges(old: string, now: string): string {
  const oldLines = old.split("\n");
  const nowLines = now.split("\n");
  const removed = difference(oldLines, nowLines);
  const added = difference(nowLines, oldLines);
  const first = [removed[0] && `- ${shorten(removed[0])}`, added[0] && `+ ${shorten(added[0])}`].filter(Boolean);
  const counts = `${added.length} lines added, ${removed.length} removed`;
  return first.length > 0 ? `${counts}\n             ${first.join("\n             ")}` : "only the order of lines";
}

function difference(lines: string[], other: string[]): string[] {
  const left = new Map<string, number>();
  other.forEach((line) => left.set(line, (left.get(line) ?? 0) + 1));
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

function shorten(line: string): string {
  const text = line.trim();
  return text.length > 90 ? `${text.slice(0, 87)}...` : text;
}

/** A step that only got another number because one was put before it. */
function movedSteps(before: Artefacts, after: Artefacts): string[] {
  const steps = (artefacts: Artefacts) =>
    new Map(
      [...artefacts.keys()].flatMap((path) => {
        const match = /^(hosts\/[^/]+\/)(\d+)-(.+)$/.exec(path);
        return match ? [[`${match[1]}${match[3]}`, match[2]] as const] : [];
      }),
    );
  const old = steps(before);
  return [...steps(after)].flatMap(([step, position]) => {
    const was = old.get(step);
    return was !== undefined && was !== position ? [`  moved    ${step}: from place ${was} to ${position}`] : [];
  });
}
