import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import type { Homelab } from "./homelab";
import type { ConfigIssue } from "./issues";
import { mirroredChart } from "./mirror";
import { chartSources, type ChartName } from "./pins";

/**
 * Digests of what has none in the configuration. The first fill of a mirror records them, every later one and every run
 * that uses the mirror verifies them. Committed beside the program, so that a change of upstream shows in a review.
 */
export interface MirrorLock {
  /** `<chart>-<version>` to the sha256 of its archive, 64 hexadecimal digits. */
  charts: Record<string, string>;
  /** Image reference as it is used to the digest of its manifest, `sha256:...`. */
  images: Record<string, string>;
  /** URL of any other file to its sha256. */
  files: Record<string, string>;
}

export const LOCK_FILE = "mirror.lock.yaml";

const HEADER = "# Written by npm run mirror: digests of what was first fetched. Commit it.\n";

/**
 * The lock in a folder; empty if there is none yet.
 *
 * @throws Error if the file is not a lock.
 */
export function readLock(folder: string): MirrorLock {
  const file = path.join(folder, LOCK_FILE);
  const content = fs.existsSync(file) ? (parse(fs.readFileSync(file, "utf8")) as unknown) : {};
  const sections = (content ?? {}) as Record<string, unknown>;
  const known = ["charts", "images", "files"] as const;
  const strange = Object.keys(sections).filter((key) => !(known as readonly string[]).includes(key));
  const broken = known.filter((key) => {
    const section = sections[key] ?? {};
    return (
      typeof section !== "object" ||
      Array.isArray(section) ||
      !Object.values(section).every((digest) => typeof digest === "string")
    );
  });
  if (strange.length > 0 || broken.length > 0) {
    throw new Error(
      `${LOCK_FILE}: ${[...strange, ...broken].join(", ")} is not what npm run mirror writes; restore it from git, or remove it to record anew`,
    );
  }
  const { charts = {}, images = {}, files = {} } = sections as Partial<MirrorLock>;
  return { charts, images, files };
}

/** Writes the lock, sorted, at once or not at all. */
export function writeLock(folder: string, lock: MirrorLock): void {
  const file = path.join(folder, LOCK_FILE);
  const temporary = `${file}.${process.pid}`;
  fs.writeFileSync(temporary, HEADER + stringify(lock, { sortMapEntries: true, lineWidth: 0 }));
  fs.renameSync(temporary, file);
}

/** Name of a chart in the lock. */
export function chartKey(name: ChartName, version: string): string {
  return `${chartSources[name].chart}-${version}`;
}

/** sha256 of a file, 64 hexadecimal digits. */
export function fileSha256(file: string): string {
  return createHash("sha256").update(fs.readFileSync(file)).digest("hex");
}

/**
 * Every chart that the mirror cannot give, or that is another one than was recorded. Looked at before anything is
 * touched: a run that stops at its ninth chart leaves a house half built.
 *
 * @param folder where the lock lies, unless the mirror names another.
 */
export function mirroredChartIssues({ versions }: Homelab, folder: string): ConfigIssue[] {
  const { mirror } = versions;
  if (!mirror) {
    return [];
  }
  const lock = readLock(mirror.lockFolder ?? folder);
  return (Object.keys(chartSources) as ChartName[]).flatMap((name) => {
    const version = versions.charts[name];
    const key = chartKey(name, version);
    const file = path.join(mirror.folder, mirroredChart(name, version));
    const recorded = lock.charts[key] as string | undefined;
    const found = fs.existsSync(file) ? fileSha256(file) : undefined;
    if (found !== undefined && found === recorded) {
      return [];
    }
    return [
      {
        path: `versions.charts.${name}`,
        found:
          found === undefined
            ? `no ${file}`
            : recorded === undefined
              ? `${file}, of which ${LOCK_FILE} records no digest`
              : `${file} with sha256 ${found}`,
        allowed: `the chart ${key} in the mirror's folder${recorded === undefined ? "" : ` with sha256 ${recorded}`}`,
        fix:
          found !== undefined && recorded !== undefined
            ? "somebody changed the archive: remove it, run npm run mirror, and see whether upstream's still fits"
            : "is the folder mounted? If so, run npm run mirror while upstream can be reached",
      },
    ];
  });
}
